//! Redaction of secrets for every auth mode: a server repeats them in every encoding and on every path; none is printed
//! or stored.
//!
//! The first auth mode runs all paths through the API, the others two of them; with `NANGO_TEST_LONG=1` all run all
//! paths.

use std::{fs, path::Path, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use nango_tests::{Output, Registry, echo::Echo, postgres, rng::is_long_run};
use serde_json::{Value, json};

/// Entries of every auth mode; `URL` is the server of the test.
const PROVIDERS: &str = r"
key:
  auth_mode: API_KEY
  proxy:
    base_url: 'URL'
    headers: { x-api-key: '${apiKey}' }
    query: { k: '${apiKey}' }
    verification: { endpoints: [/me] }
path-key:
  auth_mode: API_KEY
  proxy: { base_url: 'URL/bot${apiKey}', verification: { endpoints: [/me] } }
basic:
  auth_mode: BASIC
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
plugin:
  auth_mode: INSTALL_PLUGIN
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
refresh:
  auth_mode: OAUTH2
  token_url: URL/token
  proxy: { base_url: 'URL' }
client:
  auth_mode: OAUTH2_CC
  token_url: URL/token
  token_request_auth_method: basic
  proxy: { base_url: 'URL' }
login:
  auth_mode: TWO_STEP
  token_url: URL/token
  token_params: { user: '${credentials.user}', pass: '${credentials.pass}' }
  token_response: { token: access_token }
  proxy: { base_url: 'URL', headers: { authorization: 'Token ${accessToken}' } }
  credentials: { user: { title: User }, pass: { title: Password, secret: true } }
jwt:
  auth_mode: JWT
  signature: { protocol: HMAC, hmac_secret_encoding: utf8 }
  token: { signing_key: '${credentials.key}', expires_in_ms: 60000, header: { alg: HS256 }, payload: { aud: api } }
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
  credentials: { key: { title: Key, secret: true } }
signature:
  auth_mode: SIGNATURE
  signature: { protocol: WSSE }
  token: { expires_in_ms: 60000 }
  proxy: { base_url: 'URL', headers: { x-wsse: '${accessToken}' }, verification: { endpoints: [/me] } }
oauth1:
  auth_mode: OAUTH1
  signature_method: HMAC-SHA1
  request_url: URL/request
  authorization_url: URL/authorize
  token_url: URL/token
  proxy: { base_url: 'URL' }
tba:
  auth_mode: TBA
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
  connection_config: { accountId: { title: Account } }
aws:
  auth_mode: AWS_SIGV4
  proxy: { base_url: 'URL', verification: { endpoints: [/me] } }
bill:
  auth_mode: BILL
  proxy: { base_url: 'URL', headers: { sessionid: '${credentials.session_id}', devkey: '${credentials.dev_key}' } }
app:
  auth_mode: APP
  token_url: URL/token
  proxy: { base_url: 'URL' }
configured:
  auth_mode: NONE
  proxy: { base_url: 'URL', headers: { x-developer: '${connectionConfig.developer}' } }
  connection_config: { developer: { title: Developer, secret: true } }
";

/// Credentials of one auth mode with their secrets.
#[derive(Clone)]
struct CredentialsCase {
    provider: &'static str,
    credentials: Value,
    set: Vec<(&'static str, String)>,
    secrets: Vec<String>,
    /// Secrets that the product obtains.
    obtained: Vec<String>,
    /// The response to a token request.
    token: Option<Value>,
    /// Whether the credentials are sent without encoding, so that the server must have received them.
    is_sent_unchanged: bool,
}

/// Generates random secrets. Each starts with a mark of letters and digits by which it is found in every encoding.
#[derive(Default)]
struct SecretGenerator(Vec<String>);

impl SecretGenerator {
    fn mark(&mut self) -> String {
        let mark = format!("Secret{}", uuid::Uuid::new_v4().simple());
        self.0.push(mark.clone());
        mark
    }

    /// Returns a secret with characters that the encodings represent differently. A `:` would end a user name.
    fn secret(&mut self) -> String {
        format!("{}/+=&%\"<é", self.mark())
    }

    /// Like [`Self::secret`], with ASCII characters only.
    fn ascii_secret(&mut self) -> String {
        format!("{}/+=&%\"<", self.mark())
    }
}

fn credentials_cases(secrets_gen: &mut SecretGenerator) -> Vec<CredentialsCase> {
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
    for provider in ["refresh", "client", "login", "app"] {
        let (body, obtained) = token(secrets_gen);
        let secret = secrets_gen.secret();
        let credentials = match provider {
            "refresh" => json!({ "refresh_token": secret }),
            "client" => json!({ "client_id": "user", "client_secret": secret }),
            "login" => json!({ "user": "user", "pass": secret }),
            _ => json!({ "installation_id": "123" }),
        };
        let given: &[&String] = if provider == "app" { &[] } else { &[&secret] };
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

/// A directory with one integration, `github`, of a provider whose server repeats secrets.
struct Fixture {
    provider: &'static str,
    registry: Registry,
    echo: Echo,
    marks: Vec<String>,
    outputs: Vec<(String, Output)>,
}

impl Fixture {
    fn new(provider: &'static str, app_secret: &str, secrets_gen: &mut SecretGenerator) -> Self {
        let (mut registry, echo) = (Registry::new(), Echo::new());
        registry.write("providers.yaml", PROVIDERS.replace("URL", echo.url()));
        let named = if provider == "github" {
            format!("base_url = \"{}\"\n", echo.url())
        } else {
            format!("provider = \"{provider}\"\n")
        };
        registry
            .config(&format!("providers = \"providers.yaml\"\n[integrations.github]\nclient_id = \"app\"\n{named}"));
        registry.env("NANGO_APP_GITHUB_CLIENT_SECRET", app_secret);
        if provider == "app" {
            let (key, key_line) = private_key();
            registry.env("NANGO_APP_GITHUB_PRIVATE_KEY", key);
            secrets_gen.0.push(key_line);
        }
        Self { provider, registry, echo, marks: secrets_gen.0.clone(), outputs: Vec::new() }
    }

    /// Runs a command and records its output: as text and as JSON for the first auth mode, alternately for the others.
    fn run(&mut self, args: &[&str], input: &str) {
        let as_json = self.outputs.len().is_multiple_of(2);
        let forms = if self.provider == "key" { vec![false, true] } else { vec![as_json] };
        for json in forms {
            let all: Vec<&str> = args.iter().copied().chain(json.then_some("--json")).collect();
            let output = self.registry.run_with_input(&all, input);
            self.outputs.push((all.join(" "), output));
        }
    }

    fn last_output(&self) -> &Output {
        &self.outputs.last().expect("a command").1
    }

    /// Asserts that no output and no file contains a secret.
    #[track_caller]
    fn assert_no_leak(&self, case: &str) {
        let mut found = Vec::new();
        for (command, output) in &self.outputs {
            for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                found.extend(
                    find_leak(&self.marks, text.as_bytes()).map(|leak| format!("{command} ({name}): {leak}\n{text}")),
                );
                let raw = text.chars().find(|c| (c.is_control() && !"\n\t".contains(*c)) || *c == '\u{202e}');
                found.extend(raw.map(|c| format!("{command} ({name}): the control character {c:?}\n{text}")));
                assert!(
                    !text.lines().any(|line| line.starts_with("forged:")),
                    "{command} ({name}): a forged line\n{text}"
                );
            }
        }
        for path in files(self.registry.dir()) {
            let bytes = fs::read(&path).expect("a file");
            found.extend(find_leak(&self.marks, &bytes).map(|leak| format!("{}: {leak}", path.display())));
        }
        assert!(found.is_empty(), "{case}: {} leaks, the first: {}", found.len(), found[0]);
    }
}

/// Generates a private key, and returns it in one line, and one line of its PEM text.
fn private_key() -> (String, String) {
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
    let pem = String::from_utf8(made.expect("openssl, which generates a key for the test").stdout).expect("PEM");
    let pem_line = pem.lines().nth(3).expect("a line").to_owned();
    (pem.replace('\n', "\\n"), pem_line)
}

/// Returns the mark and the encoding in which a secret was found.
fn find_leak(marks: &[String], bytes: &[u8]) -> Option<String> {
    let contains = |form: &str| memchr::memmem::find(bytes, form.as_bytes()).is_some();
    marks.iter().find_map(|mark| {
        let unicode = mark.encode_utf16().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"));
        let escaped = [unicode.replace('\\', "\\\\"), unicode];
        // The base64 characters that depend on the mark only, for each of the three alignments.
        let base64 = (0..3).map(|offset| {
            let text = STANDARD_NO_PAD.encode([vec![0; offset], mark.as_bytes().to_vec()].concat());
            text[(offset * 8_usize).div_ceil(6)..(offset + mark.len()) * 8 / 6].to_owned()
        });
        let forms = std::iter::once(mark.clone()).chain(base64).chain(escaped);
        forms.into_iter().find(|form| contains(form)).map(|form| format!("{mark} as {form}"))
    })
}

/// Returns all files in a directory, recursively, including those that the product should not write.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs commands on every path on which an API can repeat a secret.
fn exercise_api_paths(fixture: &mut Fixture, case: &CredentialsCase, outside_dir: &Path) {
    let credentials = case.credentials.to_string();
    let mut add = vec!["connection", "add", "github", "acme", "--auth"];
    let auth = match case.provider {
        "path-key" | "key" => "api-key",
        "plugin" => "install-plugin",
        "refresh" => "oauth2",
        "client" => "oauth2-cc",
        "login" => "two-step",
        "github" => "bearer",
        "aws" => "aws-sigv4",
        "configured" => "none",
        other => other,
    };
    add.push(auth);
    let file = outside_dir.join("value");
    let mut settings = Vec::new();
    for (name, value) in &case.set {
        fs::write(&file, value).expect("a file");
        settings.push(format!("{name}={}", file.display()));
    }
    for setting in &settings {
        add.extend(["--set-file", setting]);
    }
    let refused: Vec<&str> = add.iter().copied().chain(["--credentials", "-"]).collect();

    // The credentials are refused, by their verification or by the token endpoint.
    fixture.echo.set_secrets(&case.secrets);
    fixture.run(&refused, &credentials);
    fixture.echo.set_token(case.token.clone());
    fixture.echo.set_accepts_credentials(true);
    let no_verify: Vec<&str> = refused.iter().copied().chain(["--no-verify"]).collect();
    fixture.run(&no_verify, &credentials);
    assert_eq!(
        fixture.last_output().status,
        Some(0),
        "{}: {}{}",
        case.provider,
        fixture.last_output().stdout,
        fixture.last_output().stderr
    );
    fixture.run(&["connection", "show", "github", "acme"], "");
    fixture.run(&["connection", "list"], "");

    // Secrets in responses of the API.
    let mut all: Vec<String> = case.secrets.iter().chain(&case.obtained).cloned().collect();
    if case.provider == "refresh" {
        // The given refresh token was replaced: the connection does not have it any more.
        all.remove(0);
    }
    fixture.echo.set_secrets(&all);
    let mut cases = vec!["status", "link", "redirect", "circle", "text", "record", "errors"];
    if case.provider != "key" && !is_long_run() {
        // The selection depends on the auth mode, so that each path runs with several of them.
        let rotation = case.provider.bytes().map(usize::from).sum::<usize>() % cases.len();
        cases.rotate_left(rotation);
        cases.truncate(2);
    }
    for case in cases {
        let metadata = json!({ "owner": "o", "repo": case }).to_string();
        fixture.registry.run(["connection", "set-metadata", "github", "acme", &metadata]).expect(0);
        fixture.run(&["run", "github", "repo-issues", "--connection", "acme"], "");
        assert_ne!(fixture.last_output().status, Some(0), "{case}: {}", fixture.last_output().stdout);
        let input = json!({ "owner": "o", "repo": case, "title": "t", "name": "n" }).to_string();
        fixture.run(&["run", "github", "create-issue", "--connection", "acme", "--input", "-"], &input);
    }
    // Secrets in a webhook payload, and in the input of a user.
    let payload = json!({ "action": "edited", "issue": { "id": all[0], "title": all } }).to_string();
    let hook = ["run", "github", "repo-issues", "--connection", "acme", "--webhook", "issues.edited", "--input", "-"];
    fixture.run(&hook, &payload);
    assert_ne!(fixture.last_output().status, Some(0), "{}", fixture.last_output().stdout);
    fixture.run(&["run", "github", "create-issue", "--connection", "acme", "--input", "-"], &payload);

    // The credentials are refused later.
    fixture.echo.set_token(None);
    fixture.echo.set_accepts_credentials(false);
    fixture.run(&["connection", "test", "github", "acme"], "");
    fixture.run(&["database", "backup", "backup.db"], "");
    if case.is_sent_unchanged {
        assert!(fixture.echo.received(&mark(&case.secrets[0])), "{}", case.provider);
    }
}

#[test]
fn secrets_repeated_by_server_are_neither_printed_nor_stored() {
    let cases = credentials_cases(&mut SecretGenerator::default());
    // Each case has a directory of its own; two run at a time.
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2)) {
            scope.spawn(|| half.iter().for_each(|case| drop(check_case(case, None))));
        }
    });
}

#[test]
fn secrets_repeated_by_server_are_not_stored_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    for case in credentials_cases(&mut SecretGenerator::default())
        .iter()
        .filter(|case| matches!(case.provider, "key" | "refresh"))
    {
        let database = server.create_empty_database();
        let marks = check_case(case, Some(&database.url));
        for table in ["runs", "run_logs", "connections", "checkpoints", "meta"] {
            let rows = database.sql(&format!("SELECT t::text FROM nango_rs.{table} t"));
            assert_eq!(find_leak(&marks, rows.as_bytes()), None, "{} in {table}", case.provider);
        }
        assert_ne!(database.sql("SELECT count(*) FROM nango_rs.runs WHERE error IS NOT NULL"), "0");
    }
}

/// Runs every path with the credentials of a case and searches the output and the files. Returns the marks of the
/// secrets.
fn check_case(case: &CredentialsCase, database: Option<&str>) -> Vec<String> {
    let outside_dir = tempfile::tempdir().expect("a directory");
    let mut secrets_gen = SecretGenerator::default();
    let app_secret = secrets_gen.secret();
    secrets_gen.0.extend(case.secrets.iter().chain(&case.obtained).map(|secret| mark(secret)));
    let mut secrets = case.secrets.clone();
    secrets.push(app_secret.clone());
    let mut fixture = Fixture::new(case.provider, &app_secret, &mut secrets_gen);
    if let Some(url) = database {
        fixture.registry.env("NANGO_DATABASE_URL", url);
    }
    exercise_api_paths(&mut fixture, &CredentialsCase { secrets, ..case.clone() }, outside_dir.path());
    fixture.assert_no_leak(case.provider);
    fixture.marks
}

/// Returns the mark of a secret: the letters and digits at its beginning.
fn mark(secret: &str) -> String {
    secret.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Checks the search itself: a secret is found in every encoding.
#[test]
fn search_finds_a_secret_in_each_form() {
    let mut secrets_gen = SecretGenerator::default();
    let secret = secrets_gen.secret();
    for form in nango_tests::echo::encoded_forms(&secret) {
        assert!(find_leak(&secrets_gen.0, format!("x {form} y").as_bytes()).is_some(), "{form}");
    }
    assert_eq!(find_leak(&secrets_gen.0, b"nothing"), None);
}
