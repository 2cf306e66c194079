#[allow(clippy::unused_async, clippy::missing_errors_doc)]
/// Saves an opened issue.
async fn on_issue(
    nango: NangoSync<__sync_of_on_issue::issues>,
    payload: IssueEvent,
) -> Result<()> {
    nango.batch_save([payload.issue]).await
}
#[doc(hidden)]
#[allow(unused_imports)]
use self::{issues as _, __issues as __sync_of_on_issue};
const _: () = {
    use ::nango_core::__private as __nango;
    enum __Payload {}
    impl __nango::Payload for __Payload {
        type Payload = IssueEvent;
    }
    impl __nango::HasWebhook for __sync_of_on_issue::issues {}
    static __DEF: __nango::WebhookDef = __nango::WebhookDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::on_issue"),
        },
        name: "on-issue",
        description: "Saves an opened issue.",
        sync: __nango::sync_of::<__sync_of_on_issue::issues>(),
        subscriptions: &["issues.opened", "issues.edited"],
        payload: __nango::payload_type::<__Payload>(),
        run: |n, v| match __nango::payload::<__Payload>(v) {
            ::core::result::Result::Ok(p) => {
                __nango::box_sync(
                    on_issue(__nango::sync_handle::<__sync_of_on_issue::issues>(n), p),
                )
            }
            ::core::result::Result::Err(error) => __nango::fail(error),
        },
    };
    __nango::inventory::submit!(__nango::Item::Webhook(& __DEF));
};
#[allow(clippy::unused_async, clippy::missing_errors_doc)]
pub async fn on_pull(
    nango: NangoSync<__sync_of_on_pull::all_pulls>,
    payload: serde_json::Value,
) -> Result<()> {
    Ok(())
}
#[doc(hidden)]
#[allow(unused_imports)]
use crate::github::pulls::{all_pulls as _, __all_pulls as __sync_of_on_pull};
const _: () = {
    use ::nango_core::__private as __nango;
    enum __Payload {}
    impl __nango::Payload for __Payload {
        type Payload = serde_json::Value;
    }
    impl __nango::HasWebhook for __sync_of_on_pull::all_pulls {}
    static __DEF: __nango::WebhookDef = __nango::WebhookDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::on_pull"),
        },
        name: "on-pull",
        description: "",
        sync: __nango::sync_of::<__sync_of_on_pull::all_pulls>(),
        subscriptions: &["*"],
        payload: __nango::payload_type::<__Payload>(),
        run: |n, v| match __nango::payload::<__Payload>(v) {
            ::core::result::Result::Ok(p) => {
                __nango::box_sync(
                    on_pull(__nango::sync_handle::<__sync_of_on_pull::all_pulls>(n), p),
                )
            }
            ::core::result::Result::Err(error) => __nango::fail(error),
        },
    };
    __nango::inventory::submit!(__nango::Item::Webhook(& __DEF));
};
