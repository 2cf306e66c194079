//! An authorization server, an API that believes it, a registry, and one connection between them.

use std::{cell::RefCell, ffi::OsStr, fs, panic::resume_unwind, thread, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nango_tests::{
    Output, Registry, Running,
    oauth::{Api, AuthServerKind, OAuth, Tokens},
    pgbouncer::PgBouncer,
    postgres::{self, Database},
};
use serde_json::{Value, json};

/// How long tokens live that a refresh brings: well beyond the quarter of an hour before its end at which a token is renewed.
const TOKEN_LIFETIME_SECONDS: u64 = 7200;
/// How long an authorization server may take.
pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a renewal that failed once is not tried again.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(30);

/// A connection whose token ends in an hour.
pub(super) const EXPIRES_IN_AN_HOUR: i64 = 3600;
/// A connection whose token has ended.
pub(super) const EXPIRED: i64 = -60;

/// Says that there is no way but to make the connection again.
pub(super) fn requires_reconnect(error: &str) -> bool {
    error.contains("must be connected again") && error.contains("registry connection add proof acme")
}

/// Tries all cases at the same time: most of their time is spent in waiting.
pub(super) fn run_concurrently<T: Send>(cases: Vec<T>, test: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        let running: Vec<_> = cases.into_iter().map(|case| scope.spawn(|| test(case))).collect();
        for one in running {
            // With its own message, and not the one of the scope.
            one.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseKind {
    Sqlite,
    Postgres,
    /// A server behind a pooler that lends a connection for one transaction.
    Pooled,
}

impl DatabaseKind {
    pub(super) const WITHOUT_POOLER: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// All that a test of refreshing needs.
pub(super) struct Fixture {
    pub(super) oauth: OAuth,
    pub(super) api: Api,
    pub(super) registry: Registry,
    client: &'static str,
    /// Every token that a line of output must not show.
    secrets: RefCell<Vec<String>>,
    _pooler: Option<PgBouncer>,
    _database: Option<Database>,
}

/// What an action that makes many requests tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestOutcomes {
    pub(super) answered: u64,
    pub(super) errors: Vec<String>,
}

impl Fixture {
    /// A stage whose tokens live two hours. `None`: something is missing here, and that was said.
    pub(super) fn new(peer: AuthServerKind, kind: DatabaseKind) -> Option<Self> {
        Self::with_client(peer, kind, "basic", TOKEN_LIFETIME_SECONDS)
    }

    /// A stage of this client of the server; tokens that a token request brings live so many seconds.
    pub(super) fn with_client(
        peer: AuthServerKind,
        kind: DatabaseKind,
        client: &'static str,
        lifetime: u64,
    ) -> Option<Self> {
        let database = match kind {
            DatabaseKind::Sqlite => None,
            DatabaseKind::Postgres | DatabaseKind::Pooled => Some(postgres::server()?.create_empty_database()),
        };
        let pooler = if kind == DatabaseKind::Pooled { Some(PgBouncer::start()?) } else { None };
        let oauth = OAuth::start(peer, lifetime)?;
        let api = Api::start(&oauth);
        let mut registry = Registry::proof(api.url());
        registry.write("providers.yaml", providers(&oauth, &api, client));
        registry.config(&config("guarded"));
        if let Some(database) = &database {
            let url = pooler.as_ref().map_or_else(|| database.url.clone(), |pooler| pooler.url(database));
            registry.env("NANGO_DATABASE_URL", url);
        }
        let secrets = RefCell::new(vec![OAuth::secret(client)]);
        Some(Self { oauth, api, registry, client, secrets, _pooler: pooler, _database: database })
    }

    /// Adds the connection, or makes it again: with tokens of the server, of which the connection believes that the access
    /// token ends after so many seconds. Less than nothing: it has ended.
    pub(super) fn connect(&self, ends_in: i64) -> Tokens {
        self.connect_as("acme", ends_in)
    }

    /// The same under another id.
    pub(super) fn connect_as(&self, id: &str, ends_in: i64) -> Tokens {
        let tokens = self.oauth.connect(self.client, TOKEN_LIFETIME_SECONDS);
        self.secrets.borrow_mut().extend([tokens.access_token.clone(), tokens.refresh_token.clone()]);
        let ends = Timestamp::now() + SignedDuration::from_secs(ends_in);
        let credentials = json!({
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_at": ends.to_string(),
            "config_override": self.app(),
        });
        self.add(id, "oauth2", &credentials);
        tokens
    }

    /// Adds the connection with nothing but the client's own credentials.
    pub(super) fn connect_client(&self) {
        self.registry.config(&config("guarded-cc"));
        self.add("acme", "oauth2-cc", &self.app());
    }

    fn app(&self) -> Value {
        json!({ "client_id": self.client, "client_secret": OAuth::secret(self.client) })
    }

    fn add(&self, id: &str, kind: &str, credentials: &Value) {
        let credentials = credentials.to_string();
        self.run(["connection", "add", "proof", id, "--auth", kind, "--credentials", &credentials]).expect(0);
    }

    /// Runs the registry; what it prints holds no secret.
    #[track_caller]
    pub(super) fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Output {
        self.assert_no_secret(self.registry.run(args))
    }

    /// What it printed, in which there must be no secret.
    #[track_caller]
    pub(super) fn assert_no_secret(&self, output: Output) -> Output {
        for secret in self.secrets.borrow().iter() {
            let shown = output.stdout.contains(secret) || output.stderr.contains(secret);
            assert!(!shown, "a secret is shown:\n{}\n{}", output.stdout, output.stderr);
        }
        output
    }

    /// Lets so many processes make so many requests each, all at once.
    #[track_caller]
    pub(super) fn send_concurrently(&self, processes: usize, requests: usize) -> RequestOutcomes {
        self.send_concurrently_for(&vec!["acme"; processes], requests)
    }

    /// Lets a process for each of these connections make so many requests, all at once.
    #[track_caller]
    pub(super) fn send_concurrently_for(&self, ids: &[&str], requests: usize) -> RequestOutcomes {
        let running: Vec<_> = ids
            .iter()
            .map(|id| self.registry.start(action_args("send-requests", id, &requests_input(requests))))
            .collect();
        let mut all = RequestOutcomes { answered: 0, errors: Vec::new() };
        for process in running {
            let output = self.assert_no_secret(process.finish());
            all.add(&output);
        }
        all
    }

    /// Renews the token whether it is due or not, so many times at once.
    #[track_caller]
    pub(super) fn refresh_concurrently(&self, times: usize) -> RequestOutcomes {
        let output = self.assert_no_secret(self.registry.run(action_args("renew", "acme", &requests_input(times))));
        let mut all = RequestOutcomes { answered: 0, errors: Vec::new() };
        all.add(&output);
        all
    }

    /// Lets so many processes renew the token at once, whether it is due or not.
    #[track_caller]
    pub(super) fn refresh_in_processes(&self, processes: usize) -> RequestOutcomes {
        let input = requests_input(1);
        let start = |_| self.registry.start(action_args("renew", "acme", &input));
        let running: Vec<_> = (0..processes).map(start).collect();
        let mut all = RequestOutcomes { answered: 0, errors: Vec::new() };
        for process in running {
            let output = self.assert_no_secret(process.finish());
            all.add(&output);
        }
        all
    }

    /// One request; what it ends with if it fails.
    #[track_caller]
    pub(super) fn send_one(&self) -> Result<(), String> {
        let RequestOutcomes { errors, .. } = self.send_concurrently(1, 1);
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// Starts one request.
    pub(super) fn start(&self) -> Running {
        self.registry.start(action_args("send-requests", "acme", &requests_input(1)))
    }

    /// Starts one request of a process with these variables.
    pub(super) fn start_with_env(&self, variables: &[(&str, &OsStr)]) -> Running {
        self.registry.start_with_env(action_args("send-requests", "acme", &requests_input(1)), variables)
    }

    /// One request of a process that dies at a failpoint. Gives whether it passed there.
    pub(super) fn send_and_die_at(&self, failpoint: &str) -> bool {
        let variables = [("NANGO_FAILPOINT", OsStr::new(failpoint))];
        let died =
            self.registry.start_with_env(action_args("send-requests", "acme", &requests_input(1)), &variables).finish();
        self.assert_no_secret(died).status.is_none()
    }

    /// What `connection show` tells of a renewal that failed: whether the connection must be made again.
    #[track_caller]
    pub(super) fn must_reconnect(&self) -> Option<bool> {
        let shown = self.run(["connection", "show", "proof", "acme", "--json"]).expect(0).json();
        let errors = shown["errors"].as_array().expect("a list");
        assert!(errors.len() <= 1, "{errors:#?}");
        errors.first().map(|error| error["must_reconnect"].as_bool().expect("a truth value"))
    }

    /// The access token that the connection has.
    pub(super) fn stored_access_token(&self) -> String {
        let show = ["connection", "show", "proof", "acme", "--json", "--show-secrets"];
        let shown = self.registry.json(show);
        let token = shown["credentials"]["access_token"].as_str().expect("an access token").to_owned();
        self.secrets.borrow_mut().push(token.clone());
        token
    }

    /// Expects that no file of the registry holds a secret in plain text.
    #[track_caller]
    pub(super) fn assert_no_secret_in_files(&self) {
        for entry in fs::read_dir(self.registry.dir()).expect("the directory") {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).unwrap_or_default();
            for secret in self.secrets.borrow().iter() {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }

    /// How many token requests came, and what they were answered with.
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
        self.answered += output["succeeded"].as_u64().expect("a number");
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

/// The entries of the API, in the format of the catalogue, as a person writes them for one that the catalogue does not have.
fn providers(oauth: &OAuth, api: &Api, client: &str) -> String {
    let (url, token_url, base_url) = (oauth.url(), oauth.token_url(), api.url());
    // Without it a client says who it is in the body.
    let method = if client == "basic" { "\n  authorization_method: header" } else { "" };
    let entry = |name: &str, mode: &str| {
        format!(
            "{name}:\n  display_name: Guarded\n  auth_mode: {mode}\n  authorization_url: {url}/auth\n  \
             token_url: {token_url}{method}\n  proxy:\n    base_url: {base_url}\n"
        )
    };
    entry("guarded", "OAUTH2") + &entry("guarded-cc", "OAUTH2_CC")
}
