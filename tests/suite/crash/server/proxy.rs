//! Proxy between a program and its database server. It cuts one connection after N bytes, before a commit, or between a
//! commit and its response.

use nango_tests::lock;
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

/// The message that commits: type byte, length, text.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Position at which a connection is cut. Bytes and commits are counted over all connections, starting with the request
/// to cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// The nth commit does not reach the server.
    BeforeCommit(u64),
    /// The server executes the nth commit, and its response does not reach the client.
    AfterCommit(u64),
    /// After this number of bytes towards the server.
    ToServer(u64),
    /// After this number of bytes from the server.
    FromServer(u64),
}

/// A running proxy. It serves until the process exits.
#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    state: Arc<Mutex<CutState>>,
}

#[derive(Debug, Default)]
struct CutState {
    cut: Option<Cut>,
    is_cut: bool,
}

/// Decision about the bytes of one read.
#[derive(Debug, Clone, Copy)]
enum Forwarding {
    Pass,
    /// Forwards the bytes, and drops the response to them.
    PassAndDropResponse,
    /// Forwards this number of bytes, then closes the connection.
    Cut(usize),
}

/// Returns the server's Unix socket from a database URL, or `None` if the server is reached over TCP.
pub(super) fn socket_of(url: &str) -> Option<PathBuf> {
    let (_, parameters) = url.split_once('?')?;
    let folder = parameters.split('&').find_map(|parameter| parameter.strip_prefix("host="))?;
    Some(PathBuf::from(folder).join(".s.PGSQL.5432"))
}

impl Proxy {
    /// Starts a proxy for the server behind a Unix socket.
    pub(super) fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(CutState::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.expect("a client"), UnixStream::connect(&socket).expect("a server"));
                serve(&client, &server, &shared);
            }
        });
        Self { port, state }
    }

    /// Returns the URL of a database through the proxy.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Requests that one connection is cut.
    pub(super) fn cut(&self, cut: Cut) {
        *lock(&self.state) = CutState { cut: Some(cut), is_cut: false };
    }

    /// Returns whether a connection was cut, and withdraws a request that is still pending.
    pub(super) fn was_cut(&self) -> bool {
        std::mem::take(&mut *lock(&self.state)).is_cut
    }
}

impl CutState {
    fn next_forwarding(&mut self, to_server: bool, bytes: &[u8]) -> Forwarding {
        let size = bytes.len() as u64;
        let commits = to_server && bytes.windows(COMMIT.len()).any(|window| window == COMMIT);
        let forwarding = match &mut self.cut {
            Some(Cut::BeforeCommit(remaining) | Cut::AfterCommit(remaining)) if commits && *remaining > 1 => {
                *remaining -= 1;
                Forwarding::Pass
            }
            Some(Cut::BeforeCommit(_)) if commits => Forwarding::Cut(0),
            Some(Cut::AfterCommit(_)) if commits => Forwarding::PassAndDropResponse,
            Some(Cut::ToServer(remaining)) if to_server && *remaining < size => {
                Forwarding::Cut(usize::try_from(*remaining).unwrap_or(0))
            }
            Some(Cut::FromServer(remaining)) if !to_server && *remaining < size => {
                Forwarding::Cut(usize::try_from(*remaining).unwrap_or(0))
            }
            Some(Cut::ToServer(remaining)) if to_server => {
                *remaining -= size;
                Forwarding::Pass
            }
            Some(Cut::FromServer(remaining)) if !to_server => {
                *remaining -= size;
                Forwarding::Pass
            }
            _ => Forwarding::Pass,
        };
        if !matches!(forwarding, Forwarding::Pass) {
            *self = Self { cut: None, is_cut: true };
        }
        forwarding
    }
}

fn serve(client: &TcpStream, server: &UnixStream, state: &Arc<Mutex<CutState>>) {
    let drop_response = Arc::new(Mutex::new(false));
    let mut directions: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for to_server in [true, false] {
        let (mut client, mut server) = (client.try_clone().expect("a stream"), server.try_clone().expect("a stream"));
        let (state, drop_response) = (Arc::clone(state), Arc::clone(&drop_response));
        directions.push(Box::new(move || {
            let mut block = vec![0; 1 << 16];
            loop {
                let read = if to_server { client.read(&mut block) } else { server.read(&mut block) };
                let Ok(read @ 1..) = read else { break };
                // The server has executed the commit when it sends a response.
                let forwarding = if !to_server && *lock(&drop_response) {
                    Forwarding::Cut(0)
                } else {
                    lock(&state).next_forwarding(to_server, &block[..read])
                };
                if matches!(forwarding, Forwarding::PassAndDropResponse) {
                    *lock(&drop_response) = true;
                }
                let forwarded = if let Forwarding::Cut(forwarded) = forwarding { forwarded } else { read };
                let to: &mut dyn Write = if to_server { &mut server } else { &mut client };
                if to.write_all(&block[..forwarded]).is_err() || matches!(forwarding, Forwarding::Cut(_)) {
                    break;
                }
            }
            // Fails only if the peer has closed the connection already.
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        }));
    }
    for direction in directions {
        thread::spawn(direction);
    }
}
