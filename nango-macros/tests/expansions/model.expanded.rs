#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::nango_core::__private::serde::Serialize,
    ::nango_core::__private::serde::Deserialize,
    ::nango_core::__private::schemars::JsonSchema
)]
#[serde(crate = "::nango_core::__private::serde")]
#[schemars(crate = "::nango_core::__private::schemars")]
/// An issue of a repository.
pub struct Issue {
    pub id: u64,
    /// Shown in the list.
    pub title: String,
    pub updated_at: String,
}
const _: () = {
    use ::nango_core::__private as __nango;
    impl __nango::Model for Issue {
        const NAME: &'static str = "Issue";
        const INFO: &'static __nango::ModelInfo = &__nango::ModelInfo {
            name: "Issue",
            schema: __nango::schema::<Issue>,
            type_name: ::core::any::type_name::<Issue>,
        };
    }
    impl __nango::AsRecord for Issue {
        type Model = Self;
        fn record(&self) -> &Self {
            self
        }
    }
    impl __nango::Record for Issue {
        type Id = u64;
        fn id(&self) -> &Self::Id {
            &self.id
        }
        const UPDATED: ::core::option::Option<&'static str> = ::core::option::Option::Some(
            "updated_at",
        );
        fn updated_micros(&self) -> ::core::option::Option<i64> {
            __nango::updated(&self.updated_at)
        }
    }
};
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::nango_core::__private::serde::Serialize,
    ::nango_core::__private::serde::Deserialize,
    ::nango_core::__private::schemars::JsonSchema
)]
#[serde(crate = "::nango_core::__private::serde")]
#[schemars(crate = "::nango_core::__private::schemars")]
pub struct IssuePatch {
    pub id: u64,
    #[serde(default)]
    #[serde(skip_serializing_if = "::core::option::Option::is_none")]
    pub title: Option<String>,
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __Model = Issue;
    impl __nango::Fits<__Model> for IssuePatch {}
    impl __nango::Fits<::core::option::Option<__Model>> for IssuePatch {}
    impl __nango::PatchOf for IssuePatch {
        type Model = __Model;
        fn id(&self) -> &<__Model as __nango::Record>::Id {
            &self.id
        }
    }
    const _: fn(__Model) = |model| {
        __nango::fits::<String, _>(&model.title);
    };
    const _: () = {
        use __nango::NoModelNames as _;
        const TEXTS: [&str; 11] = __nango::renamed_field(
            "IssuePatch",
            &[("id", "id"), ("title", "title")],
            "Issue",
            __nango::ModelNames::<__Model>::RENAMED,
        );
        const MESSAGE: [u8; __nango::length(&TEXTS)] = __nango::joined(&TEXTS);
        __nango::assert_no_message(&MESSAGE);
    };
};
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::nango_core::__private::serde::Serialize,
    ::nango_core::__private::serde::Deserialize,
    ::nango_core::__private::schemars::JsonSchema
)]
#[serde(crate = "::nango_core::__private::serde")]
#[schemars(crate = "::nango_core::__private::schemars")]
pub struct Position {
    pub page: u32,
}
const _: () = {
    use ::nango_core::__private as __nango;
    impl __nango::Checkpoint for Position {}
    const _: fn() = || {
        __nango::flat::<u32>();
    };
};
