#[allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::missing_errors_doc
)]
/// Syncs the issues of a team.
pub fn team_issues(issue: ApiIssue) -> Issue {
    issue.into()
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod __team_issues {
    pub enum team_issues {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Issue;
    impl __nango::Saves<__M0> for __team_issues::team_issues {}
    impl __nango::HasMetadata for __team_issues::team_issues {
        type Metadata = Team;
    }
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Fixed("/graphql"),
        request: __nango::ListRequest {
            method: __nango::ListMethod::Post,
            query_names: &["state", "team"],
            query: ::core::option::Option::Some(|v, values| {
                #[allow(unused_variables)]
                let metadata = &__nango::metadata::<__team_issues::team_issues>(v)?;
                values.add("state", &("open"))?;
                values.add("team", &(metadata.team))?;
                ::core::result::Result::Ok(())
            }),
            header_names: &["X-Version"],
            headers: ::core::option::Option::Some(|_, values| {
                values.add("X-Version", &("2"))?;
                ::core::result::Result::Ok(())
            }),
            body: ::core::option::Option::Some(|v| {
                #[allow(unused_variables)]
                let metadata = &__nango::metadata::<__team_issues::team_issues>(v)?;
                __nango::body(&(json!({ "query" : ISSUES, "team" : metadata.team })))
            }),
        },
        paginate: ::core::option::Option::None,
        retries: 0u32,
        since: ::core::option::Option::None,
        errors: &[],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::None,
        delta: ::core::option::Option::None,
        map: __nango::MapRecord::Plain(|record, batch| {
            __nango::map_record::<
                __team_issues::team_issues,
                ApiIssue,
                Issue,
            >(team_issues, record, batch)
        }),
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::team_issues"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "team-issues",
        description: "Syncs the issues of a team.",
        version: "0.0.1",
        frequency: ::core::option::Option::None,
        auto_start: true,
        track_deletes: false,
        deletes: __nango::Deletes {
            confirm: ::core::option::Option::None,
            request: ::core::option::Option::None,
            hold: __nango::Deletes::DEFAULT_HOLD,
            max_percent: ::core::option::Option::None,
        },
        merging: __nango::Merging::Newer,
        scopes: &[],
        models: &[<__M0 as __nango::Record>::RECORD],
        checkpoint: ::core::option::Option::None,
        metadata: ::core::option::Option::Some(
            __nango::metadata_type::<__team_issues::team_issues>(),
        ),
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __team_issues::team_issues {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
