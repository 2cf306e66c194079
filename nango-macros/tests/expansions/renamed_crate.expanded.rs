#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    my_facade::nango::__private::serde::Serialize,
    my_facade::nango::__private::serde::Deserialize,
    my_facade::nango::__private::schemars::JsonSchema
)]
#[serde(crate = "my_facade::nango::__private::serde")]
#[schemars(crate = "my_facade::nango::__private::schemars")]
pub struct Issue {
    pub id: u64,
}
const _: () = {
    use my_facade::nango::__private as __nango;
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
    }
};
