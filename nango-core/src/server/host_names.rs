//! Names of the server in the header `Host`: a page of another site must not reach a server on this machine by a name
//! that resolves to it.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri, header};

use crate::config::ServerConfig;

/// Names of this machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Allowed names, in lower case.
#[derive(Debug)]
pub(crate) struct HostNames {
    /// `None`: every name is allowed.
    allowed: Option<Vec<String>>,
}

impl HostNames {
    /// Returns the names that the settings allow. Names are checked if the listener is on this machine only, or names
    /// are set.
    pub(super) fn new(server: &ServerConfig, address: SocketAddr) -> Self {
        let is_local = address.ip().is_loopback();
        let public = server.public_url.as_ref().and_then(|url| url.host_str());
        if !is_local && public.is_none() && server.allowed_hosts.is_empty() {
            return Self { allowed: None };
        }
        let mut allowed: Vec<String> = public.map(str::to_owned).into_iter().collect();
        allowed.extend(server.allowed_hosts.iter().cloned());
        if is_local {
            allowed.extend(LOCAL.map(str::to_owned));
        }
        Self { allowed: Some(allowed) }
    }

    /// Checks the name of a request, in its URL or in its header.
    ///
    /// # Errors
    ///
    /// Fails with the name if it is not allowed. A missing name is not allowed either.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
        let Some(allowed) = &self.allowed else { return Ok(()) };
        // Another program may read another one of them.
        if headers.get_all(header::HOST).iter().nth(1).is_some() {
            return Err("several hosts".to_owned());
        }
        let given = uri.authority().map(axum::http::uri::Authority::as_str);
        let given = given.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok())).unwrap_or_default();
        let name = without_port(given).to_ascii_lowercase();
        if allowed.contains(&name) { Ok(()) } else { Err(given.to_owned()) }
    }
}

/// Returns the name without its port. A final dot of a complete name is removed.
fn without_port(host: &str) -> &str {
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.rfind(':').unwrap_or(host.len()),
    };
    host[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &HostNames, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        names.check(&Uri::from_static("/x"), &headers).is_ok()
    }

    #[test]
    fn loopback_listener_accepts_names_of_this_machine_only() {
        let names = HostNames::new(&ServerConfig::default(), "127.0.0.1:3003".parse().unwrap());
        for host in ["localhost:3003", "127.0.0.1", "[::1]:80", "LOCALHOST", "localhost."] {
            assert!(check(&names, host), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "127.0.0.1.example.com:3003", "[::2]", ""] {
            assert!(!check(&names, host), "{host}");
        }
        assert!(names.check(&Uri::from_static("/x"), &HeaderMap::new()).is_err());
        assert!(names.check(&Uri::from_static("http://example.com/x"), &HeaderMap::new()).is_err());
    }

    #[test]
    fn configured_names_are_accepted() {
        let config = ServerConfig {
            public_url: Some("https://api.example.com/nango".parse().unwrap()),
            allowed_hosts: vec!["internal".into()],
            ..ServerConfig::default()
        };
        let names = HostNames::new(&config, "0.0.0.0:80".parse().unwrap());
        assert!(check(&names, "api.example.com") && check(&names, "internal:80"));
        assert!(!check(&names, "localhost") && !check(&names, "10.0.0.1"));
        let any = HostNames::new(&ServerConfig::default(), "0.0.0.0:80".parse().unwrap());
        assert!(check(&any, "anything.example"));
    }
}
