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
    pub number: u64,
    #[serde(default)]
    #[serde(skip_serializing_if = "::core::option::Option::is_none")]
    pub title: Option<String>,
    #[serde(default)]
    #[serde(skip_serializing_if = "::nango_core::Patch::is_keep")]
    pub closed_at: Patch<String>,
    #[cfg(feature = "users")]
    #[serde(rename = "assignedTo", default)]
    #[serde(skip_serializing_if = "::core::option::Option::is_none")]
    #[cfg(doc)]
    pub assignee: Option<UserPatch>,
    #[cfg(feature = "users")]
    #[serde(rename = "assignedTo", default)]
    #[serde(skip_serializing_if = "::core::option::Option::is_none")]
    #[cfg(not(doc))]
    pub assignee: Option<
        <[UserPatch; ::nango_core::__private::field::<
            UserPatch,
        >()] as ::nango_core::__private::Elem>::T,
    >,
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __Model = Issue;
    impl __nango::Fits<__Model> for IssuePatch {}
    impl __nango::Fits<::core::option::Option<__Model>> for IssuePatch {}
    impl __nango::PatchOf for IssuePatch {
        type Model = __Model;
        fn id(&self) -> &<__Model as __nango::Record>::Id {
            &self.number
        }
    }
    const _: fn(__Model) = |model| {
        __nango::fits::<String, _>(&model.title);
        __nango::fits_nullable::<String, _>(&model.closed_at);
        #[cfg(feature = "users")] __nango::fits::<UserPatch, _>(&model.assignee);
    };
    const _: () = {
        use __nango::NoModelNames as _;
        const TEXTS: [&str; 11] = __nango::renamed_field(
            "IssuePatch",
            &[
                ("number", "number"),
                ("title", "title"),
                ("closed_at", "closed_at"),
                ("assignee", "assignedTo"),
            ],
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
pub struct UserPatch {
    #[serde(default)]
    #[serde(skip_serializing_if = "::core::option::Option::is_none")]
    pub name: Option<String>,
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __Model = User;
    impl __nango::Fits<__Model> for UserPatch {}
    impl __nango::Fits<::core::option::Option<__Model>> for UserPatch {}
    const _: fn(__Model) = |model| {
        __nango::fits::<String, _>(&model.name);
    };
    const _: () = {
        use __nango::NoModelNames as _;
        const TEXTS: [&str; 11] = __nango::renamed_field(
            "UserPatch",
            &[("name", "name")],
            "User",
            __nango::ModelNames::<__Model>::RENAMED,
        );
        const MESSAGE: [u8; __nango::length(&TEXTS)] = __nango::joined(&TEXTS);
        __nango::assert_no_message(&MESSAGE);
    };
};
