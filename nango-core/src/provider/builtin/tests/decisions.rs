//! Facts that have changed or that differ from other catalogues. Each was confirmed by a public source, so that
//! reverting one is a mistake.

use serde_json::{Value, json};

use crate::{
    declare::PaginateKind,
    provider::{Catalogue, Provider, lookup_path},
};

fn entry(name: &str) -> Provider {
    Catalogue::builtin().find(name).unwrap().clone()
}

/// Checks the value at a path of an entry, including the keys of its alias.
#[track_caller]
fn check(name: &str, path: &str, expect: &Value) {
    let provider = entry(name);
    let raw = Value::Object((*provider.raw).clone());
    assert_eq!(lookup_path(&raw, path).unwrap_or(&Value::Null), expect, "{name}: {path}");
}

#[test]
fn sign_in_is_where_the_provider_documents_it_now() {
    check("monday", "token_url", &json!("https://auth.monday.com/oauth_ms/oauth/token"));
    let monday = entry("monday");
    assert!(monday.authorization.pkce, "OAuth 2.1 requires a challenge");
    check("hubspot", "token_url", &json!("https://api.hubapi.com/oauth/2026-03/token"));
    check("shopify", "token_params.expiring", &json!(1));
    let shopify = entry("shopify");
    let renewal = shopify.token.refresh_params.unwrap();
    assert!(renewal.iter().all(|(name, _)| name != "expiring"), "{renewal:?}");
    for key in ["token_params.expires_in", "refresh_params.expires_in"] {
        check("zendesk", key, &json!(1800));
    }
    check("trello", "scope_separator", &json!(","));
    let ending = entry("zendesk-api-key").lifecycle.unwrap();
    assert_eq!(ending.until.to_string(), "2027-04-30");
    assert!(ending.note.contains("`zendesk`"), "{}", ending.note);
}

#[test]
fn list_without_one_way_for_all_has_no_preset() {
    for name in ["datadog", "discord", "discord-bot", "dropbox", "sentry", "figma", "linear", "monday"] {
        assert_eq!(entry(name).proxy.paginate, None, "{name}");
    }
    // Help center lists have a URL at that path instead of a cursor, so that their walk would end as incomplete.
    check("intercom", "proxy.paginate.has_more_path", &json!("pages.next"));
    for name in ["confluence", "confluence-oauth"] {
        let kind = entry(name).proxy.paginate.and_then(|pages| pages.kind);
        assert!(matches!(kind, Some(PaginateKind::Link { rel: None, path: Some(_) })), "{name}: {kind:?}");
    }
}

#[test]
fn limit_is_read_from_the_body_and_a_missing_permission_is_none() {
    let found = |name: &str, message: &str| {
        let rule = entry(name).proxy.retry.body_wait.unwrap_or_else(|| panic!("{name}"));
        rule.pattern.find(message).map(str::to_owned)
    };
    let google = ["google", "google-calendar", "google-mail", "google-drive", "google-sheet", "google-docs"];
    for name in google.into_iter().chain(["google-contacts", "google-service-account"]) {
        let at = "2026-11-28T15:00:00.000Z";
        for message in [
            format!("User-rate limit exceeded.  Retry after {at}"),
            format!("User-rate limit exceeded. Retry after {at}"),
        ] {
            assert_eq!(found(name, &message).as_deref(), Some(at), "{name}");
        }
        for message in ["User Rate Limit Exceeded", "Rate Limit Exceeded"] {
            assert_eq!(found(name, message).as_deref(), Some(""), "{name}");
        }
        for message in ["Request had insufficient authentication scopes.", "Insufficient Permission"] {
            assert_eq!(found(name, message), None, "{name}");
        }
        assert!(entry(name).proxy.retry.retryable_statuses.is_empty(), "{name}: 401 and 403 are not repeated as such");
    }
    for name in ["github", "github-pat", "github-app"] {
        let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        assert!(found(name, message).is_some(), "{name}");
        assert_eq!(found(name, "Resource not accessible by integration"), None, "{name}");
    }
}

#[test]
fn value_that_differs_from_other_catalogues_is_kept() {
    check("greenhouse", "token_url", &json!("https://auth.greenhouse.io/token"));
    check("greenhouse", "token_request_auth_method", &json!("basic"));
    check("klaviyo", "proxy.headers.revision", &json!("${connectionConfig.revision} || 2026-07-15"));
    check("pagerduty", "token_url", &json!("https://identity.pagerduty.com/oauth/token"));
    check("pipedrive", "proxy.paginate.cursor_path_in_response", &json!("additional_data.next_cursor"));
    for name in ["zendesk", "zendesk-api-key"] {
        check(name, "proxy.paginate.link_path_in_response_body", &json!("links.next"));
    }
    for (name, size) in [("google-calendar", "maxResults"), ("google-mail", "maxResults"), ("google-drive", "pageSize")]
    {
        check(name, "proxy.paginate.limit_name_in_request", &json!(size));
    }
    for name in ["jira", "jira-oauth"] {
        check(name, "proxy.paginate.response_path", &json!("values"));
        check(name, "proxy.paginate.offset_name_in_request", &json!("startAt"));
    }
    check(
        "paypal",
        "token_url",
        &json!("https://api-m.${connectionConfig.domain}/v1/oauth2/token || https://api-m.paypal.com/v1/oauth2/token"),
    );
    assert!(entry("microsoft").authorization.pkce);
    check("workable", "proxy.paginate.link_path_in_response_body", &json!("paging.next"));
    check("workable", "proxy.base_url", &json!("https://${connectionConfig.subdomain}.workable.com"));
    let sites = entry("datadog").config.into_iter().find(|field| field.name == "site").unwrap().choices;
    assert_eq!(sites.len(), 9, "{sites:?}");
    check("figma", "authorization_url", &json!("https://www.figma.com/oauth"));
    check("figma", "token_url", &json!("https://api.figma.com/v1/oauth/token"));
    check("figma", "refresh_url", &json!("https://api.figma.com/v1/oauth/refresh"));
    check("bamboohr", "proxy.base_url", &json!("https://${connectionConfig.subdomain}.bamboohr.com/api"));
}

#[test]
fn slack_refusal_with_status_200_is_recognised() {
    let refusal = entry("slack").proxy.verification.unwrap().refusal.unwrap();
    assert_eq!(
        refusal.refusal_message(&json!({ "ok": false, "error": "invalid_auth" })).as_deref(),
        Some("invalid_auth")
    );
    assert_eq!(refusal.refusal_message(&json!({ "ok": true, "url": "https://acme.slack.com/" })), None);
}

#[test]
fn twilio_api_key_is_verified_at_its_account() {
    let twilio = entry("twilio");
    let endpoint = &twilio.proxy.verification.as_ref().unwrap().endpoints[0];
    let tried = |config: Value, user: &str| {
        let credentials = json!({ "username": user });
        let scope = crate::provider::TemplateScope::new(
            "twilio",
            config.as_object().unwrap(),
            credentials.as_object().unwrap(),
        );
        endpoint.resolve_endpoint(&scope).unwrap()
    };
    assert_eq!(tried(json!({}), "AC1"), "/2010-04-01/Accounts/AC1.json");
    assert_eq!(tried(json!({ "accountSid": "AC1" }), "SK2"), "/2010-04-01/Accounts/AC1/Messages.json?PageSize=1");
    let parts = json!({ "username": "SK0123456789abcdef0123456789abcdef" });
    assert_eq!(twilio.check_credentials("twilio", parts.as_object().unwrap()), Ok(()));
}
