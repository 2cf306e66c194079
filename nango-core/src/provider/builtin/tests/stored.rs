//! Compatibility of connections stored before their entry had fields for regions, sandboxes and versions.

use serde_json::{Map, Value, json};

use crate::provider::{Catalogue, Provider, Template, TemplateScope};

fn filled(provider: &Provider, template: Option<&Template>, config: &Value) -> Option<String> {
    let credentials = Map::new();
    let scope = TemplateScope::new("acme", config.as_object().unwrap(), &credentials);
    template.map(|template| template.resolve_url(&scope).map_or_else(|error| error.to_string(), Into::into)).map(
        |url: String| {
            assert!(url.starts_with("https://"), "{}: {url}", provider.name);
            url
        },
    )
}

/// Returns base URL, consent page and token URL of a connection with this configuration.
fn base_consent_and_token_urls(name: &str, config: &Value) -> [Option<String>; 3] {
    let catalogue = Catalogue::builtin();
    let provider = catalogue.find(name).unwrap();
    let templates = [&provider.proxy.base_url, &provider.authorization.url, &provider.token.url];
    templates.map(|template| filled(provider, template.as_ref(), config))
}

#[track_caller]
fn check(name: &str, config: &Value, base: &str, consent: &str, token: &str) {
    let expect = [base, consent, token].map(|url| (!url.is_empty()).then(|| format!("https://{url}")));
    assert_eq!(base_consent_and_token_urls(name, config), expect, "{name} {config}");
}

#[test]
fn stored_configuration_without_a_newer_field_keeps_its_hosts() {
    let none = json!({});
    let tenant = "11111111-1111-1111-1111-111111111111";
    let of_tenant = json!({ "tenantId": tenant });
    let login = |path: &str| format!("login.microsoftonline.com/{tenant}/oauth2/v2.0/{path}");
    let acme = json!({ "subdomain": "acme" });
    check(
        "monday",
        &none,
        "api.monday.com/",
        "auth.monday.com/oauth2/authorize",
        "auth.monday.com/oauth_ms/oauth/token",
    );
    check(
        "pagerduty",
        &none,
        "api.pagerduty.com/",
        "identity.pagerduty.com/oauth/authorize",
        "identity.pagerduty.com/oauth/token",
    );
    check("pagerduty-api-key", &none, "api.pagerduty.com/", "", "");
    check("sendgrid", &none, "api.sendgrid.com/", "", "");
    check("okta", &acme, "acme.okta.com/", "acme.okta.com/oauth2/v1/authorize", "acme.okta.com/oauth2/v1/token");
    check("okta-api-key", &acme, "acme.okta.com/", "", "");
    check(
        "docusign",
        &json!({ "hostname": "na3.docusign.net" }),
        "na3.docusign.net/",
        "account.docusign.com/oauth/auth",
        "account.docusign.com/oauth/token",
    );
    check(
        "quickbooks",
        &json!({ "realmId": "1" }),
        "quickbooks.api.intuit.com/",
        "appcenter.intuit.com/connect/oauth2",
        "oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    );
    let square = "connect.squareup.com";
    check(
        "squareup",
        &none,
        &format!("{square}/"),
        &format!("{square}/oauth2/authorize"),
        &format!("{square}/oauth2/token"),
    );
    check("paypal", &none, "api-m.paypal.com/", "www.paypal.com/signin/authorize", "api-m.paypal.com/v1/oauth2/token");
    check("paypal-cc", &none, "api-m.paypal.com/", "", "api-m.paypal.com/v1/oauth2/token");
    check("gusto", &none, "api.gusto.com/", "api.gusto.com/oauth/authorize", "api.gusto.com/oauth/token");
    check("lever", &none, "api.lever.co/", "auth.lever.co/authorize", "auth.lever.co/oauth/token");
    check("lever-basic", &none, "api.lever.co/", "", "");
    check("typeform", &none, "api.typeform.com/", "api.typeform.com/oauth/authorize", "api.typeform.com/oauth/token");
    check("intercom", &none, "api.intercom.io/", "app.intercom.com/oauth", "api.intercom.io/auth/eagle/token");
    check(
        "intercom",
        &json!({ "hostname": "api.eu.intercom.io" }),
        "api.eu.intercom.io/",
        "app.intercom.com/oauth",
        "api.eu.intercom.io/auth/eagle/token",
    );
    check("jira", &acme, "acme.atlassian.net/", "", "");
    check("confluence", &acme, "acme.atlassian.net/", "", "");
    let common = "login.microsoftonline.com/common/oauth2/v2.0";
    for name in ["microsoft", "outlook", "microsoft-teams"] {
        check(name, &none, "graph.microsoft.com/", &format!("{common}/authorize"), &format!("{common}/token"));
        check(name, &of_tenant, "graph.microsoft.com/", &login("authorize"), &login("token"));
    }
    check("microsoft-oauth2-cc", &of_tenant, "graph.microsoft.com/", "", &login("token"));
    for end in ["com", "eu", "in", "com.au", "jp", "com.cn"] {
        // A refreshed token returns the API's domain; the configuration of the connection takes precedence.
        check(
            "zoho-crm",
            &json!({ "extension": end, "api_domain": "https://www.zohoapis.test" }),
            &format!("www.zohoapis.{end}/"),
            &format!("accounts.zoho.{end}/oauth/v2/auth"),
            &format!("accounts.zoho.{end}/oauth/v2/token"),
        );
    }
}

#[test]
fn region_or_sandbox_moves_every_host_that_belongs_to_it() {
    check(
        "zoho-crm",
        &json!({ "accounts-server": "https://accounts.zohocloud.ca", "api_domain": "https://www.zohoapis.ca" }),
        "www.zohoapis.ca/",
        "accounts.zohocloud.ca/oauth/v2/auth",
        "accounts.zohocloud.ca/oauth/v2/token",
    );
    check(
        "paypal",
        &json!({ "domain": "sandbox.paypal.com" }),
        "api-m.sandbox.paypal.com/",
        "www.sandbox.paypal.com/signin/authorize",
        "api-m.sandbox.paypal.com/v1/oauth2/token",
    );
    check(
        "lever",
        &json!({ "apiHost": "api.sandbox.lever.co", "authHost": "sandbox-lever.auth0.com" }),
        "api.sandbox.lever.co/",
        "sandbox-lever.auth0.com/authorize",
        "sandbox-lever.auth0.com/oauth/token",
    );
    check(
        "microsoft",
        &json!({ "loginHost": "login.microsoftonline.us", "graphHost": "graph.microsoft.us" }),
        "graph.microsoft.us/",
        "login.microsoftonline.us/common/oauth2/v2.0/authorize",
        "login.microsoftonline.us/common/oauth2/v2.0/token",
    );
    check(
        "okta",
        &json!({ "subdomain": "acme", "domain": "oktapreview.com" }),
        "acme.oktapreview.com/",
        "acme.oktapreview.com/oauth2/v1/authorize",
        "acme.oktapreview.com/oauth2/v1/token",
    );
    check(
        "intercom",
        &json!({ "hostname": "api.au.intercom.io", "appHostname": "app.au.intercom.com" }),
        "api.au.intercom.io/",
        "app.au.intercom.com/oauth",
        "api.au.intercom.io/auth/eagle/token",
    );
    let site = "11223344-a1b2-3b33-c444-def123456789";
    check(
        "jira",
        &json!({ "subdomain": "acme", "cloudId": site }),
        &format!("api.atlassian.com/ex/jira/{site}"),
        "",
        "",
    );
    check("confluence", &json!({ "cloudId": site }), &format!("api.atlassian.com/ex/confluence/{site}"), "", "");
}

#[test]
fn field_with_default_accepts_only_listed_hosts() {
    let catalogue = Catalogue::builtin();
    for (name, field) in [
        ("pagerduty", "hostname"),
        ("sendgrid", "hostname"),
        ("okta", "domain"),
        ("docusign", "accountHost"),
        ("quickbooks", "hostname"),
        ("squareup", "hostname"),
        ("paypal", "domain"),
        ("gusto", "domain"),
        ("lever", "authHost"),
        ("typeform", "authHost"),
        ("microsoft", "loginHost"),
    ] {
        let provider = catalogue.find(name).unwrap();
        let given = |value: &str| json!({ field: value }).as_object().cloned().unwrap();
        let error = provider.validate_config(name, given("evil.example")).unwrap_err().to_string();
        assert!(error.contains("must be one of"), "{error}");
        let added = provider.validate_config(name, Map::new()).unwrap();
        let default = provider.config.iter().find(|known| known.name == field).unwrap();
        assert_eq!(added.get(field).and_then(Value::as_str), default.default.as_deref(), "{name}");
        for choice in &default.choices {
            let mut config = given(choice);
            config.insert("subdomain".to_owned(), json!("acme"));
            let Some(url) = filled(provider, provider.token.url.as_ref(), &Value::Object(config)) else { continue };
            assert!(provider.allows_token_host(&url.parse().unwrap()), "{name}: {url}");
        }
    }
    let zoho = catalogue.find("zoho-crm").unwrap();
    assert!(zoho.allows_token_host(&"https://accounts.zohocloud.ca/oauth/v2/token".parse().unwrap()));
    assert!(!zoho.allows_token_host(&"https://accounts.evil.example/oauth/v2/token".parse().unwrap()));
    let okta = catalogue.find("okta").unwrap();
    assert!(!okta.allows_token_host(&"https://login.example.com/oauth2/v1/token".parse().unwrap()));
}

#[test]
fn version_has_a_default_that_a_connection_or_an_integration_overrides() {
    let catalogue = Catalogue::builtin();
    for (name, header, default) in [
        ("notion", "notion-version", "2025-09-03"),
        ("github", "x-github-api-version", "2022-11-28"),
        ("github-app", "x-github-api-version", "2022-11-28"),
        ("gusto", "x-gusto-api-version", "2025-06-15"),
        ("monday", "api-version", "2026-07"),
        ("stripe", "stripe-version", "2026-10-28.endive"),
        ("squareup", "square-version", "2026-09-16"),
        ("intercom", "intercom-version", "2.14"),
    ] {
        let mut provider = catalogue.find(name).unwrap().clone();
        let sent = |provider: &Provider, config: Value| {
            let credentials = Map::new();
            let scope = TemplateScope::new(name, config.as_object().unwrap(), &credentials);
            let (_, template) = provider.proxy.headers.iter().find(|(known, _)| *known == header).unwrap();
            template.resolve(&scope).unwrap()
        };
        assert_eq!(sent(&provider, json!({})), default, "{name}");
        let other = if name == "intercom" {
            "2.11"
        } else if name == "monday" {
            "2026-10"
        } else {
            "2026-03-10"
        };
        let config =
            provider.validate_config(name, json!({ "apiVersion": other }).as_object().cloned().unwrap()).unwrap();
        assert_eq!(sent(&provider, Value::Object(config)), other, "{name}");
        // A default is not stored, so that connections of one integration follow the same version.
        assert_eq!(provider.validate_config(name, Map::new()).unwrap().get("apiVersion"), None, "{name}");
        provider.apply_overrides(None, [(header, "1999-01-01")]).unwrap();
        assert_eq!(sent(&provider, json!({})), "1999-01-01", "{name}");
    }
}

#[test]
fn only_required_values_are_requested() {
    let catalogue = Catalogue::builtin();
    for (name, needed) in
        [("jira", "subdomain"), ("confluence", "subdomain"), ("okta", "subdomain"), ("okta-api-key", "subdomain")]
    {
        let provider = catalogue.find(name).unwrap();
        assert_eq!(provider.required_config(), [needed], "{name}");
        let error = provider.base_url(name, &Map::new()).unwrap_err();
        let expect = format!("`{name}` needs the configuration value `{needed}`");
        assert!(error.to_string().starts_with(&expect), "{error}");
    }
}
