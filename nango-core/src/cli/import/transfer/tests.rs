//! Imports from scripted responses into a database in memory.

use serde_json::{Value, json};

use super::*;
use crate::{
    auth::KeyRing,
    cli::{
        import::source::tests::scripted,
        lookup::tests::{action, registry_of},
    },
    config::{Config, Sources},
    http::mock::{FakeClock, MockResponse, MockTransport, mock_json, mock_response},
    provider::Catalogue,
    run::NoopObserver,
    store::{Connection, sqlite::Sqlite},
};

const YAML: &str = "
acme:
  auth_mode: OAUTH2
  authorization_url: https://a.example/authorize
  token_url: https://a.example/token
  proxy: { base_url: 'https://a.example' }
shop: { auth_mode: API_KEY, proxy: { base_url: 'https://s.example' } }
";

/// Returns a runtime without functions, with a configuration file and variables of the environment.
pub(in crate::cli::import) async fn runtime_with(file: &str, env: &[(&str, &str)]) -> Arc<Runtime> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let file = Some(("nango.toml".into(), file.to_owned()));
    Arc::new(Runtime::new(
        registry_of(&[action("other", "run")]),
        Catalogue::parse(YAML).unwrap(),
        Config::load(Sources { env, file, ..Sources::default() }).unwrap(),
        Arc::new(Sqlite::open(":memory:").await.unwrap()),
        KeyRing::ephemeral().unwrap(),
        Arc::new(MockTransport::new([])),
        Arc::new(FakeClock::default()),
    ))
}

struct Import {
    runtime: Arc<Runtime>,
}

impl Import {
    async fn new() -> Self {
        Self { runtime: runtime_with("[integrations.acme]\n[integrations.shop]\n", &[]).await }
    }

    async fn run(&self, row: &Value, responses: Vec<MockResponse>, flags: (bool, bool)) -> Result<Transferred, String> {
        let transfer = Transfer {
            runtime: self.runtime.clone(),
            source: scripted(responses).0,
            providers: [("acme", "acme"), ("shop", "other"), ("gone", "acme")]
                .map(|(k, p)| (k.into(), p.into()))
                .into(),
            dry_run: flags.0,
            overwrite: flags.1,
            observer: Arc::new(NoopObserver),
        };
        transfer.connection(&serde_json::from_value(row.clone()).unwrap()).await
    }

    /// Imports the connection `c` with a token and the time of its change.
    async fn token(&self, token: &str, changed_at: &str, flags: (bool, bool)) -> ImportStatus {
        let detail = json!({
            "credentials": { "type": "OAUTH2", "access_token": token, "refresh_token": "hush-r" },
            "metadata": { "m": 1 }, "tags": { "plan": "pro" }, "updated_at": changed_at, "connection_config": null,
        });
        let row = json!({ "connection_id": "c", "provider_config_key": "acme" });
        let done = self.run(&row, vec![mock_json(&detail.to_string())], flags).await.unwrap();
        assert!(done.has_refresh_token, "{done:?}");
        done.entry.status
    }

    async fn stored(&self) -> Option<Connection> {
        self.runtime.store.connection("acme", "c").await.unwrap()
    }
}

const OLD: &str = "2001-01-01T00:00:00.000+00:00";
const NEW: &str = "2999-01-01T00:00:00.000+00:00";
const WRITE: (bool, bool) = (false, false);

#[tokio::test]
async fn import_is_repeatable_and_keeps_what_is_newer_here() {
    let import = Import::new().await;
    assert_eq!(import.token("t1", OLD, (true, false)).await, ImportStatus::Created);
    assert!(import.stored().await.is_none(), "a dry run writes nothing");
    assert_eq!(import.token("t1", OLD, WRITE).await, ImportStatus::Created);
    let first = import.stored().await.unwrap();
    assert_eq!((&first.metadata["m"], first.profile.tags["plan"].as_str()), (&json!(1), "pro"));
    assert_eq!(import.token("t1", NEW, WRITE).await, ImportStatus::Unchanged);
    assert_eq!(import.stored().await.unwrap(), first);
    assert_eq!(import.token("t2", OLD, WRITE).await, ImportStatus::Newer);
    assert_eq!(import.token("t2", NEW, (true, false)).await, ImportStatus::Updated);
    assert_eq!(import.token("t2", "unknown", WRITE).await, ImportStatus::Newer);
    assert_eq!(import.stored().await.unwrap(), first);
    assert_eq!(import.token("t2", NEW, WRITE).await, ImportStatus::Updated);
    assert_eq!(import.token("t3", OLD, (false, true)).await, ImportStatus::Updated);
    assert_eq!(import.token("t3", OLD, WRITE).await, ImportStatus::Unchanged);
    assert_eq!(import.stored().await.unwrap().version, first.version + 2);
}

#[tokio::test]
async fn connection_that_cannot_be_imported_is_skipped_with_its_reason() {
    let import = Import::new().await;
    let row = |key: &str| json!({ "connection_id": "c", "provider_config_key": key });
    let failed =
        json!({ "connection_id": "c", "provider_config_key": "acme", "errors": [{ "type": "auth", "log_id": "" }] });
    let mode = |name: &str| mock_json(&json!({ "credentials": { "type": name, "apiKey": "hush" } }).to_string());
    let code = r#"{"error":{"code":"invalid_credentials","message":"hush","payload":{"x":"hush"}}}"#;
    for (row, responses, expect) in [
        (failed, vec![], "its credentials fail at the source"),
        (row("novel"), vec![], "the source does not list its integration `novel`"),
        (row("gone"), vec![], "the integration `gone` does not exist here"),
        (row("shop"), vec![], "its provider is `other` at the source and `shop` here"),
        (row("acme"), vec![mode("QUANTUM")], "its auth mode is unknown here"),
        (row("acme"), vec![mode("API_KEY")], "does not fit the provider"),
        (row("acme"), vec![mock_response(424, &[], code)], "returned 424 `invalid_credentials`"),
        (row("acme"), (0..5).map(|_| mock_response(500, &[], "<p>hush")).collect(), "returned 500"),
    ] {
        let done = import.run(&row, responses, WRITE).await.unwrap();
        let reason = done.entry.reason.unwrap_or_default();
        assert_eq!(done.entry.status, ImportStatus::Skipped);
        assert!(reason.contains(expect) && !reason.contains("hush"), "{expect}: {reason}");
    }
    for response in [mock_response(401, &[], code), mock_response(200, &[], "<html>hush")] {
        let error = import.run(&row("acme"), vec![response], WRITE).await.unwrap_err();
        assert!(!error.contains("hush"), "{error}");
    }
    assert!(import.stored().await.is_none());
}
