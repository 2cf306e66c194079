#[allow(clippy::unused_async, clippy::missing_errors_doc)]
/// Checks the settings of a connection.
async fn check(nango: NangoAction<__check::check>) -> Result<()> {
    nango.metadata().await?.check()
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
mod __check {
    pub(super) enum check {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    impl __nango::HasMetadata for __check::check {
        type Metadata = Settings;
    }
    static __DEF: __nango::EventDef = __nango::EventDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::check"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "check-settings",
        description: "Checks the settings of a connection.",
        event: __nango::Event::ValidateConnection,
        metadata: ::core::option::Option::Some(
            __nango::metadata_type::<__check::check>(),
        ),
        run: |n| __nango::box_sync(check(n.into())),
    };
    __nango::inventory::submit!(__nango::Item::Event(& __DEF));
};
