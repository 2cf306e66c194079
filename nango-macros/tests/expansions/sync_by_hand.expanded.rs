#[allow(clippy::unused_async, clippy::missing_errors_doc)]
/// Fetches the issues of a repository.
pub async fn issues(nango: NangoSync<__issues::issues>) -> Result<()> {
    nango.batch_save(Vec::<Issue>::new()).await
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod __issues {
    pub enum issues {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Issue;
    impl __nango::Saves<__M0> for __issues::issues {}
    impl __nango::HasCheckpoint for __issues::issues {
        type Checkpoint = Position;
    }
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::issues"),
        },
        integration: __nango::integration_of(::core::module_path!()),
        name: "issues",
        description: "Fetches the issues of a repository.",
        version: "0.0.1",
        frequency: ::core::option::Option::Some(
            __nango::Frequency::declared("every hour", 3600u32),
        ),
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
        checkpoint: ::core::option::Option::Some(
            __nango::checkpoint_type::<__issues::issues>(),
        ),
        metadata: ::core::option::Option::None,
        run: __nango::SyncRun::Function(|n| __nango::box_sync(issues(n.into()))),
    };
    impl __nango::SyncMarker for __issues::issues {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
#[allow(clippy::unused_async, clippy::missing_errors_doc)]
async fn issue_changed(
    nango: NangoSync<__sync_of_issue_changed::issues>,
    event: IssueEvent,
) -> Result<()> {
    nango.batch_save([event.issue]).await
}
#[doc(hidden)]
#[allow(unused_imports)]
use self::{issues as _, __issues as __sync_of_issue_changed};
const _: () = {
    use ::nango_core::__private as __nango;
    enum __Payload {}
    impl __nango::Payload for __Payload {
        type Payload = IssueEvent;
    }
    impl __nango::HasWebhook for __sync_of_issue_changed::issues {}
    static __DEF: __nango::WebhookDef = __nango::WebhookDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::issue_changed"),
        },
        name: "issue-changed",
        description: "",
        sync: __nango::sync_of::<__sync_of_issue_changed::issues>(),
        subscriptions: &["issues.opened"],
        payload: __nango::payload_type::<__Payload>(),
        run: |n, v| match __nango::payload::<__Payload>(v) {
            ::core::result::Result::Ok(p) => {
                __nango::box_sync(
                    issue_changed(
                        __nango::sync_handle::<__sync_of_issue_changed::issues>(n),
                        p,
                    ),
                )
            }
            ::core::result::Result::Err(error) => __nango::fail(error),
        },
    };
    __nango::inventory::submit!(__nango::Item::Webhook(& __DEF));
};
