//! Import of connections over HTTP, and the credentials in responses.

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{ApiServer, Registry, wait};
use reqwest::Method;
use serde_json::{Value, json};

struct Served {
    server: ApiServer,
    _registry: Registry,
    _standin: Standin,
}

impl Served {
    fn start() -> Self {
        let standin = wait(Standin::start()).expect("a stand-in");
        let mut registry = Registry::new();
        registry.base_url("github", standin.url());
        Self { server: ApiServer::start(&mut registry), _registry: registry, _standin: standin }
    }

    fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.server.request(method, path);
        let answer = match body {
            Some(body) => request.json(&body),
            None => request,
        }
        .send();
        (answer.status, answer.json)
    }

    fn import(&self, change: &Value) -> (u16, Value) {
        let (owner, repo) = PAGED_REPOSITORY.split_once('/').expect("owner/name");
        let mut body = json!({
            "provider_config_key": "github",
            "connection_id": "acme",
            "credentials": { "type": "OAUTH2", "access_token": "a-token", "refresh_token": "a-refresh-token" },
            "metadata": { "owner": owner, "repo": repo },
        });
        let change = change.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(change);
        self.send(Method::POST, "/connections", Some(body))
    }

    fn get(&self, query: &str) -> (u16, Value) {
        self.send(Method::GET, &format!("/connections/acme?provider_config_key=github{query}"), None)
    }
}

#[test]
fn imported_connection_is_returned_with_its_credentials() {
    let served = Served::start();
    let user = json!({ "id": "u1", "organization": { "id": "o1" } });
    let (status, added) =
        served.import(&json!({ "end_user": user, "webhook_url_override": "https://hooks.example/a" }));
    assert_eq!(status, 201, "{added}");
    assert_eq!(added["credentials"]["refresh_token"], "a-refresh-token");
    assert_eq!(added["tags"], json!({ "end_user_id": "u1", "organization_id": "o1" }));
    assert_eq!(
        (&added["webhook_url_override"], &added["last_fetched_at"]),
        (&json!("https://hooks.example/a"), &Value::Null)
    );
    assert!(added["created_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{added}");

    let (status, read) = served.get("");
    assert_eq!((status, &read["credentials"]["access_token"]), (200, &json!("a-token")));
    assert_eq!(read["credentials"].get("refresh_token"), None);
    assert_eq!(served.get("&refresh_token=yes").1["credentials"]["refresh_token"], "a-refresh-token");
    let (status, error) = served.get("&refresh_token=maybe");
    assert_eq!((status, &error["error"]["code"]), (400, &json!("invalid_query_params")));

    // New credentials keep what is not given.
    let (status, replaced) = served.import(&json!({ "credentials": { "type": "OAUTH2", "access_token": "b" } }));
    assert_eq!((status, &replaced["id"], &replaced["tags"]), (201, &added["id"], &added["tags"]));
    let (status, generated) = served.import(&json!({ "connection_id": null }));
    assert_eq!(status, 201);
    assert_eq!(generated["connection_id"].as_str().map(str::len), Some(36), "{generated}");
}

#[test]
fn import_that_does_not_fit_is_refused_and_stores_nothing() {
    let served = Served::start();
    for (change, status, code, path) in [
        (json!({ "provider_config_key": "none" }), 404, "not_found", Value::Null),
        (json!({ "provider_config_key": "a/b" }), 400, "invalid_body", json!(["provider_config_key"])),
        (json!({ "connection_id": "a#b" }), 400, "invalid_body", json!(["connection_id"])),
        (json!({ "credentials": { "type": "TBA" } }), 400, "invalid_body", json!(["credentials", "type"])),
        (json!({ "credentials": { "type": "OAUTH2" } }), 400, "invalid_body", json!(["credentials"])),
        (json!({ "connection_config": { "no_such": "x" } }), 400, "invalid_body", json!(["connection_config"])),
        (json!({ "tags": { "1a": "x" } }), 400, "invalid_body", json!(["tags"])),
        (json!({ "unknown": 1 }), 400, "invalid_body", json!([])),
        (json!({ "metadata": { "owner": "none", "repo": "none" } }), 400, "connection_validation_failed", Value::Null),
    ] {
        let (found, error) = served.import(&change);
        assert_eq!((found, &error["error"]["code"]), (status, &json!(code)), "{change}: {error}");
        assert_eq!(error["error"]["errors"][0]["path"], path, "{change}: {error}");
        assert!(!error.to_string().contains("a-token"), "{error}");
    }
    assert_eq!(served.send(Method::GET, "/connections", None).1, json!({ "connections": [] }));
}

#[test]
fn connection_whose_token_cannot_be_refreshed_is_returned_in_the_error() {
    let served = Served::start();
    let expired = json!({
        "type": "OAUTH2", "access_token": "old", "refresh_token": "r", "expires_at": "2020-01-01T00:00:00Z",
    });
    let (status, added) = served.import(&json!({ "credentials": expired, "metadata": null }));
    assert_eq!(status, 201, "{added}");
    let (status, error) = served.get("");
    // The app of the integration is not configured. If a sync of the new connection has tried before, the next attempt
    // is later.
    assert!(matches!(status, 400 | 424), "{status}: {error}");
    assert_eq!(error["error"]["code"], "invalid_credentials", "{error}");
    let connection = &error["error"]["payload"]["connection"];
    assert_eq!((&connection["connection_id"], &connection["credentials"]), (&json!("acme"), &json!({})));
    assert_eq!(served.send(Method::GET, "/connections", None).1["connections"][0]["connection_id"], "acme");
}
