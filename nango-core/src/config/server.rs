//! Settings of the HTTP API: addresses, names, and limits of requests.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use url::Url;

use crate::redact::has_userinfo;

/// Settings of the HTTP API (`[server]` in `nango.toml`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address of the API (`--listen`, `NANGO_SERVER_LISTEN`). Default `127.0.0.1:3003`.
    pub listen: SocketAddr,
    /// Address of a second listener, which serves the routes of operators without a key
    /// (`NANGO_SERVER_OPERATIONS_LISTEN`). `None`: they need a key.
    pub operations_listen: Option<SocketAddr>,
    /// URL under which clients reach the API (`NANGO_SERVER_PUBLIC_URL`). Absolute URLs in responses begin with it.
    pub public_url: Option<Url>,
    /// Further names of the server in the header `Host` (`NANGO_SERVER_ALLOWED_HOSTS`), in lower case.
    pub allowed_hosts: Vec<String>,
    /// Maximum size of a request's body, in bytes. Default 16 MiB: a body is kept in memory while it is read.
    pub body_bytes: u64,
    /// Maximum size of a request's URL and headers, in bytes. Default 16 KiB.
    pub head_bytes: u64,
    /// Maximum depth of lists and objects in a request's JSON. Default and maximum 128.
    pub json_depth: u64,
    /// Maximum number of open connections of each listener; further ones wait until another ends. Default 1,024.
    pub connections: u64,
    /// Time in which the head of a request must arrive, counted from the end of the previous one, and after which a
    /// client that reads nothing of a response is disconnected. Default 60 seconds.
    pub idle_timeout: Duration,
    /// Time in which the body of a request must arrive. Default 60 seconds.
    pub body_timeout: Duration,
    /// Time that requests in progress have to end after the stop of the server was requested. Default 25 seconds.
    pub stop_timeout: Duration,
}

/// Function that reads a setting from the text of a variable. The error is the allowed value.
type ReadVariable = fn(&mut ServerConfig, &str) -> Result<(), &'static str>;

impl ServerConfig {
    /// Environment variables, with the function that reads each.
    pub(super) const VARIABLES: [(&'static str, ReadVariable); 4] = [
        ("NANGO_SERVER_LISTEN", |server, text| parse_listen(text).map(|address| server.listen = address)),
        ("NANGO_SERVER_OPERATIONS_LISTEN", |server, text| {
            parse_listen(text).map(|address| server.operations_listen = Some(address))
        }),
        ("NANGO_SERVER_PUBLIC_URL", |server, text| parse_api_url(text).map(|url| server.public_url = Some(url))),
        ("NANGO_SERVER_ALLOWED_HOSTS", |server, text| {
            server.allowed_hosts = text.split(',').map(|name| parse_host(name.trim())).collect::<Result<_, _>>()?;
            Ok(())
        }),
    ];
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3003),
            operations_listen: None,
            public_url: None,
            allowed_hosts: Vec::new(),
            body_bytes: 16 << 20,
            head_bytes: 16 << 10,
            json_depth: 128,
            connections: 1_024,
            idle_timeout: Duration::from_mins(1),
            body_timeout: Duration::from_mins(1),
            stop_timeout: Duration::from_secs(25),
        }
    }
}

/// Parses the address of a listener: IP address, or `localhost`, and port.
///
/// # Errors
///
/// Fails if the text is no address. The error is the allowed value.
pub fn parse_listen(text: &str) -> Result<SocketAddr, &'static str> {
    let text = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| "must be an IP address and a port, such as \"127.0.0.1:3003\" or \"[::]:3003\"")
}

/// Parses the URL of an API, such as that of the server: http or https, without user, query and fragment. The path ends
/// without a slash.
pub(crate) fn parse_api_url(text: &str) -> Result<Url, &'static str> {
    let mut url =
        Url::parse(text).map_err(|_| "must be a URL in full, such as \"https://integrations.example.com\"")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// (or http://)");
    }
    if has_userinfo(&url) || url.query().is_some() || url.fragment().is_some() {
        return Err("must have no user, password, query and fragment");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Parses a name of the server without port. The error is the allowed value.
pub(super) fn parse_host(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "must list names without scheme and port, such as \"integrations.example.com\"";
    let is_bare = !text.contains(['/', '@', '*']) && (!text.contains(':') || text.starts_with('['));
    let url = if is_bare { Url::parse(&format!("http://{text}/")).ok() } else { None };
    url.and_then(|url| Some(url.host_str()?.to_owned())).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_address_has_ip_and_port() {
        assert_eq!(parse_listen("0.0.0.0:80").unwrap().to_string(), "0.0.0.0:80");
        assert_eq!(parse_listen("localhost:3003").unwrap(), ServerConfig::default().listen);
        assert_eq!(parse_listen("[::1]:0").unwrap().to_string(), "[::1]:0");
        for wrong in ["3003", "example.com:80", "127.0.0.1", ":3003", "http://127.0.0.1:3003"] {
            assert!(parse_listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn public_url_has_no_secret_and_no_slash_at_its_end() {
        assert_eq!(parse_api_url("https://a.example/nango/").unwrap().as_str(), "https://a.example/nango");
        for wrong in ["a.example", "ftp://a.example", "https://u:p@a.example", "https://a.example/?q=1"] {
            assert!(parse_api_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn allowed_host_is_a_name_in_lower_case() {
        assert_eq!(parse_host("API.Example.com").unwrap(), "api.example.com");
        assert_eq!(parse_host("[::1]").unwrap(), "[::1]");
        for wrong in ["", "https://a.example", "a.example:80", "*.example.com", "a b"] {
            assert!(parse_host(wrong).is_err(), "{wrong}");
        }
    }
}
