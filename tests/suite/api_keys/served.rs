//! Keys against a running server: one answer for all refused keys, scopes, revocation, and a log without keys.

use std::{thread, time::Duration};

use nango_tests::{
    ApiServer, DatabaseKind, Registry,
    api_server::{self, API_KEY, Answer},
    http_client, wait,
};
use serde_json::json;

use super::{create, listed, printed_key};

/// Creates a key with further options, and returns it.
pub(crate) fn created_key(registry: &Registry, name: &str, more: &[&str]) -> String {
    printed_key(&create(registry, &[&["--name", name], more].concat()).expect(0))
}

/// Requests the providers with a value of the header `Authorization`.
fn get(server: &ApiServer, authorization: Option<&str>) -> Answer {
    let request = server.request(reqwest::Method::GET, "/providers").without_key();
    match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    }
    .send()
}

fn with_key(server: &ApiServer, key: &str) -> Answer {
    get(server, Some(&format!("Bearer {key}")))
}

#[test]
fn server_accepts_active_keys_with_the_scope_and_gives_one_answer_to_all_others() {
    for kind in DatabaseKind::BOTH {
        let Some(database) = kind.create() else { continue };
        let mut registry = Registry::new();
        registry.use_database(&database);
        let catalogue = ["--scope", "environment:integrations:list"];
        let (app, records, expired) = (
            created_key(&registry, "app", &catalogue),
            created_key(&registry, "records", &[]),
            created_key(&registry, "old", &["--expires-in", "1s"]),
        );
        let server = ApiServer::start(&mut registry);
        with_key(&server, &app).expect(200);
        with_key(&server, API_KEY).expect(200);
        with_key(&server, &records).refused(403, "forbidden");
        // Keys that are created while the server runs are accepted at once.
        let later = created_key(&registry, "later", &catalogue);
        with_key(&server, &later).expect(200);

        get(&server, None).refused(401, "missing_auth_header");
        for header in ["", "Bearer ", "Bearer a b"] {
            get(&server, Some(header)).refused(401, "malformed_auth_header");
        }
        registry.run(["api-keys", "revoke", "app"]).expect(0);
        thread::sleep(Duration::from_secs(1));
        let unknown = with_key(&server, "nango_unknown").refused(401, "unknown_account");
        for refused in [&app, &expired, &"x".repeat(40)] {
            assert_eq!(with_key(&server, refused).expect(401), unknown);
        }
        let list = listed(&registry);
        let used = |name: &str| {
            let mut rows = list.as_array().expect("a list").iter();
            rows.find(|row| row["name"] == name).is_some_and(|row| row["last_used_at"].is_string())
        };
        assert_eq!([used("later"), used("old")], [true, false]);
        // Neither the log nor an answer contains a key.
        let output = server.stop();
        for secret in [&app, &records, &expired, &later, API_KEY] {
            assert!(!output.stderr.contains(secret) && !output.stdout.contains(secret), "{}", output.stderr);
        }
    }
}

#[test]
fn first_start_without_a_terminal_prints_no_secret() {
    let registry = Registry::new();
    let (mut server, url) = api_server::serve(&registry, &[]);
    let advice = "registry api-keys create --name app";
    server.wait_until("the advice to make a key", |server| server.stderr().contains(advice));
    let client = http_client::builder().build().expect("a client");
    let request = client.get(format!("{url}/providers")).bearer_auth("x".repeat(40));
    let (status, refused) = wait(async move {
        let response = request.send().await.expect("a response");
        (response.status().as_u16(), response.text().await.expect("a body"))
    });
    assert!(status == 401 && refused.contains("\"unknown_account\""), "{status}: {refused}");
    assert_eq!(listed(&registry), json!([]));
    // The key that signs webhooks exists from now on.
    let status = registry.json(["encryption", "status", "--json"]);
    assert_eq!(status["keys"][0]["credentials"], 1);
    let stderr = server.stderr();
    assert!(!stderr.contains("nango_"), "{stderr}");
}
