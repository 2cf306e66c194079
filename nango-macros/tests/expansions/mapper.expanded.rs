#[allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::missing_errors_doc
)]
/// Syncs the issues of a repository.
pub fn repo_issues(issue: ApiIssue) -> Option<Issue> {
    Some(issue.into())
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod __repo_issues {
    pub enum repo_issues {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Issue;
    impl __nango::Saves<__M0> for __repo_issues::repo_issues {}
    impl __nango::HasMetadata for __repo_issues::repo_issues {
        type Metadata = Repository;
    }
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Metadata(
            |v| {
                let m = __nango::metadata::<__repo_issues::repo_issues>(v)?;
                __nango::endpoint(
                    &["/repos/", "/", "/issues"],
                    &[("owner", &m.owner), ("repo", &m.repo)],
                )
            },
            "/repos/{owner}/{repo}/issues",
        ),
        request: __nango::ListRequest::GET,
        paginate: ::core::option::Option::Some(__nango::Paginate {
            kind: ::core::option::Option::Some(__nango::PaginateKind::Link {
                rel: ::core::option::Option::Some(__nango::Cow::Borrowed("next")),
                path: ::core::option::Option::None,
            }),
            limit: ::core::option::Option::Some(100u32),
            limit_name: ::core::option::Option::None,
            response_path: ::core::option::Option::None,
            response_key: ::core::option::Option::None,
            has_more: ::core::option::Option::None,
            is_last: ::core::option::Option::None,
            total: ::core::option::Option::None,
            total_pages: ::core::option::Option::None,
            null_is_empty: ::core::option::Option::None,
            end_status: ::core::option::Option::None,
            pagination: ::core::option::Option::None,
            in_body: ::core::option::Option::None,
        }),
        retries: 0u32,
        since: ::core::option::Option::Some(__nango::Since {
            param: "since",
            format: __nango::SinceFormat::Rfc3339,
            from: __nango::SinceFrom::RunStart,
            overlap: 0u32,
            full_every: ::core::option::Option::Some(604800u32),
        }),
        errors: &[],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::None,
        delta: ::core::option::Option::None,
        map: __nango::MapRecord::Plain(|record, batch| {
            __nango::map_record::<
                __repo_issues::repo_issues,
                ApiIssue,
                Option<Issue>,
            >(repo_issues, record, batch)
        }),
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::repo_issues"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "repo-issues",
        description: "Syncs the issues of a repository.",
        version: "0.0.1",
        frequency: ::core::option::Option::None,
        auto_start: true,
        track_deletes: true,
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
            __nango::metadata_type::<__repo_issues::repo_issues>(),
        ),
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __repo_issues::repo_issues {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
