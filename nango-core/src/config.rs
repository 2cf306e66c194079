//! What the operator decides: which database, which hosts, which keys.
//!
//! Read once at the top of the program and passed down. A setting is looked for in the flags, then in the environment,
//! then in `nango.toml`, and the first one found counts. [`Config::load`] is a function of its [`Sources`]: nothing in
//! here opens a file or asks the process for its environment, so a test can be any machine.
//!
//! Must stay true: secrets come by the environment alone (or lie sealed in the database), and nothing that may be
//! secret (the key, a header, a variable, the password in a URL) is shown by `Debug` or told by an error.

mod egress;
mod error;
mod file;
mod limits;
mod retention;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

pub use egress::Egress;
pub use error::ConfigError;
pub use limits::Limits;
pub use retention::Retention;

use crate::{
    auth::{App, Secret},
    http::HostPattern,
};

/// The file that is read when it lies in the working directory and `--config` names no other.
pub const FILE_NAME: &str = "nango.toml";

const DEFAULT_DATABASE: &str = "sqlite:nango.db";
const DEFAULT_LEASE: Duration = Duration::from_secs(15);
const PROVIDERS_VARIABLE: &str = "NANGO_PROVIDERS";
const DATABASE_VARIABLE: &str = "NANGO_DATABASE_URL";
const KEY_VARIABLE: &str = "NANGO_ENCRYPTION_KEY";
const PRUNE_VARIABLE: &str = "NANGO_RETENTION_PRUNE_AFTER";
const DELETE_VARIABLE: &str = "NANGO_RETENTION_DELETE_AFTER";
const ENCRYPT_RECORDS_VARIABLE: &str = "NANGO_ENCRYPT_RECORDS";
const VARIABLE_PREFIX: &str = "NANGO_ENV_";

/// The configuration of the program.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// The database's URL: `sqlite:nango.db` unless `--database`, `NANGO_DATABASE_URL` or the file say otherwise.
    /// Set it by [`Config::set_database`], which moves the key file along.
    pub database: String,
    /// The keys that credentials (and, if asked for, payloads) are sealed with: `NANGO_ENCRYPTION_KEY`, separated by
    /// commas, new ones last. `None`: the key file's.
    pub encryption_key: Option<Secret>,
    /// Where the key lies if the environment gives none: beside the database, `nango.db.key`.
    pub key_file: PathBuf,
    /// Whether a database that is made now seals the payloads of records (`NANGO_ENCRYPT_RECORDS`, or the file's
    /// `encrypt_records`); `false` without them. One that is there is switched by `registry encryption on`.
    pub encrypt_records: bool,
    /// How long a run may give no sign of life before the next run of its key takes over: 15 seconds unless the file
    /// says otherwise (`lease_seconds`).
    pub lease: Duration,
    /// A file of providers that goes over the built-in ones: `--providers`, `NANGO_PROVIDERS`, or the file's `providers`,
    /// which is relative to the file. `None`: there is none.
    pub providers: Option<PathBuf>,
    /// What the file says of integrations, by their names.
    pub integrations: BTreeMap<String, IntegrationConfig>,
    /// What `nango.env("NAME")` gives to functions: the file's `[environment]`, and `NANGO_ENV_<NAME>` over it.
    pub environment: BTreeMap<String, String>,
    /// How long the cache keeps what nobody changes.
    pub retention: Retention,
    /// What the environment says of apps: `NANGO_APP_<INTEGRATION>_CLIENT_SECRET` and its kin, by variable.
    pub(crate) apps: BTreeMap<String, Secret>,
    /// Which places may be reached; [`Config::policy`] adds the base URLs to it.
    pub egress: Egress,
    /// Bounds of walks, records and metadata.
    pub limits: Limits,
}

/// What the file says of an integration. One that is named like a provider needs nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct IntegrationConfig {
    /// The entry of the catalogue, if it is not named like the integration.
    pub provider: Option<String>,
    /// Where its API lies, in place of the provider's host: `https://ghe.example.com/api/v3`.
    pub base_url: Option<String>,
    /// Headers of every request, over the provider's.
    pub headers: BTreeMap<String, String>,
    /// The client id of your app at the provider, with which tokens are renewed.
    pub client_id: Option<String>,
    /// The scopes that it asks for.
    pub scopes: Vec<String>,
    /// Origins (scheme, host and port) beside the base URL's that get the connection's credentials.
    pub trusted_origins: Vec<String>,
    /// Hosts beside those that the provider's entry names to which the secret of your app is sent for tokens:
    /// `gitlab.example.com`, `*.example.com`.
    pub token_hosts: Vec<HostPattern>,
}

/// Where settings come from, in the order in which they count.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// What was said on the command line.
    pub flags: Flags,
    /// The environment of the process.
    pub env: BTreeMap<String, String>,
    /// The configuration file: its path for messages, and its text.
    pub file: Option<(PathBuf, String)>,
}

/// The settings that the command line knows.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--database URL`
    pub database: Option<String>,
    /// `--providers FILE`
    pub providers: Option<PathBuf>,
}

impl Config {
    /// Puts the sources together.
    ///
    /// # Errors
    ///
    /// A file that is not TOML, has a key that is not known, or a value that cannot be used; names the file, the line
    /// and what to write instead.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let Sources { flags, mut env, file } = sources;
        let file = file.map(|(path, text)| file::read(&path, &text)).transpose()?.unwrap_or_default();
        // An empty variable is how shells and compose files say "unset".
        let mut variable = |name: &str| env.remove(name).filter(|value| !value.is_empty());
        let database = flags.database.or_else(|| variable(DATABASE_VARIABLE)).or(file.database);
        let providers = flags.providers.or_else(|| variable(PROVIDERS_VARIABLE).map(PathBuf::from)).or(file.providers);
        let encryption_key = variable(KEY_VARIABLE).map(Secret::new);
        let encrypt_records = match variable(ENCRYPT_RECORDS_VARIABLE).as_deref() {
            None => file.encrypt_records,
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            Some(_) => return Err(ConfigError::variable(ENCRYPT_RECORDS_VARIABLE, "must be `true` or `false`")),
        };
        let mut age = |name: &str, filed: Option<Duration>| match variable(name) {
            None => Ok(filed),
            Some(text) => retention::parse_age(&text).map_err(|expected| ConfigError::variable(name, expected)),
        };
        let retention = Retention {
            prune_after: age(PRUNE_VARIABLE, file.retention.prune_after)?,
            delete_after: age(DELETE_VARIABLE, file.retention.delete_after)?,
        };
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
            key_file: PathBuf::new(),
            encrypt_records,
            lease: file.lease.unwrap_or(DEFAULT_LEASE),
            providers,
            integrations: file.integrations,
            environment,
            retention,
            apps,
            egress: file.egress,
            limits: file.limits,
        };
        config.set_database(database.unwrap_or_else(|| DEFAULT_DATABASE.to_owned()));
        Ok(config)
    }

    /// Takes another database, and the key file beside it.
    pub fn set_database(&mut self, url: impl Into<String>) {
        self.database = url.into();
        let beside = self.database_file().map_or_else(|| PathBuf::from("nango"), Path::to_path_buf);
        let mut name = beside.into_os_string();
        name.push(".key");
        self.key_file = name.into();
    }

    /// The database's file. `None`: it is in memory, or on a server.
    pub fn database_file(&self) -> Option<&Path> {
        let path = self.database.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (path != ":memory:" && !path.is_empty()).then(|| Path::new(path))
    }

    /// The database in messages: its file, or its URL without what may be secret in it.
    pub fn database_name(&self) -> String {
        self.database_file()
            .map_or_else(|| redacted_url(&self.database), |file| redacted_url(&file.display().to_string()))
    }

    /// The app of an integration: what the file says, and over it the environment.
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

    /// Whether nothing outlives the process, so that a key need not either.
    pub fn is_in_memory(&self) -> bool {
        self.database.starts_with("sqlite:") && self.database_file().is_none()
    }
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Self {
            database: String::new(),
            encryption_key: None,
            key_file: PathBuf::new(),
            encrypt_records: false,
            lease: DEFAULT_LEASE,
            providers: None,
            integrations: BTreeMap::new(),
            environment: BTreeMap::new(),
            retention: Retention::default(),
            apps: BTreeMap::new(),
            egress: Egress::default(),
            limits: Limits::default(),
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
            .field("key_file", &self.key_file)
            .field("encrypt_records", &self.encrypt_records)
            .field("lease", &self.lease)
            .field("providers", &self.providers)
            .field("integrations", &self.integrations)
            .field("environment", &self.environment.keys())
            .field("retention", &self.retention)
            .field("apps", &self.apps.keys())
            .field("egress", &self.egress)
            .field("limits", &self.limits)
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

/// A URL without what stands before the `@` of its host and behind its `?`: both may hold a password.
fn redacted_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (address, parameters) = rest.split_once('?').map_or((rest, ""), |(address, _)| (address, "?…"));
    match address.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{parameters}"),
        None => format!("{scheme}://{address}{parameters}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(flag: Option<&str>, env: &[(&str, &str)], file: Option<&str>) -> Sources {
        Sources {
            flags: Flags { database: flag.map(str::to_owned), ..Flags::default() },
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            file: file.map(|text| (PathBuf::from("nango.toml"), text.to_owned())),
        }
    }

    #[track_caller]
    fn check(flag: Option<&str>, env: &[(&str, &str)], file: Option<&str>, database: &str, key_file: &str) {
        let config = Config::load(sources(flag, env, file)).unwrap();
        assert_eq!((config.database.as_str(), config.key_file.to_str().unwrap()), (database, key_file));
    }

    #[test]
    fn flags_over_environment_over_file_over_default() {
        let env = &[("NANGO_DATABASE_URL", "sqlite:env.db")];
        let file = Some("database = 'sqlite:data/file.db'");
        check(Some("sqlite:flag.db"), env, file, "sqlite:flag.db", "flag.db.key");
        check(None, env, file, "sqlite:env.db", "env.db.key");
        check(None, &[("NANGO_DATABASE_URL", "")], file, "sqlite:data/file.db", "data/file.db.key");
        check(None, &[], None, "sqlite:nango.db", "nango.db.key");
        check(Some("sqlite:///var/lib/n.db"), &[], None, "sqlite:///var/lib/n.db", "/var/lib/n.db.key");
        check(Some("postgres://u:p@h/db"), &[], None, "postgres://u:p@h/db", "nango.key");
    }

    #[test]
    fn providers_file_follows_the_order_of_sources() {
        let load = |flag: Option<&str>, env: &[(&str, &str)]| {
            let mut sources = sources(None, env, None);
            sources.flags.providers = flag.map(PathBuf::from);
            sources.file = Some((PathBuf::from("conf/nango.toml"), "providers = 'own.yaml'".to_owned()));
            Config::load(sources).unwrap().providers.unwrap()
        };
        assert_eq!(load(None, &[]), Path::new("conf/own.yaml"));
        let env = [("NANGO_PROVIDERS", "env.yaml")];
        assert_eq!(load(None, &env), Path::new("env.yaml"));
        assert_eq!(load(Some("flag.yaml"), &env), Path::new("flag.yaml"));
    }

    #[test]
    fn only_an_in_memory_database_needs_no_lasting_key() {
        let in_memory = |url: &str| Config::load(sources(Some(url), &[], None)).unwrap().is_in_memory();
        assert!(in_memory("sqlite::memory:"));
        assert!(!in_memory("sqlite:nango.db"));
        assert!(!in_memory("postgres://host/db"));
    }

    #[test]
    fn payloads_are_encrypted_only_if_configured() {
        let load = |env: &[(&str, &str)], file| Config::load(sources(None, env, file));
        let file = Some("encrypt_records = true");
        assert!(!load(&[], None).unwrap().encrypt_records);
        assert!(load(&[], file).unwrap().encrypt_records);
        assert!(load(&[("NANGO_ENCRYPT_RECORDS", "1")], None).unwrap().encrypt_records);
        assert!(!load(&[("NANGO_ENCRYPT_RECORDS", "false")], file).unwrap().encrypt_records);
        let wrong = load(&[("NANGO_ENCRYPT_RECORDS", "hush")], None).unwrap_err().to_string();
        assert_eq!(wrong, "NANGO_ENCRYPT_RECORDS: must be `true` or `false`");
        let wrong = load(&[], Some("encrypt_records = 1")).unwrap_err().to_string();
        assert_eq!(wrong, "nango.toml:1: `encrypt_records` must be true or false, this is of type integer");
    }

    #[test]
    fn variables_of_functions_come_from_file_and_environment() {
        let file = "[environment]\nREGION = 'eu'\nLEVEL = 'low'";
        let env = &[("NANGO_ENV_LEVEL", "high"), ("NANGO_ENV_EMPTY", ""), ("PATH", "/bin")];
        let config = Config::load(sources(None, env, Some(file))).unwrap();
        let expect = [("EMPTY", ""), ("LEVEL", "high"), ("REGION", "eu")];
        assert_eq!(config.environment, expect.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn retention_is_off_by_default() {
        assert_eq!(Config::load(sources(None, &[], None)).unwrap().retention, Retention::default());
        let file = "[retention]\nprune_after = '30d'\ndelete_after = '60d'";
        let env = &[("NANGO_RETENTION_DELETE_AFTER", "off")];
        let retention = Config::load(sources(None, env, Some(file))).unwrap().retention;
        let days = Duration::from_hours(30 * 24);
        assert_eq!(retention, Retention { prune_after: Some(days), delete_after: None });
        let wrong = Config::load(sources(None, &[("NANGO_RETENTION_PRUNE_AFTER", "30s")], None)).unwrap_err();
        let expect = "must be between an hour and a hundred years: write `30d`, `12 hours`, or `off`";
        assert_eq!(wrong.to_string(), format!("NANGO_RETENTION_PRUNE_AFTER: {expect}"));
        let wrong = Config::load(sources(None, &[], Some("[retention]\nprune_after = 'soon'"))).unwrap_err();
        let expect = "is not a length of time: write `30d`, `12 hours`, or `off`";
        assert_eq!(wrong.to_string(), format!("nango.toml:2: `retention.prune_after` {expect}"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let file = "[environment]\nTOKEN = 'hush-1'\n[integrations.github]\nheaders = { X-Key = 'hush-2' }";
        let env = &[("NANGO_ENCRYPTION_KEY", "hush-3"), ("NANGO_ENV_OTHER", "hush-4")];
        let config = Config::load(sources(Some("postgres://me:hush-5@host/db"), env, Some(file))).unwrap();
        assert_eq!(config.encryption_key.as_ref().map(Secret::expose), Some("hush-3"));
        let shown = format!("{config:?}");
        assert!(!shown.contains("hush"), "{shown}");
        for (url, expect) in [
            ("sqlite:nango.db", "sqlite:nango.db"),
            ("postgres:///db?host=/run&password=hush", "postgres:///db?…"),
            ("postgres://me:hu@sh@host/db?sslmode=disable", "postgres://…@host/db?…"),
        ] {
            assert_eq!(redacted_url(url), expect);
        }
        for name in ["TOKEN", "OTHER", "X-Key", "postgres://…@host/db"] {
            assert!(shown.contains(name), "{name} in {shown}");
        }
    }
}
