//! Connection options from the URL, the environment and defaults.
//!
//! Invariants: without an explicit `sslmode`, a connection to another machine is encrypted and its server is verified,
//! so that no password is sent in clear text; no error shows the URL, because it may contain a password.

use std::{env, fs, net::IpAddr, str::FromStr};

use sqlx::{
    ConnectOptions, Error,
    postgres::{PgConnectOptions, PgSslMode},
};
use url::Url;

use crate::store::StoreError;

/// The environment variable of `libpq` that chooses how connections are encrypted.
const SSL_MODE: &str = "PGSSLMODE";
/// Application name of this program in the server's list of connections.
pub(super) const APPLICATION_NAME: &str = "nango";

/// Options of a connection and of the statements that are sent over it.
#[derive(Debug)]
pub(super) struct Options {
    pub connect: PgConnectOptions,
    /// Whether statements may be prepared under a name; false behind a pooler that assigns a connection per
    /// transaction.
    pub named: bool,
}

impl Options {
    /// Parses a URL. Parts that it omits are read from the environment, like `libpq` does.
    pub(super) fn read(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            let reason = match &error {
                // A message of the parser contains no part of the URL.
                Error::Configuration(source) if source.is::<url::ParseError>() => source.to_string(),
                _ => "a parameter after `?` has an invalid value".to_owned(),
            };
            StoreError::ServerUrl(reason)
        })?;
        let parameters = parameters(url);
        if let Some(file) = parameters.value(&["sslrootcert", "ssl-root-cert", "ssl-ca"]) {
            ensure_readable("sslrootcert", file)?;
        }
        let chosen = parameters.value(&["sslmode", "ssl-mode"]).is_some()
            || from_environment(env::var(SSL_MODE).ok().as_deref())?.is_some();
        let options = with_default_tls(without_brackets(options), chosen);
        let options = match options.get_application_name() {
            None => options.application_name(APPLICATION_NAME),
            Some(_) => options,
        };
        // Nothing here is a float, and poolers refuse settings that they do not support.
        let connect = options.extra_float_digits(None).disable_statement_logging();
        // With a capacity of 0 the driver would still name statements, without caching the names.
        let named = parameters.value(&["statement-cache-capacity"]) != Some("0");
        Ok(Self { connect, named })
    }
}

/// The query parameters of a URL, decoded.
struct Parameters(Vec<(String, String)>);

fn parameters(url: &str) -> Parameters {
    let pairs = Url::parse(url).map(|url| url.query_pairs().into_owned().collect());
    Parameters(pairs.unwrap_or_default())
}

impl Parameters {
    /// Returns the value of a parameter that has several spellings; the last one wins, as in the driver.
    fn value(&self, names: &[&str]) -> Option<&str> {
        let found = self.0.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str())
    }
}

/// Refuses a certificate file that cannot be read: the driver would report an unreachable server.
fn ensure_readable(parameter: &str, file: &str) -> Result<(), StoreError> {
    if file.trim_start().starts_with("-----BEGIN") {
        return Ok(());
    }
    fs::read(file).map(drop).map_err(|error| {
        StoreError::ServerUrl(format!("the file `{file}` of its parameter `{parameter}` cannot be read: {error}"))
    })
}

/// Returns the mode of the environment variable. The driver treats an unknown value as if none were set.
fn from_environment(value: Option<&str>) -> Result<Option<PgSslMode>, StoreError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    PgSslMode::from_str(value).map(Some).map_err(|_| {
        StoreError::ServerUrl(format!(
            "the environment variable {SSL_MODE} has an unknown value; allowed: disable, allow, prefer, require, \
             verify-ca, verify-full"
        ))
    })
}

/// Removes the brackets of an IPv6 address, which certificates do not contain.
fn without_brackets(options: PgConnectOptions) -> PgConnectOptions {
    let host = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::to_owned);
    match host {
        Some(host) => options.host(&host),
        None => options,
    }
}

/// Requires an encrypted connection to a verified server, unless a mode was chosen or the server is local.
fn with_default_tls(options: PgConnectOptions, chosen: bool) -> PgConnectOptions {
    if chosen || is_local(&options) { options } else { options.ssl_mode(PgSslMode::VerifyFull) }
}

/// Returns whether all traffic stays on this machine: over a socket or the loopback interface.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Describes the database for messages: name, host and port, without credentials.
pub(super) fn describe(options: &PgConnectOptions) -> String {
    let name = database_name(options);
    match options.get_socket() {
        Some(socket) => format!("`{name}` at {}", socket.display()),
        None if options.get_host().contains(':') => {
            format!("`{name}` at [{}]:{}", options.get_host(), options.get_port())
        }
        None => format!("`{name}` at {}:{}", options.get_host(), options.get_port()),
    }
}

/// Returns the name of the database; it defaults to the name of the user.
pub(super) fn database_name(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or_else(|| options.get_username())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
        Ok(Options::read(url)?.connect)
    }

    #[test]
    fn description_contains_no_credentials() {
        for (url, expect) in [
            ("postgres://me:hush@db.example.com:5433/shop", "`shop` at db.example.com:5433"),
            ("postgresql://me:hush@h/shop?password=hush&sslmode=disable", "`shop` at h:5432"),
            ("postgres://me:hush@h:5432", "`me` at h:5432"),
            ("postgres://me:hush@[2001:db8::1]/shop", "`shop` at [2001:db8::1]:5432"),
            ("postgres:///shop?host=/run/pg&user=me&password=hush", "`shop` at /run/pg"),
        ] {
            assert_eq!(describe(&options(url).unwrap()), expect);
        }
        for url in [
            "postgres://me:hush@h:port/shop",
            "postgres://me:hush@[1/shop",
            "postgres://h/d?sslmode=hush&password=hush",
            "postgres://me:hush@h/d?sslrootcert=/no/such/file",
            "postgres://",
        ] {
            match options(url) {
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    assert!(!shown.contains("hush") && shown.contains("postgres://user@host"), "{shown}");
                }
                Ok(options) => assert_eq!(url, "postgres://", "{}", describe(&options)),
            }
        }
    }

    #[test]
    fn server_is_verified_when_url_has_no_sslmode_and_host_is_remote() {
        let mode = |url: &str| format!("{:?}", options(url).unwrap().get_ssl_mode());
        for remote in [
            "postgres://me@db.example.com/shop",
            "postgres://me@192.0.2.1/shop",
            "postgres://me@0.0.0.0/shop",
            "postgres://me@[2001:db8::1]/shop",
            "postgres://me@localhost.example.com/shop",
            "postgres://me@127.0.0.1.example.com/shop",
            "postgres://me@localhost/shop?host=db.example.com",
            "postgres://me@127.0.0.1/shop?hostaddr=192.0.2.1",
            "postgres://me@db.example.com/shop?application_name=sslmode=disable",
            "postgres://me@db.example.com/sslmode=disable",
        ] {
            assert_eq!(mode(remote), "VerifyFull", "{remote}");
        }
        for local in [
            "postgres://me@localhost/shop",
            "postgres://me@LOCALHOST/shop",
            "postgres://me@127.0.0.1/shop",
            "postgres://me@127.8.9.1:5433/shop",
            "postgres://me@[::1]/shop",
            "postgres://me@[::ffff:127.0.0.1]/shop",
            "postgres://me@db.example.com/shop?hostaddr=::1",
            "postgres://me@%2Frun%2Fpg/shop",
            "postgres:///shop?host=/run/pg",
            "postgres://me@db.example.com/shop?host=/run/pg",
        ] {
            assert_eq!(mode(local), "Prefer", "{local}");
        }
        for (parameter, expect) in [
            ("sslmode=disable", "Disable"),
            ("sslmode=prefer", "Prefer"),
            ("ssl-mode=require", "Require"),
            ("%73slmode=verify-ca", "VerifyCa"),
            ("sslmode=disable&sslmode=verify-full", "VerifyFull"),
        ] {
            assert_eq!(mode(&format!("postgres://me@db.example.com/shop?{parameter}")), expect);
        }
    }

    #[test]
    fn sslmode_of_environment_is_read_and_unknown_value_fails() {
        assert!(from_environment(None).unwrap().is_none() && from_environment(Some("")).unwrap().is_none());
        assert!(matches!(from_environment(Some("require")).unwrap(), Some(PgSslMode::Require)));
        // The driver would read it as `prefer`.
        let error = from_environment(Some("verify_full")).unwrap_err().to_string();
        assert!(error.contains("PGSSLMODE has an unknown value; allowed: disable"), "{error}");
    }

    #[test]
    fn statements_are_named_unless_cache_capacity_is_zero() {
        let named = |url: &str| Options::read(url).unwrap().named;
        assert!(named("postgres://h/d") && named("postgres://h/d?statement-cache-capacity=10"));
        assert!(!named("postgres://h/d?sslmode=disable&statement-cache-capacity=0"));
    }
}
