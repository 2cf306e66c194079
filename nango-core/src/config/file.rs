//! The configuration file `nango.toml`.
//!
//! ```toml
//! database = "sqlite:nango.db"
//! encrypt_records = true
//! lease_seconds = 15
//! providers = "providers.yaml"
//!
//! [integrations.github]
//! provider = "github"
//! base_url = "https://ghe.example.com/api/v3"
//! headers = { X-Team = "data" }
//! client_id = "Iv1.1234"
//! scopes = ["repo", "read:org"]
//! trusted_origins = ["https://ghe-pages.example.com"]
//!
//! [environment]
//! REGION = "eu"
//!
//! [retention]
//! prune_after = "30d"
//! delete_after = "60d"
//! delete_runs_after = "15d"
//!
//! [egress]
//! allow = ["db.example.internal", "10.1.0.0/16"]
//! deny = ["*.example.org"]
//! private = false
//!
//! [limits]
//! walk_pages = 100000
//! record_bytes = "16MiB"
//! runs = 16
//!
//! [server]
//! listen = "127.0.0.1:3003"
//! public_url = "https://integrations.example.com"
//! ```
//!
//! The file is parsed by hand and not with serde's derive, so that every error has a line and none quotes a value.

mod addresses;
mod entries;
mod integration;
mod limits;
mod reader;
mod server;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ConfigError, Egress, IntegrationConfig, Limits, Retention, ServerConfig, retention};
use crate::http::HostPattern;
use entries::entries;
use reader::Reader;

/// Allowed lease durations, in seconds: shorter leases would expire on a busy machine.
const LEASE_SECONDS: std::ops::RangeInclusive<f64> = 0.2..=3600.0;

/// Top-level keys of the file.
const FILE_KEYS: [&str; 10] = [
    "database",
    "encrypt_records",
    "lease_seconds",
    "providers",
    "integrations",
    "environment",
    "retention",
    "egress",
    "limits",
    "server",
];

/// Settings of a file; absent ones have their defaults.
#[derive(Default)]
pub(super) struct FileConfig {
    pub(super) database: Option<String>,
    pub(super) encrypt_records: bool,
    pub(super) lease: Option<Duration>,
    pub(super) providers: Option<PathBuf>,
    pub(super) integrations: BTreeMap<String, IntegrationConfig>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) retention: Retention,
    pub(super) egress: Egress,
    pub(super) limits: Limits,
    pub(super) server: ServerConfig,
}

/// Parses the text of a file. The path is for messages, and the base of relative paths.
pub(super) fn read(path: &Path, text: &str) -> Result<FileConfig, ConfigError> {
    let reader = Reader { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        reader.error(error.span().map_or(0, |span| span.start), format!("invalid TOML: {}", error.message()))
    })?;
    reader.file(table.get_ref())
}

impl Reader<'_> {
    fn file(&self, table: &DeTable<'_>) -> Result<FileConfig, ConfigError> {
        let mut file = FileConfig::default();
        for (key, at, value) in entries(table) {
            match key {
                "database" => {
                    let url = self.string_of(key, at, value)?;
                    if addresses::has_password(&url) {
                        let expected = "must not contain a password: files are copied and shared. Set PGPASSWORD or \
                                        PGPASSFILE, or the whole URL in NANGO_DATABASE_URL";
                        return Err(self.value_error(at, key, expected));
                    }
                    file.database = Some(url);
                }
                "encrypt_records" => file.encrypt_records = self.bool_of(key, at, value)?,
                "lease_seconds" => file.lease = Some(self.lease(key, at, value)?),
                "providers" => {
                    // Relative to the file, not to the working directory.
                    let directory = self.path.parent().unwrap_or(Path::new(""));
                    file.providers = Some(directory.join(self.string_of(key, at, value)?));
                }
                "integrations" => {
                    for (name, at, value) in entries(self.table_of(key, at, value)?) {
                        let name_path = format!("integrations.{name}");
                        let settings = self.integration(&name_path, self.table_of(&name_path, at, value)?)?;
                        file.integrations.insert(name.to_owned(), settings);
                    }
                }
                "environment" => file.environment = self.string_map(key, self.table_of(key, at, value)?)?,
                "retention" => file.retention = self.retention(self.table_of(key, at, value)?)?,
                "egress" => file.egress = self.egress(self.table_of(key, at, value)?)?,
                "limits" => file.limits = self.limits(self.table_of(key, at, value)?)?,
                "server" => file.server = self.server(self.table_of(key, at, value)?)?,
                _ => return Err(self.unknown_key(at, key, None, &FILE_KEYS)),
            }
        }
        Ok(file)
    }

    fn retention(&self, table: &DeTable<'_>) -> Result<Retention, ConfigError> {
        let mut retention = Retention::default();
        for (key, at, value) in entries(table) {
            let field = match key {
                "prune_after" => &mut retention.prune_after,
                "delete_after" => &mut retention.delete_after,
                "delete_runs_after" => &mut retention.delete_runs_after,
                _ => {
                    let keys = ["prune_after", "delete_after", "delete_runs_after"];
                    return Err(self.unknown_key(at, key, Some("retention"), &keys));
                }
            };
            let full = format!("retention.{key}");
            let text = self.string_of(&full, at, value)?;
            *field = retention::parse_age(&text).map_err(|expected| self.value_error(at, &full, expected))?;
        }
        Ok(retention)
    }

    fn egress(&self, table: &DeTable<'_>) -> Result<Egress, ConfigError> {
        let mut egress = Egress::default();
        for (key, at, value) in entries(table) {
            let full = format!("egress.{key}");
            match key {
                "allow" => egress.allow = self.host_patterns(&full, at, value)?,
                "deny" => egress.deny = self.host_patterns(&full, at, value)?,
                "private" => egress.allow_private = self.bool_of(&full, at, value)?,
                _ => return Err(self.unknown_key(at, key, Some("egress"), &["allow", "deny", "private"])),
            }
        }
        Ok(egress)
    }

    fn host_patterns(
        &self,
        key: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<HostPattern>, ConfigError> {
        let kind = value.get_ref().type_str();
        let list = value.get_ref().as_array().ok_or_else(|| {
            self.value_error(at, key, format!("must be a list such as [\"db.example.internal\"], found {kind}"))
        })?;
        let rule = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
            let key = format!("{key}[{index}]");
            let text = self.string_of(&key, item.span().start, item)?;
            text.parse::<HostPattern>().map_err(|error| self.value_error(item.span().start, &key, error.to_string()))
        };
        list.iter().enumerate().map(rule).collect()
    }

    fn lease(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Duration, ConfigError> {
        let seconds = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let seconds = seconds.filter(|seconds| LEASE_SECONDS.contains(seconds));
        seconds.map(Duration::from_secs_f64).ok_or_else(|| {
            self.value_error(
                at,
                key,
                format!("must be a number of seconds from {} to {}", LEASE_SECONDS.start(), LEASE_SECONDS.end()),
            )
        })
    }
}

#[cfg(test)]
mod tests;
