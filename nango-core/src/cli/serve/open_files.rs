//! Limit of the open files of the process. Each connection is one of them: without a free one, requests to APIs and to
//! the database fail too.

use crate::config::ServerConfig;

/// Open files for everything else: the database, requests to APIs, the log.
const RESERVED: u64 = 256;

/// Raises the limit so that all connections have a file. If the system allows fewer, their number is lowered, and the
/// result is a warning.
pub(super) fn reserve(server: &mut ServerConfig) -> Option<String> {
    let listeners = 1 + u64::from(server.operations_listen.is_some());
    let needed = server.connections.saturating_mul(listeners).saturating_add(RESERVED);
    let limit = raised_limit(needed)?;
    let possible = possible_connections(limit, listeners);
    if server.connections <= possible {
        return None;
    }
    server.connections = possible;
    Some(format!(
        "`connections` under `[server]` is lowered to {possible}, because the process may have only {limit} open \
         files: raise the limit (`ulimit -n`, `LimitNOFILE` of systemd)"
    ))
}

/// Returns the number of connections of each listener that a number of open files allows.
fn possible_connections(limit: u64, listeners: u64) -> u64 {
    let free = limit - RESERVED.min(limit / 2);
    (free / listeners).max(1)
}

/// Raises the limit of the process to a number, or as far as the system allows, and returns it. `None`: there is none.
#[cfg(unix)]
fn raised_limit(needed: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let found = getrlimit(Resource::Nofile);
    let current = found.current?;
    let wanted = found.maximum.map_or(needed, |maximum| maximum.min(needed));
    if current >= wanted {
        return Some(current);
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: found.maximum });
    Some(if raised.is_ok() { wanted } else { current })
}

#[cfg(not(unix))]
fn raised_limit(_: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_reserved_for_everything_else() {
        assert_eq!(possible_connections(1_280, 1), 1_024);
        assert_eq!(possible_connections(1_280, 2), 512);
        assert_eq!(possible_connections(300, 1), 150);
        assert_eq!(possible_connections(2, 2), 1);
        assert_eq!(possible_connections(0, 1), 1);
    }

    #[test]
    fn usual_number_of_connections_is_kept() {
        let mut server = ServerConfig { connections: 10, ..ServerConfig::default() };
        assert_eq!(reserve(&mut server), None);
        assert_eq!(server.connections, 10);
    }
}
