#[allow(clippy::unused_async, clippy::missing_errors_doc)]
/// Creates an issue in a repository.
pub async fn create_issue(
    nango: NangoAction<__create_issue::create_issue>,
    input: NewIssue,
) -> Result<Issue> {
    nango.post("/issues").body(&input).json().await
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod __create_issue {
    pub enum create_issue {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    static __DEF: __nango::ActionDef = __nango::ActionDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::create_issue"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "create-issue",
        description: "Creates an issue in a repository.",
        version: "0.0.1",
        scopes: &["repo"],
        input: ::core::option::Option::Some(
            __nango::input_type::<__create_issue::create_issue>(),
        ),
        output: __nango::schema::<<Result<Issue> as __nango::Returns>::Ok>,
        checkpoint: ::core::option::Option::None,
        metadata: ::core::option::Option::None,
        run: |n, v| match __nango::input::<__create_issue::create_issue>(v) {
            ::core::result::Result::Ok(i) => {
                __nango::box_action(create_issue(n.into(), i))
            }
            ::core::result::Result::Err(error) => __nango::fail(error),
        },
    };
    impl __nango::ActionMarker for __create_issue::create_issue {
        type Input = NewIssue;
        type Output = <Result<Issue> as __nango::Returns>::Ok;
        const DEF: &'static __nango::ActionDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Action(& __DEF));
};
#[allow(clippy::unused_async, clippy::missing_errors_doc)]
async fn welcome(nango: NangoAction<__welcome::welcome>) -> Result<()> {
    Ok(())
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
mod __welcome {
    pub(super) enum welcome {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    static __DEF: __nango::EventDef = __nango::EventDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::welcome"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "welcome",
        description: "",
        event: __nango::Event::PostConnectionCreation,
        metadata: ::core::option::Option::None,
        run: |n| __nango::box_sync(welcome(n.into())),
    };
    __nango::inventory::submit!(__nango::Item::Event(& __DEF));
};
