#[allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::missing_errors_doc
)]
fn plain(issue: ApiIssue, team: &Team) -> Change<Issue> {
    Change::Save(issue.into())
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
mod __plain {
    pub(super) enum plain {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Issue;
    impl __nango::Saves<__M0> for __plain::plain {}
    impl __nango::HasMetadata for __plain::plain {
        type Metadata = Team;
    }
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Fixed("/issues"),
        request: __nango::ListRequest::GET,
        paginate: ::core::option::Option::None,
        retries: 0u32,
        since: ::core::option::Option::None,
        errors: &[],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::None,
        delta: ::core::option::Option::None,
        map: __nango::MapRecord::PlainWith {
            metadata: __nango::shared_metadata::<__plain::plain>,
            map: |metadata, record, batch| {
                __nango::map_record_with::<
                    __plain::plain,
                    ApiIssue,
                    Change<Issue>,
                >(plain, metadata, record, batch)
            },
        },
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::plain"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "plain",
        description: "",
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
            __nango::metadata_type::<__plain::plain>(),
        ),
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __plain::plain {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
#[allow(clippy::unused_async, clippy::missing_errors_doc)]
async fn with_handle(
    nango: NangoSync<__with_handle::with_handle>,
    issue: ApiIssue,
    team: &Team,
) -> Result<Issue> {
    Ok(issue.into())
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
mod __with_handle {
    pub(super) enum with_handle {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Issue;
    impl __nango::Saves<__M0> for __with_handle::with_handle {}
    impl __nango::HasMetadata for __with_handle::with_handle {
        type Metadata = Team;
    }
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Fixed("/issues"),
        request: __nango::ListRequest::GET,
        paginate: ::core::option::Option::None,
        retries: 0u32,
        since: ::core::option::Option::None,
        errors: &[],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::None,
        delta: ::core::option::Option::None,
        map: __nango::MapRecord::AsyncWith {
            records_at_once: 8,
            metadata: __nango::shared_metadata::<__with_handle::with_handle>,
            map: |metadata, n, raw| match __nango::decode_with::<
                __with_handle::with_handle,
                ApiIssue,
            >(metadata, &raw) {
                ::core::result::Result::Ok((record, metadata)) => {
                    __nango::box_mapped::<
                        __with_handle::with_handle,
                        _,
                    >(async move { with_handle(n.into(), record, &*metadata).await })
                }
                ::core::result::Result::Err(error) => __nango::fail(error),
            },
        },
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::with_handle"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "with-handle",
        description: "",
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
            __nango::metadata_type::<__with_handle::with_handle>(),
        ),
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __with_handle::with_handle {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
