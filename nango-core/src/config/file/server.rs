//! Parser of `[server]`: settings of the HTTP API.

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use nango_grammar::frequency::parse_interval;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{entries::entries, reader::Reader};
use crate::config::{
    ConfigError, ServerConfig,
    server::{parse_api_url, parse_host, parse_listen},
};

const KEYS: [&str; 11] = [
    "listen",
    "operations_listen",
    "public_url",
    "allowed_hosts",
    "body_bytes",
    "head_bytes",
    "json_depth",
    "connections",
    "idle_timeout",
    "body_timeout",
    "stop_timeout",
];
/// Shortest and longest allowed timeout.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// Allowed sizes of a request's head, in bytes: the HTTP parser needs a buffer of at least 8 KiB.
const HEAD_BYTES: RangeInclusive<u64> = (4 << 10)..=(1 << 20);
/// Allowed depths of JSON: the parser refuses deeper values.
const DEPTH: RangeInclusive<u64> = 4..=128;

impl Reader<'_> {
    pub(super) fn server(&self, table: &DeTable<'_>) -> Result<ServerConfig, ConfigError> {
        let mut server = ServerConfig::default();
        for (key, at, value) in entries(table) {
            let full = format!("server.{key}");
            match key {
                "listen" => server.listen = self.listener(&full, at, value)?,
                "operations_listen" => server.operations_listen = Some(self.listener(&full, at, value)?),
                "public_url" => {
                    let url = parse_api_url(&self.string_of(&full, at, value)?);
                    server.public_url = Some(url.map_err(|expected| self.value_error(at, &full, expected))?);
                }
                "allowed_hosts" => {
                    let names = self.string_list_of(&full, at, value)?;
                    let names: Result<_, _> = names.iter().map(|name| parse_host(name)).collect();
                    server.allowed_hosts = names.map_err(|expected| self.value_error(at, &full, expected))?;
                }
                "body_bytes" => server.body_bytes = self.size_of(&full, at, value)?,
                "head_bytes" => {
                    let size = Some(self.size_of(&full, at, value)?).filter(|size| HEAD_BYTES.contains(size));
                    server.head_bytes =
                        size.ok_or_else(|| self.value_error(at, &full, "must be a size from 4KiB to 1MiB"))?;
                }
                "json_depth" => {
                    let depth = Some(self.count_of(&full, at, value)?).filter(|depth| DEPTH.contains(depth));
                    server.json_depth =
                        depth.ok_or_else(|| self.value_error(at, &full, "must be a number from 4 to 128"))?;
                }
                "connections" => server.connections = self.count_of(&full, at, value)?,
                "idle_timeout" => server.idle_timeout = self.timeout(&full, at, value)?,
                "body_timeout" => server.body_timeout = self.timeout(&full, at, value)?,
                "stop_timeout" => server.stop_timeout = self.timeout(&full, at, value)?,
                _ => return Err(self.unknown_key(at, key, Some("server"), &KEYS)),
            }
        }
        Ok(server)
    }

    fn listener(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<SocketAddr, ConfigError> {
        parse_listen(&self.string_of(key, at, value)?).map_err(|expected| self.value_error(at, key, expected))
    }

    fn timeout(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Duration, ConfigError> {
        let span = parse_interval(&self.string_of(key, at, value)?).filter(|span| TIMEOUT.contains(span));
        span.ok_or_else(|| {
            self.value_error(at, key, "must be a duration from 1 second to 1 hour, such as \"25s\" or \"2 minutes\"")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::file::read;

    fn server(text: &str) -> Result<ServerConfig, String> {
        let file = read(Path::new("nango.toml"), &format!("[server]\n{text}"));
        file.map(|file| file.server).map_err(|error| error.to_string())
    }

    #[test]
    fn server_settings_are_read() {
        let text = "listen = '0.0.0.0:80'\noperations_listen = '127.0.0.1:81'\npublic_url = 'https://a.example/'\n\
                    allowed_hosts = ['B.example']\nbody_bytes = '1MiB'\nhead_bytes = 8192\njson_depth = 10\n\
                    connections = 5\nidle_timeout = '2s'\nbody_timeout = '3s'\nstop_timeout = '1m'";
        let server = server(text).unwrap();
        assert_eq!((server.listen.port(), server.operations_listen.unwrap().port()), (80, 81));
        assert_eq!(server.public_url.unwrap().as_str(), "https://a.example/");
        assert_eq!(server.allowed_hosts, ["b.example"]);
        assert_eq!((server.body_bytes, server.head_bytes, server.json_depth), (1 << 20, 8192, 10));
        assert_eq!((server.connections, server.idle_timeout), (5, Duration::from_secs(2)));
        assert_eq!((server.body_timeout, server.stop_timeout), (Duration::from_secs(3), Duration::from_mins(1)));
        assert_eq!(self::server("").unwrap(), ServerConfig::default());
    }

    #[test]
    fn wrong_server_setting_names_its_key_and_what_is_allowed() {
        for (text, expect) in [
            ("listen = '3003'", "`server.listen` must be an IP address and a port"),
            ("public_url = 'a.example'", "`server.public_url` must be a URL in full"),
            ("allowed_hosts = ['https://a']", "`server.allowed_hosts` must list names"),
            ("body_bytes = 3", "`server.body_bytes` must be a size of at least 1KiB"),
            ("head_bytes = '2MiB'", "`server.head_bytes` must be a size from 4KiB to 1MiB"),
            ("json_depth = 1000", "`server.json_depth` must be a number from 4 to 128"),
            ("connections = 0", "`server.connections` must be a whole number of at least 1"),
            ("stop_timeout = '2 days'", "`server.stop_timeout` must be a duration from 1 second to 1 hour"),
            ("port = 1", "unknown key `port` in [server]"),
        ] {
            let error = server(text).unwrap_err();
            assert!(error.starts_with(&format!("nango.toml:2: {expect}")), "{error}");
        }
    }
}
