//! Credentials of every auth mode, with random secrets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Credentials of one auth mode with their secrets.
#[derive(Clone)]
pub(super) struct CredentialsCase {
    pub(super) provider: &'static str,
    pub(super) credentials: Value,
    pub(super) set: Vec<(&'static str, String)>,
    pub(super) secrets: Vec<String>,
    /// Secrets that the product obtains.
    pub(super) obtained: Vec<String>,
    /// The response to a token request.
    pub(super) token: Option<Value>,
    /// Whether the credentials are sent without encoding, so that the server must have received them.
    pub(super) is_sent_unchanged: bool,
}

/// Generates random secrets. Each starts with a mark of letters and digits by which it is found in every encoding.
#[derive(Default)]
pub(super) struct SecretGenerator(pub(super) Vec<String>);

impl SecretGenerator {
    pub(super) fn mark(&mut self) -> String {
        let mark = format!("Secret{}", uuid::Uuid::new_v4().simple());
        self.0.push(mark.clone());
        mark
    }

    /// Returns a secret with characters that the encodings represent differently. A `:` would end a user name.
    pub(super) fn secret(&mut self) -> String {
        format!("{}/+=&%\"<é", self.mark())
    }

    /// Like [`Self::secret`], with ASCII characters only.
    pub(super) fn ascii_secret(&mut self) -> String {
        format!("{}/+=&%\"<", self.mark())
    }
}

/// Returns credentials of every auth mode.
pub(super) fn credentials_cases(secrets_gen: &mut SecretGenerator) -> Vec<CredentialsCase> {
    let case = |provider, credentials, secrets: &[&String]| CredentialsCase {
        provider,
        credentials,
        set: Vec::new(),
        secrets: secrets.iter().map(|secret| (*secret).clone()).collect(),
        obtained: Vec::new(),
        token: None,
        is_sent_unchanged: false,
    };
    let sent = |case: CredentialsCase| CredentialsCase { is_sent_unchanged: true, ..case };
    let mut all = Vec::new();
    let key = secrets_gen.ascii_secret();
    all.push(sent(case("key", json!(key), &[&key])));
    let key = secrets_gen.mark();
    all.push(sent(case("path-key", json!(key), &[&key])));
    for provider in ["basic", "plugin"] {
        let password = secrets_gen.secret();
        all.push(case(provider, json!({ "username": "user", "password": password }), &[&password]));
    }
    let (username, bearer) = (secrets_gen.ascii_secret(), secrets_gen.ascii_secret());
    all.push(case("basic", json!({ "username": username }), &[&username]));
    all.push(sent(case("github", json!({ "access_token": bearer }), &[&bearer])));
    let token = |secrets_gen: &mut SecretGenerator| {
        let (access, refresh) = (secrets_gen.ascii_secret(), secrets_gen.secret());
        let body = json!({ "access_token": access, "refresh_token": refresh, "expires_in": 3600 });
        (body, [access, refresh])
    };
    for provider in ["refresh", "mcp", "mcp-generic", "client", "login", "app", "custom"] {
        let (body, obtained) = token(secrets_gen);
        let secret = secrets_gen.secret();
        let credentials = match provider {
            "refresh" | "mcp" | "mcp-generic" => json!({ "refresh_token": secret }),
            "client" => json!({ "client_id": "user", "client_secret": secret }),
            "login" => json!({ "user": "user", "pass": secret }),
            _ => json!({ "installation_id": "123" }),
        };
        let given: &[&String] = if is_app(provider) { &[] } else { &[&secret] };
        all.push(CredentialsCase {
            token: Some(body),
            obtained: obtained.to_vec(),
            ..case(provider, credentials, given)
        });
    }
    let key = secrets_gen.secret();
    all.push(case("jwt", json!({ "key": key }), &[&key]));
    let password = secrets_gen.secret();
    all.push(case("signature", json!({ "username": "user", "password": password }), &[&password]));
    let (token, secret) = (secrets_gen.ascii_secret(), secrets_gen.secret());
    all.push(case("oauth1", json!({ "oauth_token": token, "oauth_token_secret": secret }), &[&token, &secret]));
    let secret = secrets_gen.secret();
    let tba = case("tba", json!({ "token_id": "user", "token_secret": secret }), &[&secret]);
    all.push(CredentialsCase { set: vec![("accountId", "a1".to_owned())], ..tba });
    let (secret, session) = (secrets_gen.secret(), secrets_gen.ascii_secret());
    let aws = json!({
        "access_key_id": "AKID", "secret_access_key": secret, "session_token": session, "region": "eu", "service": "s",
    });
    all.push(case("aws", aws, &[&secret, &session]));
    let (password, developer, session) = (secrets_gen.secret(), secrets_gen.ascii_secret(), secrets_gen.ascii_secret());
    let bill = json!({
        "username": "user", "password": password, "organization_id": "o", "dev_key": developer, "session_id": session,
    });
    all.push(case("bill", bill, &[&password, &developer, &session]));
    let developer = secrets_gen.ascii_secret();
    let configured = case("configured", json!({}), &[&developer]);
    all.push(sent(CredentialsCase { set: vec![("developer", developer)], ..configured }));
    all
}

/// Returns whether the tokens of a provider are obtained with the private key of the app.
pub(super) fn is_app(provider: &str) -> bool {
    matches!(provider, "app" | "custom")
}

/// Returns the auth mode of a provider on the command line.
pub(super) fn auth_mode(provider: &str) -> &str {
    match provider {
        "path-key" | "key" => "api-key",
        "plugin" => "install-plugin",
        "refresh" => "oauth2",
        "client" => "oauth2-cc",
        "login" => "two-step",
        "github" => "bearer",
        "aws" => "aws-sigv4",
        "mcp" => "mcp-oauth2",
        "mcp-generic" => "mcp-oauth2-generic",
        "configured" => "none",
        other => other,
    }
}

/// Checks that no auth mode is missing: the command line lists all of them.
#[test]
fn cases_have_credentials_of_every_auth_mode() {
    let add = ["connection", "add", "github", "acme", "--auth", "unknown", "--credentials", "{}"];
    let refused = nango_tests::Registry::new().run(add).expect(2).stderr;
    let (_, available) = refused.split_once("available: ").expect("the auth modes");
    let names: BTreeSet<&str> = available.split('`').skip(1).step_by(2).collect();
    let cases = credentials_cases(&mut SecretGenerator::default());
    let modes: BTreeSet<&str> = cases.iter().map(|case| auth_mode(case.provider)).collect();
    assert_eq!(modes, names, "{refused}");
}
