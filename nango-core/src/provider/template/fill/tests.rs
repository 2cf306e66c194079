use super::*;
use crate::{
    error::Chain,
    provider::{RequestEntropy, RequestParts},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn resolve(template: &str, config: &Value, url: bool) -> Result<String, String> {
    let template: Template = template.parse().unwrap();
    let credentials = json!({ "apiKey": "${username} || x", "username": "ann", "password": "" });
    let scope = TemplateScope::new("jira", config.as_object().unwrap(), credentials.as_object().unwrap()).entropy(
        RequestEntropy { now: crate::time::Timestamp::from_micros(1_741_147_389_070_000), random: Uuid::nil() },
    );
    let got = if url { template.resolve_url(&scope).map(String::from) } else { template.resolve(&scope) };
    got.map_err(|error| Chain(&error).to_string())
}

#[track_caller]
fn check(template: &str, config: &Value, expect: &str) {
    assert_eq!(resolve(template, config, false).as_deref(), Ok(expect), "{template}");
}

#[track_caller]
fn check_url(template: &str, config: &Value, expect: Result<&str, &str>) {
    assert_eq!(resolve(template, config, true), expect.map(str::to_owned).map_err(str::to_owned), "{template}");
}

#[test]
fn value_is_filled_unchanged() {
    check("Bearer ${apiKey}", &json!({}), "Bearer ${username} || x");
    check("${connectionConfig.a}-${credentials.username}", &json!({ "a": "${apiKey}" }), "${apiKey}-ann");
    check("${connectionConfig.n}/${connectionConfig.a.b}", &json!({ "n": 7, "a": { "b": "c" } }), "7/c");
    check("${connectionConfig.a.b}", &json!({ "a.b": "flat" }), "flat");
    check("${connectionConfig.l.1.x}", &json!({ "l": [1, { "x": "second" }] }), "second");
    check("${connectionConfig.a}", &json!({ "connectionConfig.a": "moved" }), "moved");
}

#[test]
fn first_complete_alternative_is_used() {
    let template = "${connectionConfig.a}${connectionConfig.b} || ${connectionConfig.c} || none";
    check(template, &json!({ "a": "1", "b": "2", "c": "3" }), "12");
    check(template, &json!({ "a": "1", "b": "", "c": "3" }), "3");
    check(template, &json!({ "b": true }), "none");
    check("v${connectionConfig.v} || 2025-05-05", &json!({}), "2025-05-05");
    check("${base64(${connectionConfig.v})} || App (a@b.test)", &json!({}), "App (a@b.test)");
}

#[test]
fn template_functions_are_applied() {
    // An empty password keeps the colon of the pair.
    check("Basic ${base64(${credentials.username}:${credentials.password})}", &json!({}), "Basic YW5uOg==");
    check("${sha256Hex(abc)}", &json!({}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("${sha256Base64()}", &json!({}), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    // RFC 2202, test case 2.
    let jefe = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    check("${hmacSha1Hex(what do ya want for nothing?, Jefe)}", &json!({}), jefe);
    check("${base64(a, ${base64(b)})}", &json!({}), "YSwgWWc9PQ==");
    check("${random}|${now:X}", &json!({}), "00000000-0000-0000-0000-000000000000|1741147389");
    let error = resolve("${fingerprint(${apiKey})}", &json!({}), false).unwrap_err();
    assert!(error.starts_with("`jira` cannot compute `fingerprint`: not a private key"), "{error}");
}

#[test]
fn request_is_signed_by_a_function() {
    let nothing = serde_json::Map::new();
    let url = "https://api.h.test/admin/v1?b=2&a=1".parse().unwrap();
    let request = RequestParts { endpoint: "/v1?b=2&a=1", method: "GET", url: &url, content_type: None, body: b"" };
    let scope = TemplateScope::new("acme", &nothing, &nothing).request(&request);
    let text: Template = "${method} ${host}${path} ${params} ${endpoint} ${bodyCanonicalParams};".parse().unwrap();
    assert_eq!(text.resolve(&scope).unwrap(), "GET api.h.test/admin/v1 a=1&b=2 /v1?b=2&a=1 ;");
    let error = text.resolve(&TemplateScope::new("acme", &nothing, &nothing)).unwrap_err();
    assert_eq!(error.to_string(), "`acme` needs `method`, which is only available for requests");
}

#[test]
fn missing_value_is_reported_with_its_setting() {
    let url = "https://${connectionConfig.subdomain}.h.test";
    check_url(url, &json!({}), Err("`jira` needs the configuration value `subdomain`"));
    assert!(
        resolve("${refresh_token}", &json!({}), false)
            .unwrap_err()
            .starts_with("`jira` needs `refresh_token`, which these")
    );
    let token = "`jira` needs `accessToken`, but these credentials have no token";
    assert_eq!(resolve("${accessToken}", &json!({}), false).unwrap_err(), token);
}

#[test]
fn value_cannot_change_the_host() {
    let url = "https://${connectionConfig.s}.h.test/v1";
    check_url(url, &json!({ "s": "acme" }), Ok("https://acme.h.test/v1"));
    check_url(url, &json!({ "s": "a.b-c" }), Ok("https://a.b-c.h.test/v1"));
    for bad in ["evil.test/", "evil.test#", "evil.test?", "u@evil", "a:80", "a\\b", "a b", ".", "-a", "a..b", "ä"] {
        assert!(resolve(url, &json!({ "s": bad }), true).unwrap_err().contains("must be a plain name"), "{bad}");
    }
    let port = "https://h.test:${connectionConfig.p}/v1";
    check_url(port, &json!({ "p": 8443 }), Ok("https://h.test:8443/v1"));
    assert!(resolve(port, &json!({ "p": "80@evil.test" }), true).unwrap_err().contains("number up to 65535"));
}

#[test]
fn value_is_encoded_by_url_component() {
    let url = "https://h.test/${connectionConfig.p}/x?q=${connectionConfig.q}";
    check_url(url, &json!({ "p": "a/b?c", "q": "d&e f" }), Ok("https://h.test/a%2Fb%3Fc/x?q=d%26e+f"));
    assert!(resolve(url, &json!({ "p": "..", "q": "x" }), true).is_err());
    let own = "${connectionConfig.url}/v1";
    check_url(own, &json!({ "url": "https://own.test:8443/x" }), Ok("https://own.test:8443/x/v1"));
    check_url(own, &json!({ "url": "https://own.test/" }), Ok("https://own.test/v1"));
    let error = "`${connectionConfig.url}/v1` of `jira` is not a web address when filled: it must start with `https://` and have a host";
    check_url(own, &json!({ "url": "file:///x" }), Err(error));
    let host = "https://${connectionConfig.host}/v1";
    check_url(host, &json!({ "host": "own.test:8443/crm" }), Ok("https://own.test:8443/crm/v1"));
    check_url("https://${connectionConfig.host}", &json!({ "host": "https://own.test" }), Ok("https://own.test/"));
}

#[test]
fn endpoint_value_stays_in_its_component() {
    let config = json!({ "id": "a/../b?c" });
    let nothing = serde_json::Map::new();
    let scope = TemplateScope::new("acme", config.as_object().unwrap(), &nothing);
    let endpoint = |text: &str| text.parse::<Template>().unwrap().resolve_endpoint(&scope);
    assert_eq!(endpoint("v1/${connectionConfig.id}").unwrap(), "v1/a%2F..%2Fb%3Fc");
    assert_eq!(endpoint("${connectionConfig.id}?k=${connectionConfig.id}").unwrap(), "a%2F..%2Fb%3Fc?k=a%2F..%2Fb%3Fc");
}

proptest! {
    #[test]
    fn value_never_leaves_its_host(value in ".{0,20}|[a-z./@#?:\\\\]{0,12}") {
        let got = resolve("https://${connectionConfig.s}.h.test/${connectionConfig.s}", &json!({ "s": value }), true);
        if let Ok(text) = got {
            let url: Url = text.parse().unwrap();
            prop_assert!(url.host_str().unwrap().ends_with(".h.test"));
            prop_assert_eq!(url.path_segments().unwrap().count(), 1);
        }
    }

    #[test]
    fn host_value_fills_only_host_and_path(value in ".{0,20}|[a-z0-9./@#?:%\\\\-]{0,14}") {
        if let Ok(text) = resolve("https://${connectionConfig.s}/end", &json!({ "s": value }), true) {
            let url: Url = text.parse().unwrap();
            prop_assert_eq!(url.username(), "");
            prop_assert_eq!(url.query(), None);
            prop_assert!(url.path().ends_with("/end"));
            let host = value.trim_start_matches("https://").split([':', '/']).next().unwrap().to_lowercase();
            // A numeric host is an IP address, which the egress policy checks.
            if url.domain().is_some() {
                prop_assert_eq!(url.host_str().unwrap(), host);
            }
        }
    }

    #[test]
    fn filled_value_is_not_expanded_again(value in "(\\$\\{|\\}|\\|\\||apiKey|base64\\(|\\)\\}|, |x){0,8}") {
        let config = json!({ "v": value });
        if !value.is_empty() {
            let got = resolve("<${connectionConfig.v}> || none", &config, false);
            prop_assert_eq!(got.unwrap(), format!("<{}>", value));
            let plain = resolve("${base64(${connectionConfig.v})}", &config, false).unwrap();
            prop_assert_eq!(plain, STANDARD.encode(&value));
        }
    }
}

#[test]
fn incomplete_template_reports_value_of_last_alternative() {
    let template = "https://x.test/${connectionConfig.a} || https://${connectionConfig.b}.test";
    let error = resolve(template, &json!({}), true).unwrap_err();
    assert!(error.starts_with("`jira` needs the configuration value `b`"), "{error}");
}
