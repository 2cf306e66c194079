//! Secrets of every kind of credentials, repeated by a server in every form and on every path: none is shown or stored.
//!
//! The first kind takes every path, the others two of those through the API each; with `NANGO_TEST_LONG=1` all take all.

use std::{fs, path::Path, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use nango_tests::{Output, Registry, dice::is_long, echo::Echo, postgres};
use serde_json::{Value, json};

/// Entries of every kind; `URL` is the server of the test.
const PROVIDERS: &str = r"
key:
  auth_mode: API_KEY
  proxy: { base_url: 'URL', headers: { x-api-key: '${apiKey}' }, query: { k: '${apiKey}' }, verification: { endpoints: [/me] } }
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

/// One kind of credentials with its secrets.
#[derive(Clone)]
struct Kind {
    provider: &'static str,
    credentials: Value,
    set: Vec<(&'static str, String)>,
    secrets: Vec<String>,
    /// Secrets that the product obtains.
    obtained: Vec<String>,
    /// The answer to a request for a token.
    token: Option<Value>,
    /// Whether the credentials are sent as they are, so that the server must have seen them.
    sent: bool,
}

/// Random secrets, each with a part of letters and digits by which it is found in every form.
#[derive(Default)]
struct Draw(Vec<String>);

impl Draw {
    fn mark(&mut self) -> String {
        let mark = format!("Hush{}", uuid::Uuid::new_v4().simple());
        self.0.push(mark.clone());
        mark
    }

    /// Characters that each form writes in its own way. A `:` would end a user name.
    fn secret(&mut self) -> String {
        format!("{}/+=&%\"<é", self.mark())
    }

    /// The same for what must be ASCII.
    fn ascii(&mut self) -> String {
        format!("{}/+=&%\"<", self.mark())
    }
}

fn kinds(draw: &mut Draw) -> Vec<Kind> {
    let kind = |provider, credentials, secrets: &[&String]| Kind {
        provider,
        credentials,
        set: Vec::new(),
        secrets: secrets.iter().map(|secret| (*secret).clone()).collect(),
        obtained: Vec::new(),
        token: None,
        sent: false,
    };
    let sent = |kind: Kind| Kind { sent: true, ..kind };
    let mut all = Vec::new();
    let key = draw.ascii();
    all.push(sent(kind("key", json!(key), &[&key])));
    let key = draw.mark();
    all.push(sent(kind("path-key", json!(key), &[&key])));
    for provider in ["basic", "plugin"] {
        let password = draw.secret();
        all.push(kind(provider, json!({ "username": "user", "password": password }), &[&password]));
    }
    let (alone, bearer) = (draw.ascii(), draw.ascii());
    all.push(kind("basic", json!({ "username": alone }), &[&alone]));
    all.push(sent(kind("github", json!({ "access_token": bearer }), &[&bearer])));
    let token = |draw: &mut Draw| {
        let (access, refresh) = (draw.ascii(), draw.secret());
        let body = json!({ "access_token": access, "refresh_token": refresh, "expires_in": 3600 });
        (body, [access, refresh])
    };
    for provider in ["refresh", "client", "login", "app"] {
        let (body, obtained) = token(draw);
        let secret = draw.secret();
        let credentials = match provider {
            "refresh" => json!({ "refresh_token": secret }),
            "client" => json!({ "client_id": "user", "client_secret": secret }),
            "login" => json!({ "user": "user", "pass": secret }),
            _ => json!({ "installation_id": "123" }),
        };
        let given: &[&String] = if provider == "app" { &[] } else { &[&secret] };
        all.push(Kind { token: Some(body), obtained: obtained.to_vec(), ..kind(provider, credentials, given) });
    }
    let key = draw.secret();
    all.push(kind("jwt", json!({ "key": key }), &[&key]));
    let password = draw.secret();
    all.push(kind("signature", json!({ "username": "user", "password": password }), &[&password]));
    let (token, secret) = (draw.ascii(), draw.secret());
    all.push(kind("oauth1", json!({ "oauth_token": token, "oauth_token_secret": secret }), &[&token, &secret]));
    let secret = draw.secret();
    let tba = kind("tba", json!({ "token_id": "user", "token_secret": secret }), &[&secret]);
    all.push(Kind { set: vec![("accountId", "a1".to_owned())], ..tba });
    let (secret, session) = (draw.secret(), draw.ascii());
    let aws = json!({
        "access_key_id": "AKID", "secret_access_key": secret, "session_token": session, "region": "eu", "service": "s",
    });
    all.push(kind("aws", aws, &[&secret, &session]));
    let (password, developer, session) = (draw.secret(), draw.ascii(), draw.ascii());
    let bill = json!({
        "username": "user", "password": password, "organization_id": "o", "dev_key": developer, "session_id": session,
    });
    all.push(kind("bill", bill, &[&password, &developer, &session]));
    let developer = draw.ascii();
    let configured = kind("configured", json!({}), &[&developer]);
    all.push(sent(Kind { set: vec![("developer", developer)], ..configured }));
    all
}

/// A directory with one integration, `github`, of a provider whose server repeats secrets.
struct Stage {
    provider: &'static str,
    registry: Registry,
    echo: Echo,
    marks: Vec<String>,
    shown: Vec<(String, Output)>,
}

impl Stage {
    fn new(provider: &'static str, app_secret: &str, draw: &mut Draw) -> Self {
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
            let (key, line) = private_key();
            registry.env("NANGO_APP_GITHUB_PRIVATE_KEY", key);
            draw.0.push(line);
        }
        Self { provider, registry, echo, marks: draw.0.clone(), shown: Vec::new() }
    }

    /// Runs a command and keeps what it prints: as text and as JSON for the first kind of credentials, and in turns for the
    /// others.
    fn run(&mut self, args: &[&str], input: &str) {
        let turn = self.shown.len().is_multiple_of(2);
        let forms = if self.provider == "key" { vec![false, true] } else { vec![turn] };
        for json in forms {
            let all: Vec<&str> = args.iter().copied().chain(json.then_some("--json")).collect();
            let output = self.registry.run_with_input(&all, input);
            self.shown.push((all.join(" "), output));
        }
    }

    fn last(&self) -> &Output {
        &self.shown.last().expect("a command").1
    }

    /// That nothing that was printed or stored holds a secret.
    #[track_caller]
    fn check(&self, what: &str) {
        let mut found = Vec::new();
        for (command, output) in &self.shown {
            for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                found.extend(
                    leak(&self.marks, text.as_bytes()).map(|leak| format!("{command} ({name}): {leak}\n{text}")),
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
            found.extend(leak(&self.marks, &bytes).map(|leak| format!("{}: {leak}", path.display())));
        }
        assert!(found.is_empty(), "{what}: {} leaks, the first: {}", found.len(), found[0]);
    }
}

/// A private key of this run in one line, and a line of it.
fn private_key() -> (String, String) {
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
    let pem = String::from_utf8(made.expect("openssl, which makes a key for the test").stdout).expect("PEM");
    let line = pem.lines().nth(3).expect("a line").to_owned();
    (pem.replace('\n', "\\n"), line)
}

/// The form in which a secret was found.
fn leak(marks: &[String], bytes: &[u8]) -> Option<String> {
    let holds = |what: &str| memchr::memmem::find(bytes, what.as_bytes()).is_some();
    marks.iter().find_map(|mark| {
        let unicode = mark.encode_utf16().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"));
        let escaped = [unicode.replace('\\', "\\\\"), unicode];
        // The characters of base64 that depend on the mark alone, at each of the three positions.
        let base64 = (0..3).map(|offset| {
            let text = STANDARD_NO_PAD.encode([vec![0; offset], mark.as_bytes().to_vec()].concat());
            text[(offset * 8_usize).div_ceil(6)..(offset + mark.len()) * 8 / 6].to_owned()
        });
        let forms = std::iter::once(mark.clone()).chain(base64).chain(escaped);
        forms.into_iter().find(|form| holds(form)).map(|form| format!("{mark} as {form}"))
    })
}

/// The files of the directory that the product writes, and those that it should not.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Every path on which an API can repeat something.
fn walk(stage: &mut Stage, kind: &Kind, elsewhere: &Path) {
    let credentials = kind.credentials.to_string();
    let mut add = vec!["connection", "add", "github", "acme", "--auth"];
    let auth = match kind.provider {
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
    let file = elsewhere.join("value");
    let mut settings = Vec::new();
    for (name, value) in &kind.set {
        fs::write(&file, value).expect("a file");
        settings.push(format!("{name}={}", file.display()));
    }
    for setting in &settings {
        add.extend(["--set-file", setting]);
    }
    let refused: Vec<&str> = add.iter().copied().chain(["--credentials", "-"]).collect();

    // Refused, by the test of the credentials or for a token.
    stage.echo.repeat(&kind.secrets);
    stage.run(&refused, &credentials);
    stage.echo.give(kind.token.clone());
    stage.echo.verify(true);
    let no_verify: Vec<&str> = refused.iter().copied().chain(["--no-verify"]).collect();
    stage.run(&no_verify, &credentials);
    assert_eq!(stage.last().status, Some(0), "{}: {}{}", kind.provider, stage.last().stdout, stage.last().stderr);
    stage.run(&["connection", "show", "github", "acme"], "");
    stage.run(&["connection", "list"], "");

    // In the answers of the API.
    let mut all: Vec<String> = kind.secrets.iter().chain(&kind.obtained).cloned().collect();
    if kind.provider == "refresh" {
        // The refresh token that was given was replaced: the connection does not have it any more.
        all.remove(0);
    }
    stage.echo.repeat(&all);
    let mut cases = vec!["status", "link", "redirect", "circle", "text", "record", "errors"];
    if kind.provider != "key" && !is_long() {
        // Which two depends on the kind, so that each path is taken with several kinds.
        let turn = kind.provider.bytes().map(usize::from).sum::<usize>() % cases.len();
        cases.rotate_left(turn);
        cases.truncate(2);
    }
    for case in cases {
        let metadata = json!({ "owner": "o", "repo": case }).to_string();
        stage.registry.run(["connection", "set-metadata", "github", "acme", &metadata]).expect(0);
        stage.run(&["run", "github", "repo-issues", "--connection", "acme"], "");
        assert_ne!(stage.last().status, Some(0), "{case}: {}", stage.last().stdout);
        let input = json!({ "owner": "o", "repo": case, "title": "t", "name": "n" }).to_string();
        stage.run(&["run", "github", "create-issue", "--connection", "acme", "--input", "-"], &input);
    }
    // In a webhook, and in what a person gives.
    let payload = json!({ "action": "edited", "issue": { "id": all[0], "title": all } }).to_string();
    let hook = ["run", "github", "repo-issues", "--connection", "acme", "--webhook", "issues.edited", "--input", "-"];
    stage.run(&hook, &payload);
    assert_ne!(stage.last().status, Some(0), "{}", stage.last().stdout);
    stage.run(&["run", "github", "create-issue", "--connection", "acme", "--input", "-"], &payload);

    // Refused later on.
    stage.echo.give(None);
    stage.echo.verify(false);
    stage.run(&["connection", "test", "github", "acme"], "");
    stage.run(&["database", "backup", "backup.db"], "");
    if kind.sent {
        assert!(stage.echo.received(&mark(&kind.secrets[0])), "{}", kind.provider);
    }
}

#[test]
fn secrets_that_a_server_repeats_are_neither_shown_nor_stored() {
    let kinds = kinds(&mut Draw::default());
    // Each in a directory of its own, two at a time.
    std::thread::scope(|scope| {
        for half in kinds.chunks(kinds.len().div_ceil(2)) {
            scope.spawn(|| half.iter().for_each(|kind| drop(walked(kind, None))));
        }
    });
}

#[test]
fn secrets_that_a_server_repeats_are_not_stored_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    for kind in kinds(&mut Draw::default()).iter().filter(|kind| matches!(kind.provider, "key" | "refresh")) {
        let database = server.empty();
        let marks = walked(kind, Some(&database.url));
        for table in ["runs", "run_logs", "connections", "checkpoints", "meta"] {
            let rows = database.sql(&format!("SELECT t::text FROM nango_rs.{table} t"));
            assert_eq!(leak(&marks, rows.as_bytes()), None, "{} in {table}", kind.provider);
        }
        assert_ne!(database.sql("SELECT count(*) FROM nango_rs.runs WHERE error IS NOT NULL"), "0");
    }
}

/// Walks every path with credentials of a kind and searches what was printed and written; gives the marks of its secrets.
fn walked(kind: &Kind, database: Option<&str>) -> Vec<String> {
    let elsewhere = tempfile::tempdir().expect("a directory");
    let mut draw = Draw::default();
    let app_secret = draw.secret();
    draw.0.extend(kind.secrets.iter().chain(&kind.obtained).map(|secret| mark(secret)));
    let mut secrets = kind.secrets.clone();
    secrets.push(app_secret.clone());
    let mut stage = Stage::new(kind.provider, &app_secret, &mut draw);
    if let Some(url) = database {
        stage.registry.env("NANGO_DATABASE_URL", url);
    }
    walk(&mut stage, &Kind { secrets, ..kind.clone() }, elsewhere.path());
    stage.check(kind.provider);
    stage.marks
}

/// The letters and digits at the beginning of a secret.
fn mark(secret: &str) -> String {
    secret.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The test of the test: what it searches for is found.
#[test]
fn search_finds_a_secret_in_each_form() {
    let mut draw = Draw::default();
    let secret = draw.secret();
    for form in nango_tests::echo::forms(&secret) {
        assert!(leak(&draw.0, format!("x {form} y").as_bytes()).is_some(), "{form}");
    }
    assert_eq!(leak(&draw.0, b"nothing"), None);
}
