//! Keys against a running server: one answer for all refused keys, scopes, revocation, and a log without keys.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use nango_tests::{DatabaseKind, Registry, registry::Running};
use serde_json::{Value, json};

use super::{create, listed, printed_key};

/// A running server and its address.
struct Server {
    running: Running,
    address: String,
}

impl Server {
    fn start(registry: &Registry) -> Self {
        let mut running = registry.start(["serve", "--listen", "127.0.0.1:0"]);
        running.wait_until("the server listens", |running| running.stderr().contains("press Ctrl-C"));
        let stderr = running.stderr();
        let (_, url) = stderr.split_once("http://").expect("a URL");
        let address = url.split(';').next().unwrap_or_default().trim().to_owned();
        Self { running, address }
    }

    /// Requests a path with a value of the header `Authorization`. Returns the status and the body.
    fn get(&self, path: &str, authorization: Option<&str>) -> (u16, Value) {
        let header = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}\r\n", self.address);
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {response}")))
    }

    fn status_of(&self, path: &str, key: &str) -> (u16, String) {
        let (status, body) = self.get(path, Some(&format!("Bearer {key}")));
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

#[test]
fn server_accepts_active_keys_with_the_scope_and_gives_one_answer_to_all_others() {
    for kind in DatabaseKind::BOTH {
        let Some(database) = kind.create() else { continue };
        let mut registry = Registry::new();
        registry.use_database(&database);
        let chosen = "8f14e45f-ceea-467f-9d1c-6b1d2a3c4e5f";
        registry.env("NANGO_API_KEY", chosen);
        let key =
            |name: &str, more: &[&str]| printed_key(&create(&registry, &[&["--name", name], more].concat()).expect(0));
        let catalogue = ["--scope", "environment:integrations:list"];
        let (app, records, expired) =
            (key("app", &catalogue), key("records", &[]), key("old", &["--expires-in", "1s"]));
        let server = Server::start(&registry);
        assert_eq!(server.status_of("/providers", &app).0, 200);
        assert_eq!(server.status_of("/providers", chosen).0, 200);
        assert_eq!(server.status_of("/providers", &records), (403, "forbidden".to_owned()));
        // Keys that are created while the server runs are accepted at once.
        let later = key("later", &catalogue);
        assert_eq!(server.status_of("/providers", &later).0, 200);

        let (status, missing) = server.get("/providers", None);
        assert_eq!((status, &missing["error"]["code"]), (401, &json!("missing_auth_header")));
        for header in ["", "Bearer ", "Bearer a b"] {
            let (status, malformed) = server.get("/providers", Some(header));
            assert_eq!((status, &malformed["error"]["code"]), (401, &json!("malformed_auth_header")), "{header:?}");
        }
        registry.run(["api-keys", "revoke", "app"]).expect(0);
        thread::sleep(Duration::from_secs(1));
        let unknown = server.get("/providers", Some("Bearer nango_unknown"));
        assert_eq!((unknown.0, &unknown.1["error"]["code"]), (401, &json!("unknown_account")));
        for refused in [&app, &expired, &"x".repeat(40)] {
            assert_eq!(server.get("/providers", Some(&format!("Bearer {refused}"))), unknown);
        }
        let list = listed(&registry);
        let used = |name: &str| {
            let mut rows = list.as_array().expect("a list").iter();
            rows.find(|row| row["name"] == name).is_some_and(|row| row["last_used_at"].is_string())
        };
        assert_eq!([used("later"), used("old")], [true, false]);
        // Neither the log nor an answer contains a key.
        server.running.interrupt();
        let output = server.running.finish();
        for secret in [&app, &records, &expired, &later, chosen] {
            assert!(!output.stderr.contains(secret) && !output.stdout.contains(secret), "{}", output.stderr);
        }
    }
}

#[test]
fn first_start_without_a_terminal_prints_no_secret() {
    let registry = Registry::new();
    let server = Server::start(&registry);
    let stderr = server.running.stderr();
    assert!(stderr.contains("registry api-keys create --name app") && !stderr.contains("nango_"), "{stderr}");
    assert_eq!(server.status_of("/providers", &"x".repeat(40)), (401, "unknown_account".to_owned()));
    assert_eq!(listed(&registry), json!([]));
    // The key that signs webhooks exists from now on.
    let status = registry.json(["encryption", "status", "--json"]);
    assert_eq!(status["keys"][0]["credentials"], 1);
}
