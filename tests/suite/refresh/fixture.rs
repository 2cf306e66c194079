//! Fixture of the refresh tests: an authorization server, an API that accepts its tokens, a registry, and one
//! connection.

use std::{cell::RefCell, ffi::OsStr, fs, panic::resume_unwind, thread, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nango_tests::{
    DatabaseKind, Output, Registry, Running, TestDatabase,
    oauth::{Api, AuthServerKind, OAuth, Tokens},
};
use serde_json::{Value, json};

/// Lifetime of refreshed tokens in seconds: well above the refresh margin of a quarter of an hour.
const TOKEN_LIFETIME_SECONDS: u64 = 7200;
/// Timeout of a token request.
pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// Backoff after the first failed refresh.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(30);

/// `expires_in` of a connection whose token expires in an hour, in seconds.
pub(super) const EXPIRES_IN_AN_HOUR: i64 = 3600;
/// `expires_in` of a connection whose token has expired, in seconds.
pub(super) const EXPIRED: i64 = -60;

/// Returns whether an error states that the connection must be connected again.
pub(super) fn requires_reconnect(error: &str) -> bool {
    error.contains("connection `acme` of `proof` must be connected again")
}

/// Runs all cases at the same time, because most of their time is spent waiting.
pub(super) fn run_concurrently<T: Send>(cases: Vec<T>, test: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        let running: Vec<_> = cases.into_iter().map(|case| scope.spawn(|| test(case))).collect();
        for one in running {
            // Panics with the message of the case, not with that of the scope.
            one.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

/// An authorization server, an API, a registry and its database.
pub(super) struct Fixture {
    pub(super) oauth: OAuth,
    pub(super) api: Api,
    pub(super) registry: Registry,
    client: &'static str,
    /// Every token that must not appear in the output.
    secrets: RefCell<Vec<String>>,
    database: TestDatabase,
}

/// Result of the action that sends many requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestOutcomes {
    pub(super) succeeded: u64,
    pub(super) errors: Vec<String>,
}

impl Fixture {
    /// Creates a fixture whose tokens have a lifetime of two hours. Returns `None` if a server is missing here, which
    /// is then printed.
    pub(super) fn new(server_kind: AuthServerKind, kind: DatabaseKind) -> Option<Self> {
        Self::with_client(server_kind, kind, "basic", TOKEN_LIFETIME_SECONDS)
    }

    /// Creates a fixture for this client of the authorization server, with tokens of this lifetime in seconds.
    pub(super) fn with_client(
        server_kind: AuthServerKind,
        kind: DatabaseKind,
        client: &'static str,
        lifetime: u64,
    ) -> Option<Self> {
        let database = kind.create()?;
        let oauth = OAuth::start(server_kind, lifetime)?;
        let api = Api::start(&oauth);
        let mut registry = Registry::proof(api.url());
        registry.write("providers.yaml", providers(&oauth, &api, client));
        registry.config(&config("guarded"));
        registry.use_database(&database);
        let secrets = RefCell::new(vec![OAuth::secret(client)]);
        Some(Self { oauth, api, registry, client, secrets, database })
    }

    /// Adds the connection, or connects it again, with tokens of the server. The connection records that the access
    /// token expires in `expires_in` seconds; a negative number means that it has expired.
    pub(super) fn connect(&self, expires_in: i64) -> Tokens {
        self.connect_as("acme", expires_in)
    }

    /// Like [`Self::connect`], under another id.
    pub(super) fn connect_as(&self, id: &str, expires_in: i64) -> Tokens {
        let tokens = self.oauth.connect(self.client, TOKEN_LIFETIME_SECONDS);
        self.secrets.borrow_mut().extend([tokens.access_token.clone(), tokens.refresh_token.clone()]);
        let expires_at = Timestamp::now() + SignedDuration::from_secs(expires_in);
        let credentials = json!({
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_at": expires_at.to_string(),
            "config_override": self.client_credentials(),
        });
        self.add(id, "oauth2", &credentials);
        tokens
    }

    /// Adds the connection with client credentials only.
    pub(super) fn connect_client(&self) {
        self.registry.config(&config("guarded-cc"));
        self.add("acme", "oauth2-cc", &self.client_credentials());
    }

    fn client_credentials(&self) -> Value {
        json!({ "client_id": self.client, "client_secret": OAuth::secret(self.client) })
    }

    fn add(&self, id: &str, auth_mode: &str, credentials: &Value) {
        let credentials = credentials.to_string();
        self.run(["connection", "add", "proof", id, "--auth", auth_mode, "--credentials", &credentials]).expect(0);
    }

    /// Runs the registry, and asserts that its output contains no secret.
    #[track_caller]
    pub(super) fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Output {
        self.assert_no_secret(self.registry.run(args))
    }

    /// Asserts that an output contains no secret, and returns it.
    #[track_caller]
    pub(super) fn assert_no_secret(&self, output: Output) -> Output {
        for secret in self.secrets.borrow().iter() {
            let shown = output.stdout.contains(secret) || output.stderr.contains(secret);
            assert!(!shown, "a secret is shown:\n{}\n{}", output.stdout, output.stderr);
        }
        output
    }

    /// Starts this number of processes, which send this number of requests each at the same time.
    #[track_caller]
    pub(super) fn send_concurrently(&self, processes: usize, requests: usize) -> RequestOutcomes {
        self.send_concurrently_for(&vec!["acme"; processes], requests)
    }

    /// Starts a process for each of these connections, which sends this number of requests at the same time.
    #[track_caller]
    pub(super) fn send_concurrently_for(&self, ids: &[&str], requests: usize) -> RequestOutcomes {
        let running: Vec<_> = ids
            .iter()
            .map(|id| self.registry.start(action_args("send-requests", id, &requests_input(requests))))
            .collect();
        let mut all = RequestOutcomes { succeeded: 0, errors: Vec::new() };
        for process in running {
            let output = self.assert_no_secret(process.finish());
            all.add(&output);
        }
        all
    }

    /// Forces this number of concurrent refreshes in one process, whether the token is due or not.
    #[track_caller]
    pub(super) fn refresh_concurrently(&self, times: usize) -> RequestOutcomes {
        let output = self.assert_no_secret(self.registry.run(action_args("renew", "acme", &requests_input(times))));
        let mut all = RequestOutcomes { succeeded: 0, errors: Vec::new() };
        all.add(&output);
        all
    }

    /// Forces a refresh in this number of processes at the same time, whether the token is due or not.
    #[track_caller]
    pub(super) fn refresh_in_processes(&self, processes: usize) -> RequestOutcomes {
        let input = requests_input(1);
        let start = |_| self.registry.start(action_args("renew", "acme", &input));
        let running: Vec<_> = (0..processes).map(start).collect();
        let mut all = RequestOutcomes { succeeded: 0, errors: Vec::new() };
        for process in running {
            let output = self.assert_no_secret(process.finish());
            all.add(&output);
        }
        all
    }

    /// Sends one request, and returns its error message if it fails.
    #[track_caller]
    pub(super) fn send_one(&self) -> Result<(), String> {
        let RequestOutcomes { errors, .. } = self.send_concurrently(1, 1);
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// Starts a process that sends one request.
    pub(super) fn start(&self) -> Running {
        self.registry.start(action_args("send-requests", "acme", &requests_input(1)))
    }

    /// Starts a process with these variables that sends one request.
    pub(super) fn start_with_env(&self, variables: &[(&str, &OsStr)]) -> Running {
        self.registry.start_with_env(action_args("send-requests", "acme", &requests_input(1)), variables)
    }

    /// Starts a process that is killed at a failpoint during one request. Returns whether it reached the failpoint.
    pub(super) fn send_and_die_at(&self, failpoint: &str) -> bool {
        let variables = [("NANGO_FAILPOINT", OsStr::new(failpoint))];
        let died =
            self.registry.start_with_env(action_args("send-requests", "acme", &requests_input(1)), &variables).finish();
        self.assert_no_secret(died).status.is_none()
    }

    /// Returns `must_reconnect` of the failed refresh that `connection show` prints, or `None` if it prints no failure.
    #[track_caller]
    pub(super) fn must_reconnect(&self) -> Option<bool> {
        let shown = self.run(["connection", "show", "proof", "acme", "--json"]).expect(0).json();
        let errors = shown["errors"].as_array().expect("a list");
        assert!(errors.len() <= 1, "{errors:#?}");
        errors.first().map(|error| error["must_reconnect"].as_bool().expect("a boolean"))
    }

    /// Sends one request in a dry run.
    #[track_caller]
    pub(super) fn send_one_in_dry_run(&self) -> RequestOutcomes {
        let input = requests_input(1);
        let args = action_args("send-requests", "acme", &input).into_iter().chain(["--dry-run"]);
        let mut outcomes = RequestOutcomes { succeeded: 0, errors: Vec::new() };
        outcomes.add(&self.run(args));
        outcomes
    }

    /// Returns the stored access token.
    pub(super) fn stored_access_token(&self) -> String {
        let show = ["connection", "show", "proof", "acme", "--json", "--show-secrets"];
        let shown = self.registry.json(show);
        let token = shown["credentials"]["access_token"].as_str().expect("an access token").to_owned();
        self.secrets.borrow_mut().push(token.clone());
        token
    }

    /// Asserts that no file of the registry contains a secret in plain text.
    #[track_caller]
    pub(super) fn assert_no_secret_in_files(&self) {
        for entry in fs::read_dir(self.registry.dir()).expect("the directory") {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).unwrap_or_default();
            for secret in self.secrets.borrow().iter() {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} contains a secret", path.display());
            }
        }
    }

    /// Returns the number of stored runs.
    pub(super) fn stored_runs(&self) -> i64 {
        const COUNT: &str = "SELECT count(*) FROM";
        if let Some(database) = self.database.on_server() {
            return database.sql(&format!("{COUNT} nango_rs.runs")).parse().expect("a count");
        }
        let file = rusqlite::Connection::open(self.registry.database()).expect("the database");
        file.query_row(&format!("{COUNT} runs"), [], |row| row.get(0)).expect("a count")
    }

    /// Returns the status of every token request.
    pub(super) fn token_request_statuses(&self) -> Vec<u16> {
        self.oauth.token_requests().iter().filter_map(|request| request.status).collect()
    }
}

impl RequestOutcomes {
    #[track_caller]
    fn add(&mut self, output: &Output) {
        // An action whose connection cannot be used fails as a whole.
        if output.status != Some(0) {
            self.errors.push(output.stderr.clone());
            return;
        }
        let output = &output.json()["output"];
        self.succeeded += output["succeeded"].as_u64().expect("a number");
        let errors = output["errors"].as_object().expect("an object");
        self.errors.extend(errors.keys().cloned());
    }
}

fn action_args<'a>(name: &'a str, id: &'a str, input: &'a str) -> [&'a str; 8] {
    ["run", "proof", name, "--connection", id, "--json", "--input", input]
}

fn requests_input(requests: usize) -> String {
    json!({ "requests": requests }).to_string()
}

fn config(provider: &str) -> String {
    format!("providers = \"providers.yaml\"\n[integrations.proof]\nprovider = \"{provider}\"\n")
}

/// Returns the API's provider entries, as a user writes them for an API that the catalogue does not contain.
fn providers(oauth: &OAuth, api: &Api, client: &str) -> String {
    let (url, token_url, base_url) = (oauth.url(), oauth.token_url(), api.url());
    // Without this key a client sends its credentials in the body.
    let method = if client == "basic" { "\n  authorization_method: header" } else { "" };
    let entry = |name: &str, mode: &str| {
        format!(
            "{name}:\n  display_name: Guarded\n  auth_mode: {mode}\n  authorization_url: {url}/auth\n  \
             token_url: {token_url}{method}\n  proxy:\n    base_url: {base_url}\n"
        )
    };
    entry("guarded", "OAUTH2") + &entry("guarded-cc", "OAUTH2_CC")
}
