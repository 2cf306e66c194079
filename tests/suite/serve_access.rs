//! Access to every route of the HTTP API: keys that are refused, scopes, and keys that are limited to integrations. The
//! routes are those of the server's own document, so that a new one is checked without a change here.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use integrations::standin::Standin;
use nango_tests::{
    ApiServer, Registry,
    api_server::{Answer, Operation, SampleRequest},
    rng, wait,
};
use serde_json::{Value, json};

use crate::{api_keys::created_key, synced_registry::SyncedRegistry};

/// Routes that need no key, as SECURITY.md names them.
const PUBLIC: [&str; 2] = ["/health", "/ready"];
/// Codes of requests that are refused before anything is looked up.
const INVALID: [&str; 4] = ["invalid_body", "invalid_query_params", "invalid_uri_params", "invalid_headers"];

/// Returns a server with one synced connection `acme` of `github`.
fn served() -> (ApiServer, SyncedRegistry) {
    let mut synced = SyncedRegistry::sync_first(wait(Standin::start()).expect("a stand-in"), Registry::new());
    (ApiServer::start(&mut synced.registry), synced)
}

/// Returns the values of requests for an integration.
fn values(integration: &str) -> BTreeMap<&'static str, Value> {
    let of_integration = ["providerconfigkey", "uniquekey", "integrationid"].map(|name| (name, json!(integration)));
    let others = [
        ("connectionid", json!("acme")),
        ("provider", json!("github")),
        ("name", json!("repo-issues")),
        ("syncname", json!("repo-issues")),
        ("syncs", json!("repo-issues")),
        ("type", json!("sync")),
        ("variant", json!("other")),
        ("actionname", json!("create-issue")),
        ("model", json!("GithubIssue")),
        ("frequency", json!("1h")),
        ("credentials", json!({ "type": "OAUTH2", "access_token": "t" })),
    ];
    of_integration.into_iter().chain(others).collect()
}

fn send(server: &ApiServer, sample: &SampleRequest, key: &str) -> Answer {
    server.sample(sample).key(key).send()
}

/// Sends the requests of several operations at the same time, and returns the answers in their order.
fn send_all<T: Send>(operations: &[Operation], send: impl Fn(&Operation) -> T + Sync) -> Vec<T> {
    let (send, each) = (&send, operations.len().div_ceil(8).max(1));
    thread::scope(|scope| {
        let parts: Vec<_> = operations
            .chunks(each)
            .map(|part| scope.spawn(move || part.iter().map(send).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("answers")).collect()
    })
}

#[test]
fn every_route_refuses_all_wrong_keys_with_the_same_answers() {
    let mut registry = Registry::new();
    let all = ["--scope", "environment:*"];
    let expired = created_key(&registry, "expired", &[&all[..], &["--expires-in", "1s"]].concat());
    let revoked = created_key(&registry, "revoked", &all);
    registry.run(["api-keys", "revoke", "revoked"]).expect(0);
    thread::sleep(Duration::from_secs(1));
    let server = ApiServer::start(&mut registry);
    let operations = server.operations();
    let sample = |operation: &Operation| operation.sample(&values("github"));
    let public: BTreeSet<String> = operations.iter().filter(|one| one.is_public).map(|one| one.path.clone()).collect();
    assert_eq!(public, PUBLIC.map(str::to_owned).into());

    let bearer = |key: &str| format!("Bearer {key}");
    for (authorization, code) in [
        (String::new(), "missing_auth_header"),
        ("Bearer ".into(), "malformed_auth_header"),
        ("Basic YTpi".into(), "malformed_auth_header"),
        (bearer("nango_unknown"), "unknown_account"),
        (bearer(&revoked), "unknown_account"),
        (bearer(&expired), "unknown_account"),
    ] {
        let answers = send_all(&operations, |operation| {
            let sample = sample(operation);
            let request = server.request(sample.method, &sample.path).without_key();
            if authorization.is_empty() { request } else { request.header("authorization", &authorization) }.send()
        });
        let mut bodies = BTreeSet::new();
        for (operation, answer) in operations.iter().zip(answers) {
            if operation.is_public {
                answer.expect(200);
            } else {
                assert_eq!(answer.header("www-authenticate"), "Bearer", "{}", operation.id);
                bodies.insert(answer.refused(401, code).to_string());
            }
        }
        assert_eq!(bodies.len(), 1, "{bodies:?}");
    }
}

#[test]
fn every_route_accepts_exactly_the_keys_with_one_of_its_scopes() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let operations: Vec<Operation> = server.operations().into_iter().filter(|one| !one.is_public).collect();
    let scopes: BTreeSet<&String> = operations.iter().flat_map(|one| &one.scopes).collect();
    let scopes: Vec<&String> = scopes.into_iter().collect();
    let keys: Vec<(&String, String)> = thread::scope(|scope| {
        let parts: Vec<_> = scopes
            .chunks(scopes.len().div_ceil(4))
            .map(|part| {
                let registry = &registry;
                scope.spawn(move || {
                    part.iter().map(|name| (*name, created_key(registry, name, &["--scope", name]))).collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("keys")).collect()
    });
    // Nothing that they name exists, so that no request has an effect.
    let values = values("none");
    let check = |operation: &Operation, (scope, key): &(&String, String)| {
        let answer = send(&server, &operation.sample(&values), key);
        if operation.scopes.is_empty() || operation.scopes.contains(scope) {
            assert!(!matches!(answer.status, 401 | 403), "{} with {scope}: {:#}", operation.id, answer.json);
        } else {
            answer.refused(403, "forbidden");
        }
    };
    send_all(&operations, |operation| {
        let (own, other): (Vec<_>, Vec<_>) = keys.iter().partition(|(scope, _)| operation.scopes.contains(scope));
        for key in own {
            check(operation, key);
        }
        // The long version sends every request with every key.
        let several = if rng::is_long_run() { other.len() } else { 2 };
        other.into_iter().take(several).for_each(|key| check(operation, key));
    });
    assert!(keys.len() > 15, "{} scopes", keys.len());
}

#[test]
fn key_of_another_integration_gets_the_answer_for_an_unknown_one() {
    let (server, synced) = served();
    let all = ["--scope", "environment:*"];
    let full = created_key(&synced.registry, "full", &all);
    let limited = created_key(&synced.registry, "limited", &[&all[..], &["--integration", "hubspot"]].concat());
    let record = synced.read(&["--limit", "1"])["records"][0].clone();
    let cursor = &record["_nango_metadata"]["cursor"];
    let of = |integration: &str| {
        let mut values = values(integration);
        values.insert("untilcursor", cursor.clone());
        values
    };
    let mut operations: Vec<Operation> = server.operations().into_iter().filter(|one| one.names_integration).collect();
    for operation in &operations {
        let hidden = send(&server, &operation.sample(&of("github")), &limited);
        let unknown = send(&server, &operation.sample(&of("unknown")), &limited);
        let of_full = send(&server, &operation.sample(&of("unknown")), &full);
        let shown = hidden.json.to_string().replace("github", "unknown");
        assert_eq!((hidden.status, shown), (unknown.status, unknown.json.to_string()), "{}", operation.id);
        assert_eq!((unknown.status, &unknown.json), (of_full.status, &of_full.json), "{}", operation.id);
    }
    // Each of these requests is valid, so that the comparisons above are those of the integrations.
    operations.sort_by_key(|operation| operation.method == reqwest::Method::DELETE);
    for operation in &operations {
        let answer = send(&server, &operation.sample(&of("github")), &full);
        let code = answer.json["error"]["code"].as_str().unwrap_or_default();
        assert!(!INVALID.contains(&code), "{}: {:#}", operation.id, answer.json);
    }
    assert!(operations.len() > 15, "{} operations", operations.len());
}

#[test]
fn key_of_another_integration_sees_nothing_in_lists() {
    let (server, synced) = served();
    let all = ["--scope", "environment:*"];
    let limited = created_key(&synced.registry, "limited", &[&all[..], &["--integration", "hubspot"]].concat());
    let hidden = ["\"acme\"", "\"GithubIssue\"", "\"repo-issues\"", "\"unique_key\":\"github\""];
    let (values, mut lists) = (values("github"), BTreeSet::new());
    for operation in server.operations() {
        // A list has no parameter that names what it contains. The catalogue does not depend on integrations.
        let is_list = operation.method == reqwest::Method::GET && !operation.path.contains('{');
        if !is_list || operation.path == "/providers" {
            continue;
        }
        let request = || server.request(operation.method.clone(), &operation.path);
        let shown = |answer: Answer| {
            let text = answer.json.to_string();
            hidden.iter().filter(|name| text.contains(**name)).count()
        };
        if shown(request().send()) > 0 {
            lists.insert(operation.id.clone());
        }
        assert_eq!(shown(request().key(&limited).send()), 0, "{}", operation.id);
        if operation.names_integration {
            assert_eq!(shown(send(&server, &operation.sample(&values), &limited)), 0, "{}", operation.id);
        }
    }
    let expect = ["getOpenApi", "getScriptsConfig", "listConnections", "listIntegrations"];
    assert_eq!(lists, expect.map(str::to_owned).into());
}
