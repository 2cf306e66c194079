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
//!
//! [egress]
//! allow = ["db.example.internal", "10.1.0.0/16"]
//! deny = ["*.example.org"]
//! private = false
//!
//! [limits]
//! walk_pages = 100000
//! record_bytes = "16MiB"
//! ```
//!
//! The file is parsed by hand and not with serde's derive, so that every error has a line and none quotes a value.

mod addresses;
mod entries;
mod limits;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::header::{HeaderName, HeaderValue};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ConfigError, Egress, IntegrationConfig, Limits, Retention, retention};
use crate::{declare::suggest, http::HostPattern};
use entries::entries;

/// Allowed lease durations, in seconds: shorter leases would expire on a busy machine.
const LEASE_SECONDS: std::ops::RangeInclusive<f64> = 0.2..=3600.0;

/// Top-level keys of the file.
const FILE_KEYS: [&str; 9] = [
    "database",
    "encrypt_records",
    "lease_seconds",
    "providers",
    "integrations",
    "environment",
    "retention",
    "egress",
    "limits",
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
}

/// Parses the text of a file. The path is for messages, and the base of relative paths.
pub(super) fn read(path: &Path, text: &str) -> Result<FileConfig, ConfigError> {
    let reader = Reader { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        reader.error(error.span().map_or(0, |span| span.start), format!("invalid TOML: {}", error.message()))
    })?;
    reader.file(table.get_ref())
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
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
                _ => return Err(self.unknown_key(at, key, None, &FILE_KEYS)),
            }
        }
        Ok(file)
    }

    fn integration(&self, path: &str, table: &DeTable<'_>) -> Result<IntegrationConfig, ConfigError> {
        let mut settings = IntegrationConfig::default();
        for (key, at, value) in entries(table) {
            let full = format!("{path}.{key}");
            match key {
                "provider" => settings.provider = Some(self.string_of(&full, at, value)?),
                "base_url" => {
                    let text = self.string_of(&full, at, value)?;
                    addresses::check_base_url(&text).map_err(|expected| self.value_error(at, &full, expected))?;
                    settings.base_url = Some(text);
                }
                "headers" => {
                    let headers = self.table_of(&full, at, value)?;
                    for (name, at, _) in entries(headers) {
                        if HeaderName::from_bytes(name.as_bytes()).is_err() {
                            let expected = "is not a valid header name: use letters, digits and dashes";
                            return Err(self.value_error(at, &format!("{full}.{name}"), expected));
                        }
                    }
                    settings.headers = self.string_map(&full, headers)?;
                    if let Some((name, _)) = settings.headers.iter().find(|(_, v)| HeaderValue::from_str(v).is_err()) {
                        let expected = "cannot be sent in a header: it has a line break or another control character";
                        return Err(self.value_error(at, &format!("{full}.{name}"), expected));
                    }
                }
                "client_id" => settings.client_id = Some(self.string_of(&full, at, value)?),
                "scopes" => settings.scopes = self.string_list_of(&full, at, value)?,
                "trusted_origins" => {
                    settings.trusted_origins = self.string_list_of(&full, at, value)?;
                    for origin in &settings.trusted_origins {
                        addresses::check_origin(origin).map_err(|expected| self.value_error(at, &full, expected))?;
                    }
                }
                "token_hosts" => {
                    settings.token_hosts = self.host_patterns(&full, at, value)?;
                    if let Some(wide) = settings.token_hosts.iter().find(|rule| rule.matches_all()) {
                        let expected = format!("must name hosts; `{wide}` matches every host");
                        return Err(self.value_error(at, &full, expected));
                    }
                }
                _ => {
                    let known =
                        ["provider", "base_url", "headers", "client_id", "scopes", "trusted_origins", "token_hosts"];
                    return Err(self.unknown_key(at, key, Some(path), &known));
                }
            }
        }
        Ok(settings)
    }

    fn retention(&self, table: &DeTable<'_>) -> Result<Retention, ConfigError> {
        let mut retention = Retention::default();
        for (key, at, value) in entries(table) {
            let field = match key {
                "prune_after" => &mut retention.prune_after,
                "delete_after" => &mut retention.delete_after,
                _ => return Err(self.unknown_key(at, key, Some("retention"), &["prune_after", "delete_after"])),
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

    fn string_map(&self, path: &str, table: &DeTable<'_>) -> Result<BTreeMap<String, String>, ConfigError> {
        entries(table)
            .map(|(key, at, value)| Ok((key.to_owned(), self.string_of(&format!("{path}.{key}"), at, value)?)))
            .collect()
    }

    fn string_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        let value = value.get_ref();
        value.as_str().map(str::to_owned).ok_or_else(|| {
            let kind = value.type_str();
            self.value_error(at, key, format!("must be a quoted string, found {kind}"))
        })
    }

    fn string_list_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, ConfigError> {
        let list = value.get_ref().as_array().ok_or_else(|| {
            let kind = value.get_ref().type_str();
            self.value_error(at, key, format!("must be a list of strings such as [\"a\", \"b\"], found {kind}"))
        })?;
        list.iter().map(|value| self.string_of(key, value.span().start, value)).collect()
    }

    fn bool_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<bool, ConfigError> {
        let value = value.get_ref();
        value.as_bool().ok_or_else(|| {
            let kind = value.type_str();
            self.value_error(at, key, format!("must be true or false, found {kind}"))
        })
    }

    fn table_of<'a, 'i>(
        &self,
        key: &str,
        at: usize,
        value: &'a Spanned<DeValue<'i>>,
    ) -> Result<&'a DeTable<'i>, ConfigError> {
        let value = value.get_ref();
        value.as_table().ok_or_else(|| {
            let kind = value.type_str();
            self.value_error(at, key, format!("must be a table, found {kind}: write `[{key}]` on a line of its own"))
        })
    }

    fn unknown_key(&self, at: usize, key: &str, table: Option<&str>, known: &[&str]) -> ConfigError {
        let hint = if key.contains("key") || key.contains("secret") || key.contains("password") {
            "; secrets are not read from this file: set `NANGO_ENCRYPTION_KEY` in the environment and pass credentials \
             to `connection add`"
                .to_owned()
        } else {
            suggest::nearest(key, known.iter().copied())
                .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
        };
        let table = table.map_or_else(|| "the file".to_owned(), |table| format!("[{table}]"));
        let available = suggest::list(known.iter().copied());
        self.error(at, format!("unknown key `{key}` in {table}; available: {available}{hint}"))
    }

    fn value_error(&self, at: usize, key: &str, expected: impl AsRef<str>) -> ConfigError {
        self.error(at, format!("`{key}` {}", expected.as_ref()))
    }

    fn error(&self, at: usize, message: String) -> ConfigError {
        ConfigError { path: self.path.to_owned(), line: self.line(at), message }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let error = read(Path::new("nango.toml"), text).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expect), "{text}");
    }

    #[test]
    fn file_with_every_key_is_read() {
        let text = "database = 'sqlite:x.db'\nlease_seconds = 0.5\n\
                    [integrations.github]\nprovider = 'github'\nbase_url = 'https://ghe.example.com/api/v3'\n\
                    headers = { X-Team = 'data' }\n[environment]\nREGION = 'eu'\n";
        let file = read(Path::new("nango.toml"), text).unwrap_or_default();
        assert_eq!((file.database.as_deref(), file.lease), (Some("sqlite:x.db"), Some(Duration::from_millis(500))));
        let expect = IntegrationConfig {
            provider: Some("github".into()),
            base_url: Some("https://ghe.example.com/api/v3".into()),
            headers: BTreeMap::from([("X-Team".into(), "data".into())]),
            ..IntegrationConfig::default()
        };
        assert_eq!(file.integrations.get("github"), Some(&expect));
        assert_eq!(file.environment.get("REGION").map(String::as_str), Some("eu"));
    }

    #[test]
    fn password_in_the_database_url_of_the_file_is_refused() {
        for (url, has_password) in [
            ("postgres://me:hush@h/d", true),
            ("postgres://h/d?user=me&password=hush", true),
            ("postgres://me@h/d?sslmode=require", false),
            ("postgres://me:@h:5433/d", false),
            ("sqlite:nango.db", false),
        ] {
            let read = read(Path::new("nango.toml"), &format!("database = '{url}'"));
            assert_eq!(read.is_err(), has_password, "{url}");
            if let Err(error) = read {
                let text = error.to_string();
                assert!(text.contains("PGPASSWORD") && !text.contains("hush"), "{text}");
            }
        }
    }

    #[test]
    fn unknown_key_error_names_available_keys_and_the_nearest() {
        check(
            "\ndatabse = 'x'",
            "nango.toml:2: unknown key `databse` in the file; available: `database`, `encrypt_records`, \
             `lease_seconds`, `providers`, `integrations`, `environment`, `retention`, `egress` and `limits`; \
             did you mean `database`?",
        );
        check(
            "[integrations.github]\nbase_url = 'https://x'\nbaseurl = 'y'",
            "nango.toml:3: unknown key `baseurl` in [integrations.github]; available: `provider`, `base_url`, \
             `headers`, `client_id`, `scopes`, `trusted_origins` and `token_hosts`; did you mean `base_url`?",
        );
        check(
            "encryption_key = 'hush'",
            "nango.toml:1: unknown key `encryption_key` in the file; available: `database`, `encrypt_records`, \
             `lease_seconds`, `providers`, `integrations`, `environment`, `retention`, `egress` and `limits`; \
             secrets are not read from this file: set `NANGO_ENCRYPTION_KEY` in the environment and pass credentials \
             to `connection add`",
        );
    }

    #[test]
    fn invalid_value_error_names_the_key_and_not_the_value() {
        for wrong in ["0.1", "-15", "3601", "nan", "inf", "'15'", "true"] {
            check(
                &format!("lease_seconds = {wrong}"),
                "nango.toml:1: `lease_seconds` must be a number of seconds from 0.2 to 3600",
            );
        }
        check("database = 5", "nango.toml:1: `database` must be a quoted string, found integer");
        check(
            "integrations = 'github'",
            "nango.toml:1: `integrations` must be a table, found string: write `[integrations]` on a line of its own",
        );
        check("[environment]\nPORT = 80", "nango.toml:2: `environment.PORT` must be a quoted string, found integer");
        check(
            "[integrations.x]\nheaders = { 'a b' = 'c' }",
            "nango.toml:2: `integrations.x.headers.a b` is not a valid header name: use letters, digits and dashes",
        );
        check(
            "[integrations.x]\nheaders = { A = \"a\\nb\" }",
            "nango.toml:2: `integrations.x.headers.A` cannot be sent in a header: it has a line break or another \
             control character",
        );
    }

    #[test]
    fn egress_table_is_read() {
        let text =
            "[egress]\nallow = ['DB.corp', '10.1.0.0/16']\ndeny = ['*.evil.example', 'fd00::/8']\nprivate = true";
        let egress = read(Path::new("nango.toml"), text).unwrap_or_default().egress;
        let shown = |rules: &[HostPattern]| rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(
            (shown(&egress.allow), shown(&egress.deny)),
            ("db.corp 10.1.0.0/16".into(), "*.evil.example fd00::/8".into())
        );
        assert!(egress.allow_private);
        check(
            "[egress]\nallow = 'x'",
            "nango.toml:2: `egress.allow` must be a list such as [\"db.example.internal\"], found string",
        );
        check("[egress]\ndeny = [\n'a',\n7]", "nango.toml:4: `egress.deny[1]` must be a quoted string, found integer");
        check(
            "[egress]\ndeny = ['https://a/b']",
            "nango.toml:2: `egress.deny[0]` is neither a host (`api.example.com`, `*.example.com`, `*`) nor an address \
             (`10.1.2.3`, `10.0.0.0/8`)",
        );
        check("[egress]\nprivate = 1", "nango.toml:2: `egress.private` must be true or false, found integer");
        check(
            "[egress]\nalow = []",
            "nango.toml:2: unknown key `alow` in [egress]; available: `allow`, `deny` and `private`; did you mean \
             `allow`?",
        );
    }

    #[test]
    fn trusted_origin_has_scheme_host_and_port() {
        let text = "[integrations.x]\ntrusted_origins = ['https://a.test:8443', 'http://b.test/']";
        assert!(read(Path::new("nango.toml"), text).is_ok());
        for wrong in ["a.test", "ftp://a.test", "https://a.test/api", "https://a.test?x=1", "https://u:p@a.test"] {
            check(
                &format!("[integrations.x]\ntrusted_origins = ['{wrong}']"),
                "nango.toml:2: `integrations.x.trusted_origins` must list origins: scheme, host and, unless it is the \
                 default, port, such as \"https://api.example.com:8443\"",
            );
        }
    }

    #[test]
    fn base_url_may_contain_connection_values() {
        let text =
            "[integrations.x]\nbase_url = 'https://${connectionConfig.subdomain}.example.com/${connectionConfig.v}'";
        assert!(read(Path::new("nango.toml"), text).is_ok());
    }

    #[test]
    fn base_url_must_be_http() {
        let check = |url: &str, expect: &str| {
            let text = format!("[integrations.x]\nbase_url = '{url}'");
            check(&text, &format!("nango.toml:2: `integrations.x.base_url` {expect}"));
        };
        check("ghe.example.com", "is not a URL: write it in full, such as \"https://ghe.example.com/api/v3\"");
        check("ftp://example.com", "must begin with https:// (or http://)");
        check(
            "https://me:pw@example.com",
            "must not contain a user or a password: add them to a connection with `connection add`",
        );
        check(
            "https://example.com/?a=b",
            "must not have a query or a fragment: set parameters in the requests of the functions",
        );
    }

    #[test]
    fn syntax_error_has_a_line() {
        let error = read(Path::new("n.toml"), "a = 1\nb = = 2\n").err().map(|error| error.to_string());
        assert!(error.as_deref().is_some_and(|error| error.starts_with("n.toml:2: invalid TOML: ")), "{error:?}");
    }
}
