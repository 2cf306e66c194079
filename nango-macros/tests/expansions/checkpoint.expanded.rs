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
#[cfg(feature = "issues")]
#[derive(Default)]
pub struct IssuesCheckpoint {
    pub since: String,
    #[cfg(feature = "pages")]
    pub page: Option<u32>,
}
#[cfg(feature = "issues")]
const _: () = {
    use ::nango_core::__private as __nango;
    impl __nango::Checkpoint for IssuesCheckpoint {}
    const _: fn() = || {
        __nango::flat::<String>();
        #[cfg(feature = "pages")] __nango::flat::<Option<u32>>();
    };
};
