//! Tests of the verification of credentials: success responses that refuse the credentials.

use serde_json::json;

use super::*;
use crate::{auth::AuthMode, run::test_connection};

const PROVIDERS: &str = "
acme:
  auth_mode: API_KEY
  proxy:
    base_url: https://api.acme.test
    headers: { authorization: 'Bearer ${apiKey}' }
    verification: { method: POST, endpoints: [/auth.test], error: { when: ok, is: false, message: error } }
";

struct Setup {
    runtime: Arc<Runtime>,
    script: MockApi,
}

impl Setup {
    async fn new() -> Self {
        let script = MockApi::default();
        let runtime = Arc::new(Runtime::new(
            Registry::load().unwrap(),
            Catalogue::parse(PROVIDERS).unwrap(),
            Config::load(Sources::default()).unwrap(),
            Arc::new(Sqlite::open(":memory:").await.unwrap()),
            KeyRing::ephemeral().unwrap(),
            Arc::new(script.clone()),
            Arc::new(AutoAdvanceClock::default()),
        ));
        Self { runtime, script }
    }

    async fn add(&self, verify: bool) -> Result<AddedConnection> {
        let credentials = json!({ "apiKey": "CANARY-key-1234567890" });
        let new = AddConnection {
            integration: "acme".into(),
            id: "one".into(),
            credentials: Credentials::parse(AuthMode::ApiKey, &credentials, None).unwrap(),
            config: Map::new(),
            metadata: None,
            profile: ProfileChange::default(),
            verify,
        };
        add_connection(&self.runtime, new, Arc::new(NoopObserver)).await
    }

    fn respond(&self, body: impl serde::Serialize) {
        self.script.add("/auth.test", 200, &[], body);
    }
}

#[tokio::test]
async fn success_response_with_a_declared_error_refuses_the_credentials() {
    let setup = Setup::new().await;
    setup.respond(json!({ "ok": false, "error": "invalid_auth" }));
    let error = setup.add(true).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the credentials of connection `one` of `acme` are refused: the provider responded with `invalid_auth`"
    );
    assert!(setup.runtime.store.connection("acme", "one").await.unwrap().is_none());

    setup.respond(json!({ "ok": true, "error": "none" }));
    setup.add(true).await.unwrap();
    setup.respond(json!({ "ok": true }));
    assert_eq!(
        test_connection(&setup.runtime, "acme", "one").await.unwrap().request.as_deref(),
        Some("POST https://api.acme.test/auth.test")
    );
    setup.respond(json!({ "ok": false }));
    let error = test_connection(&setup.runtime, "acme", "one").await.unwrap_err().to_string();
    assert!(error.ends_with("are refused: the provider refused them"), "{error}");
}

#[tokio::test]
async fn message_of_a_refusal_is_redacted_and_truncated() {
    let setup = Setup::new().await;
    let long = format!("no CANARY-key-1234567890 \u{1b}[2J{}", "x".repeat(10_000));
    setup.respond(json!({ "ok": false, "error": long }));
    let error = setup.add(true).await.unwrap_err().to_string();
    assert!(error.contains("no *** ") && !error.contains("CANARY") && !error.contains('\u{1b}'), "{error}");
    assert!(error.len() < 5_000, "{}", error.len());
}
