//! Operator configuration: database, encryption keys, integrations, egress, limits, retention and server.
//!
//! The configuration is read once at startup and passed down. Command-line flags take precedence over environment
//! variables, and these over `nango.toml`. [`Config::load`] is a pure function of its [`Sources`]: this module neither
//! opens files nor reads the environment of the process, so that tests can pass any sources.
//!
//! Invariants: secrets come from the environment only (or are encrypted in the database). `Debug` output and errors
//! never show values that may be secret: keys, headers, variables, passwords in URLs.

mod egress;
mod error;
mod file;
mod limits;
mod retention;
mod server;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use egress::Egress;
pub(crate) use error::ConfigError;
pub(crate) use limits::Limits;
pub(crate) use retention::Retention;
pub(crate) use server::ServerConfig;
#[cfg(feature = "server")]
pub(crate) use server::parse_api_url;
pub use server::parse_listen;

use crate::{
    auth::{App, Secret, check_given_key},
    http::HostPattern,
};

/// Name of the configuration file, read from the working directory unless `--config` names another file.
pub(crate) const FILE_NAME: &str = "nango.toml";

const DEFAULT_DATABASE: &str = "sqlite:nango.db";
const DEFAULT_LEASE: Duration = Duration::from_secs(15);
const PROVIDERS_VARIABLE: &str = "NANGO_PROVIDERS";
const DATABASE_VARIABLE: &str = "NANGO_DATABASE_URL";
const KEY_VARIABLE: &str = "NANGO_ENCRYPTION_KEY";
const PRUNE_VARIABLE: &str = "NANGO_RETENTION_PRUNE_AFTER";
const DELETE_VARIABLE: &str = "NANGO_RETENTION_DELETE_AFTER";
const DELETE_RUNS_VARIABLE: &str = "NANGO_RETENTION_DELETE_RUNS_AFTER";
const ENCRYPT_RECORDS_VARIABLE: &str = "NANGO_ENCRYPT_RECORDS";
const ALLOW_LOST_KEY_FILE_VARIABLE: &str = "NANGO_ALLOW_LOST_KEY_FILE";
const API_KEY_VARIABLE: &str = "NANGO_API_KEY";
const IMPORT_KEY_VARIABLE: &str = "NANGO_IMPORT_KEY";
const VARIABLE_PREFIX: &str = "NANGO_ENV_";

/// The configuration of the program.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// URL of the database (`--database`, `NANGO_DATABASE_URL`, or the file's `database`). Default `sqlite:nango.db`.
    /// Set it with [`Config::set_database`], which also sets the key file.
    pub database: String,
    /// Encryption keys of credentials and, if enabled, of payloads (`NANGO_ENCRYPTION_KEY`): separated by commas, the
    /// newest one last. `None`: the keys of the key file.
    pub encryption_key: Option<Secret>,
    /// Key file, used if the environment has no key: next to the database, such as `nango.db.key`.
    pub key_file: PathBuf,
    /// Whether a key file is created also where it is lost with the container (`NANGO_ALLOW_LOST_KEY_FILE`), for tests.
    /// Default `false`.
    pub allow_lost_key_file: bool,
    /// Whether a new database encrypts the payloads of records (`NANGO_ENCRYPT_RECORDS`, or the file's
    /// `encrypt_records`). Default `false`. `registry encryption on` enables it for an existing database.
    pub encrypt_records: bool,
    /// Lease of a run: time without a heartbeat after which the next run of the same function takes over (the file's
    /// `lease_seconds`). Default 15 seconds.
    pub lease: Duration,
    /// File of providers that override the built-in ones (`--providers`, `NANGO_PROVIDERS`, or the file's `providers`,
    /// which is relative to the file). `None`: built-in providers only.
    pub providers: Option<PathBuf>,
    /// Settings of integrations from the file, by their names.
    pub integrations: BTreeMap<String, IntegrationConfig>,
    /// Variables of `nango.env("NAME")`: the file's `[environment]`, overridden by `NANGO_ENV_<NAME>`.
    pub environment: BTreeMap<String, String>,
    /// Retention of unchanged records, unused datasets and ended runs.
    pub retention: Retention,
    /// App credentials from the environment, such as `NANGO_APP_<INTEGRATION>_CLIENT_SECRET`, by variable.
    pub(crate) apps: BTreeMap<String, Secret>,
    /// Egress rules for outbound requests; [`Config::policy`] adds the base URLs.
    pub egress: Egress,
    /// Limits of walks, records and metadata.
    pub limits: Limits,
    /// Addresses, names and limits of the HTTP API.
    pub server: ServerConfig,
    /// API key with all scopes, in addition to the stored ones (`NANGO_API_KEY`): any text of at least 32 characters.
    pub api_key: Option<Secret>,
    /// Key of the server that connections are imported from (`NANGO_IMPORT_KEY`).
    pub import_key: Option<Secret>,
}

/// Settings of an integration. Optional for an integration that has the name of its provider.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct IntegrationConfig {
    /// Provider in the catalogue. Default: the provider with the integration's name.
    pub provider: Option<String>,
    /// Base URL of the API, in place of the provider's: `https://ghe.example.com/api/v3`.
    pub base_url: Option<String>,
    /// Headers of every request; they override the provider's.
    pub headers: BTreeMap<String, String>,
    /// Client id of your app at the provider, used for token refresh.
    pub client_id: Option<String>,
    /// Scopes that your app requests.
    pub scopes: Vec<String>,
    /// Origins (scheme, host and port) besides the base URL's that receive the connection's credentials.
    pub trusted_origins: Vec<String>,
    /// Hosts that may receive the secret of your app in token requests, in addition to those of the provider's entry:
    /// `gitlab.example.com`, `*.example.com`.
    pub token_hosts: Vec<HostPattern>,
}

/// Sources of settings, in the order of their precedence.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Flags of the command line.
    pub flags: Flags,
    /// The environment of the process.
    pub env: BTreeMap<String, String>,
    /// The configuration file: its path for messages, and its text.
    pub file: Option<(PathBuf, String)>,
}

/// Settings of the command line.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// URL of the database (`--database URL`).
    pub database: Option<String>,
    /// File of providers (`--providers FILE`).
    pub providers: Option<PathBuf>,
}

impl Config {
    /// Returns the name of an integration's provider: the name of the integration, unless the configuration sets
    /// another.
    pub fn provider_of<'a>(&'a self, integration: &'a str) -> &'a str {
        self.integrations.get(integration).and_then(|settings| settings.provider.as_deref()).unwrap_or(integration)
    }

    /// Builds the configuration from its sources.
    ///
    /// # Errors
    ///
    /// Fails if the file is not TOML, or has an unknown key or an invalid value, or a variable has an invalid value.
    /// The error names the file, the line and the allowed values.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let Sources { flags, mut env, file } = sources;
        let file = file.map(|(path, text)| file::read(&path, &text)).transpose()?.unwrap_or_default();
        // Shells and compose files express an unset variable as an empty one.
        let mut variable = |name: &str| env.remove(name).filter(|value| !value.is_empty());
        let database = flags.database.or_else(|| variable(DATABASE_VARIABLE)).or(file.database);
        let providers = flags.providers.or_else(|| variable(PROVIDERS_VARIABLE).map(PathBuf::from)).or(file.providers);
        let encryption_key = variable(KEY_VARIABLE).map(Secret::new);
        let api_key = variable(API_KEY_VARIABLE);
        if let Some(Err(error)) = api_key.as_deref().map(check_given_key) {
            return Err(ConfigError::variable(API_KEY_VARIABLE, format!("is no API key: {error}")));
        }
        let import_key = variable(IMPORT_KEY_VARIABLE);
        let mut flag = |name: &str, default: bool| match variable(name).as_deref() {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(_) => Err(ConfigError::variable(name, "must be `true` or `false`")),
        };
        let encrypt_records = flag(ENCRYPT_RECORDS_VARIABLE, file.encrypt_records)?;
        let allow_lost_key_file = flag(ALLOW_LOST_KEY_FILE_VARIABLE, false)?;
        let mut age = |name: &str, filed: Option<Duration>| match variable(name) {
            None => Ok(filed),
            Some(text) => retention::parse_age(&text).map_err(|expected| ConfigError::variable(name, expected)),
        };
        let retention = Retention {
            prune_after: age(PRUNE_VARIABLE, file.retention.prune_after)?,
            delete_after: age(DELETE_VARIABLE, file.retention.delete_after)?,
            delete_runs_after: age(DELETE_RUNS_VARIABLE, file.retention.delete_runs_after)?,
        };
        let mut server = file.server;
        for (name, set) in ServerConfig::VARIABLES {
            if let Some(text) = variable(name) {
                set(&mut server, &text).map_err(|expected| ConfigError::variable(name, expected))?;
            }
        }
        let (apps, env): (BTreeMap<_, _>, BTreeMap<_, _>) =
            env.into_iter().partition(|(name, value)| name.starts_with(App::PREFIX) && !value.is_empty());
        let apps = apps.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        let mut environment = file.environment;
        environment.extend(
            env.into_iter().filter_map(|(name, value)| Some((name.strip_prefix(VARIABLE_PREFIX)?.to_owned(), value))),
        );
        let mut config = Self {
            database: String::new(),
            encryption_key,
            api_key: api_key.map(Secret::new),
            import_key: import_key.map(Secret::new),
            key_file: PathBuf::new(),
            allow_lost_key_file,
            encrypt_records,
            lease: file.lease.unwrap_or(DEFAULT_LEASE),
            providers,
            integrations: file.integrations,
            environment,
            retention,
            apps,
            egress: file.egress,
            limits: file.limits,
            server,
        };
        config.set_database(database.unwrap_or_else(|| DEFAULT_DATABASE.to_owned()));
        Ok(config)
    }

    /// Sets the database, and the key file next to it.
    pub fn set_database(&mut self, url: impl Into<String>) {
        self.database = url.into();
        let database = self.database_file().map_or_else(|| PathBuf::from("nango"), Path::to_path_buf);
        let mut name = database.into_os_string();
        name.push(".key");
        self.key_file = name.into();
    }

    /// Returns the file of the database; `None` for a database in memory or on a server.
    pub fn database_file(&self) -> Option<&Path> {
        let path = self.database.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (path != ":memory:" && !path.is_empty()).then(|| Path::new(path))
    }

    /// Returns the name of the database in messages: its file, or its URL without parts that may be secret.
    pub fn database_name(&self) -> String {
        self.database_file()
            .map_or_else(|| redacted_url(&self.database), |file| redacted_url(&file.display().to_string()))
    }

    /// Returns the app of an integration: the settings of the file, overridden by the environment.
    pub fn app(&self, integration: &str) -> App {
        let filed = self.integrations.get(integration);
        let from_env = |part: &str| self.apps.get(&App::variable(integration, part));
        App {
            client_id: from_env("CLIENT_ID")
                .map(|id| id.expose().to_owned())
                .or_else(|| filed.and_then(|filed| filed.client_id.clone())),
            client_secret: from_env("CLIENT_SECRET").cloned(),
            private_key: from_env("PRIVATE_KEY").map(App::parse_private_key),
            scopes: filed.map(|filed| filed.scopes.clone()).unwrap_or_default(),
            token_hosts: filed.map(|filed| filed.token_hosts.clone()).unwrap_or_default(),
        }
    }

    /// Returns whether the database is in memory, so that its key need not outlive the process.
    pub fn is_in_memory(&self) -> bool {
        self.database.starts_with("sqlite:") && self.database_file().is_none()
    }
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Self {
            database: String::new(),
            encryption_key: None,
            api_key: None,
            import_key: None,
            key_file: PathBuf::new(),
            allow_lost_key_file: false,
            encrypt_records: false,
            lease: DEFAULT_LEASE,
            providers: None,
            integrations: BTreeMap::new(),
            environment: BTreeMap::new(),
            retention: Retention::default(),
            apps: BTreeMap::new(),
            egress: Egress::default(),
            limits: Limits::default(),
            server: ServerConfig::default(),
        };
        config.set_database(DEFAULT_DATABASE);
        config
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("database", &redacted_url(&self.database))
            .field("encryption_key", &self.encryption_key)
            .field("api_key", &self.api_key)
            .field("import_key", &self.import_key)
            .field("key_file", &self.key_file)
            .field("allow_lost_key_file", &self.allow_lost_key_file)
            .field("encrypt_records", &self.encrypt_records)
            .field("lease", &self.lease)
            .field("providers", &self.providers)
            .field("integrations", &self.integrations)
            .field("environment", &self.environment.keys())
            .field("retention", &self.retention)
            .field("apps", &self.apps.keys())
            .field("egress", &self.egress)
            .field("limits", &self.limits)
            .field("server", &self.server)
            .finish()
    }
}

impl fmt::Debug for IntegrationConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntegrationConfig")
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .field("headers", &self.headers.keys())
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("trusted_origins", &self.trusted_origins)
            .field("token_hosts", &self.token_hosts)
            .finish()
    }
}

/// Removes the user information and the query of a URL: both may contain a password.
fn redacted_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (address, parameters) = rest.split_once('?').map_or((rest, ""), |(address, _)| (address, "?…"));
    match address.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{parameters}"),
        None => format!("{scheme}://{address}{parameters}"),
    }
}

#[cfg(test)]
mod tests;
