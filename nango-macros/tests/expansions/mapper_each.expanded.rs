#[allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::missing_errors_doc
)]
fn messages(channel: &Channel, message: ApiMessage, team: &Team) -> Message {
    message.of(channel, team)
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
mod __messages {
    pub(super) enum messages {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Message;
    impl __nango::Saves<__M0> for __messages::messages {}
    impl __nango::HasMetadata for __messages::messages {
        type Metadata = Team;
    }
    type __Parent = Channel;
    static __EACH: __nango::Each = __nango::Each {
        parents: __nango::record_parents::<__Parent>(::core::option::Option::None),
        at_once: 8usize,
        on_error: __nango::OnParentError::Skip,
        metadata: ::core::option::Option::Some(
            __nango::shared_metadata::<__messages::messages>,
        ),
        request: __nango::EachRequest {
            query: ::core::option::Option::Some(|v, values| {
                #[allow(unused_variables)]
                let each = __nango::parent::<__Parent>(v)?;
                values.add("channel", &(each.id))?;
                ::core::result::Result::Ok(())
            }),
            headers: ::core::option::Option::None,
            body: ::core::option::Option::None,
        },
    };
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Each(
            |s| {
                let e = __nango::parent::<__Parent>(s)?;
                let m = __nango::metadata_of::<__messages::messages>(s)?;
                __nango::endpoint_of_parent(
                    &["/", "/", ""],
                    &[("team", &m.team), ("each.id", &e.id)],
                )
            },
            "/{team}/{each.id}",
        ),
        request: __nango::ListRequest {
            method: __nango::ListMethod::Post,
            query_names: &["channel"],
            ..__nango::ListRequest::GET
        },
        paginate: ::core::option::Option::None,
        retries: 0u32,
        since: ::core::option::Option::None,
        errors: &[
            __nango::ErrorAt {
                path: __nango::Cow::Borrowed("ok"),
                is: ::core::option::Option::Some(__nango::ErrorValue::Bool(false)),
                message: ::core::option::Option::Some(__nango::Cow::Borrowed("error")),
                partial: false,
                fatal: __nango::Cow::Borrowed(&[__nango::Cow::Borrowed("invalid_auth")]),
            },
        ],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::Some(&__EACH),
        delta: ::core::option::Option::None,
        map: __nango::MapRecord::PlainEach(|scope, raw, batch| {
            let each = __nango::parent::<__Parent>(scope)?;
            let metadata = __nango::metadata_of::<__messages::messages>(scope)?;
            __nango::map_each::<
                __messages::messages,
                ApiMessage,
                Message,
            >(raw, batch, |record| { messages(each, record, metadata) })
        }),
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::messages"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "messages",
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
            __nango::metadata_type::<__messages::messages>(),
        ),
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __messages::messages {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
#[allow(clippy::unused_async, clippy::missing_errors_doc)]
async fn issues(
    nango: NangoSync<__issues::issues>,
    repo: &Repo,
    issue: ApiIssue,
) -> Result<Issue> {
    Ok(issue.of(repo))
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
mod __issues {
    pub(super) enum issues {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Issue;
    impl __nango::Saves<__M0> for __issues::issues {}
    impl __nango::HasMetadata for __issues::issues {
        type Metadata = Team;
    }
    static __EACH: __nango::Each = __nango::Each {
        parents: __nango::ParentSource::Metadata {
            path: "metadata.repos",
            list: |s| {
                let list = __nango::parent_list::<__issues::issues, _>(|m| &m.repos);
                __nango::elements::<__issues::issues, _>(s, list)
            },
        },
        at_once: 4usize,
        on_error: __nango::OnParentError::Standard,
        metadata: ::core::option::Option::Some(
            __nango::shared_metadata::<__issues::issues>,
        ),
        request: __nango::EachRequest::NONE,
    };
    static __DELTA: __nango::Delta = __nango::Delta {
        position: __nango::DeltaPosition::Param {
            param: "cursor",
            path: "next",
        },
        initial: ::core::option::Option::Some(
            __nango::InitialValues::Each(|v, values| {
                #[allow(unused_variables)]
                let each = {
                    let list = __nango::parent_list::<__issues::issues, _>(|m| &m.repos);
                    __nango::element::<__issues::issues, _>(v, list)?
                };
                values.add("from", &(each.created))?;
                ::core::result::Result::Ok(())
            }),
        ),
        initial_names: &["from"],
        end: ::core::option::Option::Some("done"),
        expired: __nango::Delta::EXPIRED,
    };
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Each(
            |s| {
                let e = {
                    let list = __nango::parent_list::<__issues::issues, _>(|m| &m.repos);
                    __nango::element::<__issues::issues, _>(s, list)?
                };
                __nango::endpoint_of_parent(
                    &["/repos/", ""],
                    &[("each.owner", &e.owner)],
                )
            },
            "/repos/{each.owner}",
        ),
        request: __nango::ListRequest::GET,
        paginate: ::core::option::Option::None,
        retries: 0u32,
        since: ::core::option::Option::None,
        errors: &[],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::Some(&__EACH),
        delta: ::core::option::Option::Some(&__DELTA),
        map: __nango::MapRecord::AsyncEach {
            records_at_once: 4,
            map: |scope, n, raw| match __nango::decode::<ApiIssue>(&raw)
                .and_then(|record| ::core::result::Result::Ok((
                    record,
                    {
                        let list = __nango::parent_list::<
                            __issues::issues,
                            _,
                        >(|m| &m.repos);
                        __nango::shared_element::<__issues::issues, _>(&scope, list)?
                    },
                )))
            {
                ::core::result::Result::Ok((record, each)) => {
                    __nango::box_mapped::<
                        __issues::issues,
                        _,
                    >(async move { issues(n.into(), &*each, record).await })
                }
                ::core::result::Result::Err(error) => __nango::fail(error),
            },
        },
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::issues"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "issues",
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
            __nango::metadata_type::<__issues::issues>(),
        ),
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __issues::issues {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
