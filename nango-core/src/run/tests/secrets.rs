//! Tests of secrets of connections and apps: their storage, and the hosts that receive them.

use serde_json::json;

use super::*;
use crate::{
    auth::AuthMode,
    store::{NewConnection, ProfileChange, SharedStore},
};

/// A provider whose token URL has a value of the connection in its host.
const PROVIDERS: &str = "
acme:
  auth_mode: OAUTH2
  token_url: https://${connectionConfig.hostname}/token || https://login.acme.com/token
  token_response_metadata: [instance]
  proxy: { base_url: https://api.acme.com }
  connection_config:
    hostname: { format: hostname, optional: true }
    developer: { secret: true, optional: true }
    region: { optional: true }
acme-instance:
  alias: acme
  proxy: { base_url: \"https://${connectionConfig.instance}.acme.com\" }
";

struct Setup {
    runtime: Arc<Runtime>,
    script: MockApi,
}

impl Setup {
    async fn new(settings: &str) -> Self {
        Self::with_store(settings, Arc::new(Sqlite::open(":memory:").await.unwrap()), KeyRing::ephemeral().unwrap())
    }

    fn with_store(settings: &str, store: SharedStore, ring: KeyRing) -> Self {
        let script = MockApi::default();
        let file = format!("[integrations.acme]\nclient_id = \"APP-ID\"\n{settings}");
        let env = [("NANGO_APP_ACME_CLIENT_SECRET".to_owned(), "CANARY-APP-SECRET".to_owned())].into();
        let sources = Sources { file: Some(("nango.toml".into(), file)), env, ..Sources::default() };
        let runtime = Arc::new(Runtime::new(
            Registry::load().unwrap(),
            Catalogue::parse(PROVIDERS).unwrap(),
            Config::load(sources).unwrap(),
            store,
            ring,
            Arc::new(script.clone()),
            Arc::new(AutoAdvanceClock::default()),
        ));
        Self { runtime, script }
    }

    async fn add(&self, credentials: Value, config: Value, space: &str) -> Result<AddedConnection> {
        let object = |value: Value| value.as_object().unwrap().clone();
        let new = AddConnection {
            integration: "acme".into(),
            id: "one".into(),
            credentials: Credentials::parse(AuthMode::OAuth2, &credentials, None).unwrap(),
            config: object(config),
            metadata: Some(object(json!({ "space": space }))),
            profile: ProfileChange::default(),
            verify: true,
        };
        add_connection(&self.runtime, new, Arc::new(NoopObserver)).await
    }

    fn respond_with_token(&self, number: u8) {
        let body = json!({
            "access_token": format!("CANARY-access-{number}"), "refresh_token": format!("CANARY-refresh-{number}"),
            "expires_in": 3600, "instance": format!("i{number}"),
        });
        self.script.add("/token", 200, &[], body);
    }

    /// Returns the bodies of token requests.
    fn request_targets(&self) -> Vec<String> {
        let seen = self.script.seen().into_iter().filter(|seen| seen.path == "/token");
        seen.map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).collect()
    }

    async fn stored_credentials(&self) -> (Credentials, Map<String, Value>) {
        let stored = self.runtime.store.connection("acme", "one").await.unwrap().unwrap();
        (Credentials::open(&self.runtime.ring, &stored.credentials, "acme", "one").unwrap(), stored.config)
    }
}

#[tokio::test]
async fn app_secret_is_not_sent_to_a_host_that_the_connection_chose() {
    let refresh = || json!({ "refresh_token": "CANARY-r" });
    let chosen = || json!({ "hostname": "127.0.0.1:18443" });
    let setup = Setup::new("").await;
    let error = setup.add(refresh(), chosen(), "s").await.unwrap_err().to_string();
    for part in [
        "the secret of your app is not sent to `127.0.0.1`",
        "`acme` lists `acme.com`",
        "token_hosts = [\"127.0.0.1\"]",
        "config_override",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(!error.contains("CANARY") && setup.request_targets().is_empty(), "{error}");

    // The entry's own domain, a host that the operator lists, and a connection with a client of its own.
    setup.respond_with_token(1);
    setup.add(refresh(), json!({ "hostname": "eu.acme.com" }), "s").await.unwrap();
    assert!(setup.request_targets()[0].contains("client_secret=CANARY-APP-SECRET"));
    let setup = Setup::new("token_hosts = [\"127.0.0.1\"]").await;
    setup.respond_with_token(1);
    setup.add(refresh(), chosen(), "s").await.unwrap();
    assert!(setup.request_targets()[0].contains("client_secret=CANARY-APP-SECRET"));
    let setup = Setup::new("").await;
    setup.respond_with_token(1);
    let own = json!({ "refresh_token": "r", "config_override": { "client_id": "own", "client_secret": "own-secret" } });
    setup.add(own, chosen(), "s").await.unwrap();
    assert!(
        setup.request_targets()[0].contains("client_secret=own-secret")
            && !setup.request_targets()[0].contains("CANARY")
    );
}

#[tokio::test]
async fn rotated_refresh_token_is_stored_when_the_connection_is_refused() {
    let setup = Setup::new("").await;
    setup.respond_with_token(1);
    let credentials = || json!({ "refresh_token": "CANARY-given" });
    let refused = setup.add(credentials(), json!({}), "forbidden").await.unwrap_err();
    assert_eq!(refused.to_string(), "`check` refused the connection, so it was not stored: that space is closed");
    assert_eq!(setup.runtime.store.connection("acme", "one").await.unwrap(), None);
    let note = setup.runtime.store.meta_value("spent:acme:one").await.unwrap().expect("the rotated token");
    assert!(memchr::memmem::find(&note, b"CANARY").is_none(), "the rotated token is not sealed");

    // The same token is not sent again, because the provider would refuse it.
    setup.add(credentials(), json!({}), "s").await.unwrap();
    assert_eq!(setup.request_targets().len(), 1);
    let (credentials, config) = setup.stored_credentials().await;
    assert_eq!((credentials.token(), credentials.refresh_token()), (Some("CANARY-access-1"), Some("CANARY-refresh-1")));
    assert_eq!(config, json!({ "instance": "i1" }).as_object().unwrap().clone());
    assert_eq!(setup.runtime.store.meta_value("spent:acme:one").await.unwrap(), None);
}

#[tokio::test]
async fn removed_connection_removes_its_stored_rotated_token() {
    let setup = Setup::new("").await;
    setup.respond_with_token(1);
    setup.add(json!({ "refresh_token": "first" }), json!({}), "s").await.unwrap();
    setup.respond_with_token(2);
    setup.add(json!({ "refresh_token": "second" }), json!({}), "forbidden").await.unwrap_err();
    assert!(setup.runtime.store.meta_value("spent:acme:one").await.unwrap().is_some());
    super::super::remove_connection(&setup.runtime, "acme", "one", Arc::new(NoopObserver)).await.unwrap();
    assert_eq!(setup.runtime.store.meta_value("spent:acme:one").await.unwrap(), None);
}

#[tokio::test]
async fn connection_is_removed_while_its_token_server_does_not_respond() {
    let setup = Setup::new("provider = \"acme-instance\"").await;
    let credentials = Credentials::parse(AuthMode::OAuth2, &json!({ "refresh_token": "first" }), None).unwrap();
    let new = NewConnection {
        integration: "acme".into(),
        id: "one".into(),
        auth: "OAUTH2".into(),
        credentials: credentials.seal(&setup.runtime.ring, "acme", "one").unwrap(),
        refresh_at: None,
        config: serde_json::Map::new(),
        metadata: None,
        profile: ProfileChange::default(),
    };
    setup.runtime.store.put_connection(new).await.unwrap();
    // The function before the removal needs the base URL, which needs a value of the token response.
    setup.script.add("/token", 503, &[], json!({}));
    let removed = super::super::remove_connection(&setup.runtime, "acme", "one", Arc::new(NoopObserver)).await;
    assert!(removed.unwrap().is_some());
    assert_eq!(setup.request_targets().len(), 1, "the token was requested");
    assert!(setup.runtime.store.connection("acme", "one").await.unwrap().is_none());
}

#[tokio::test]
async fn refused_new_credentials_leave_the_old_ones_in_use() {
    let setup = Setup::new("").await;
    setup.respond_with_token(1);
    setup.add(json!({ "refresh_token": "first" }), json!({ "region": "eu" }), "s").await.unwrap();
    let before = setup.runtime.store.connection("acme", "one").await.unwrap();
    setup.respond_with_token(2);
    setup.add(json!({ "refresh_token": "second" }), json!({}), "forbidden").await.unwrap_err();
    assert_eq!(setup.runtime.store.connection("acme", "one").await.unwrap(), before);
    // A token that was not rotated is sent to the provider as usual.
    setup.respond_with_token(3);
    setup.add(json!({ "refresh_token": "third" }), json!({}), "s").await.unwrap();
    let bodies = setup.request_targets();
    assert!(bodies[1].contains("refresh_token=second") && bodies[2].contains("refresh_token=third"), "{bodies:?}");
    assert_eq!(setup.stored_credentials().await.0.token(), Some("CANARY-access-3"));
}

#[tokio::test]
async fn secrets_of_the_configuration_are_sealed() {
    let setup = Setup::new("").await;
    setup.respond_with_token(1);
    let config = json!({
        "region": "eu", "developer": "CANARY-field", "oauth_client_id": "own", "oauth_client_secret": "CANARY-moved",
    });
    setup.add(json!({ "refresh_token": "r" }), config, "s").await.unwrap();
    let (credentials, plain) = setup.stored_credentials().await;
    let plain: Vec<&str> = plain.keys().map(String::as_str).collect();
    assert_eq!(plain, ["region", "instance"]);
    let sealed: Vec<&str> = credentials.config().map(|(name, _)| name.as_str()).collect();
    assert_eq!(sealed, ["developer", "oauth_client_id", "oauth_client_secret"]);
    // The sealed values are used for requests.
    assert!(setup.request_targets()[0].contains("client_secret=CANARY-moved"));
}

#[tokio::test]
async fn unsealed_secrets_of_an_earlier_version_are_sealed_at_the_next_start() {
    let setup = Setup::new("").await;
    let Setup { runtime, .. } = &setup;
    let credentials = Credentials::parse(AuthMode::OAuth2, &json!({ "access_token": "a" }), None).unwrap();
    let config = json!({ "region": "eu", "oauth_client_secret": "CANARY-plain", "developer": "CANARY-field" });
    let new = NewConnection {
        integration: "acme".into(),
        id: "one".into(),
        auth: "OAUTH2".into(),
        credentials: credentials.seal(&runtime.ring, "acme", "one").unwrap(),
        refresh_at: None,
        config: config.as_object().unwrap().clone(),
        metadata: None,
        profile: ProfileChange::default(),
    };
    runtime.store.put_connection(new).await.unwrap();
    // A database that was not upgraded is not scanned.
    runtime.seal_plain_config().await.unwrap();
    assert_eq!(setup.stored_credentials().await.1.len(), 3);
    runtime.store.put_meta_value("plain_config", Some(vec![1])).await.unwrap();
    runtime.seal_plain_config().await.unwrap();
    let (credentials, plain) = setup.stored_credentials().await;
    assert_eq!(Value::Object(plain), json!({ "region": "eu" }));
    assert_eq!(credentials.config().count(), 2);
    assert_eq!(runtime.store.meta_value("plain_config").await.unwrap(), None);
}
