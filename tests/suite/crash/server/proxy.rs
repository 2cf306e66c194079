//! Stands between a program and its server, and cuts one connection at a chosen place: after so many bytes, in front of a
//! commit, or between a commit and its answer.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// The message that commits: its kind, its length, its text.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Where a connection is cut. Bytes and commits are counted over all connections, from the order to cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// The nth commit does not arrive.
    BeforeCommit(u64),
    /// The nth commit is carried out, and its answer does not arrive.
    AfterCommit(u64),
    /// After so many bytes towards the server.
    ToServer(u64),
    /// After so many bytes of its answers.
    FromServer(u64),
}

/// A running proxy. It serves until the process ends.
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

/// What becomes of bytes on their way.
#[derive(Debug, Clone, Copy)]
enum Forwarding {
    Pass,
    /// They pass, and what is answered does not.
    PassAndDropResponse,
    /// So many pass, and then the connection is gone.
    Cut(usize),
}

/// The socket of the server of a URL; `None`: it is reached by the network.
pub(super) fn socket_of(url: &str) -> Option<PathBuf> {
    let (_, parameters) = url.split_once('?')?;
    let folder = parameters.split('&').find_map(|parameter| parameter.strip_prefix("host="))?;
    Some(PathBuf::from(folder).join(".s.PGSQL.5432"))
}

impl Proxy {
    /// Starts one in front of the server behind a socket.
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

    /// The URL of a database behind it.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Cuts one connection from now on.
    pub(super) fn cut(&self, cut: Cut) {
        *lock(&self.state) = CutState { cut: Some(cut), is_cut: false };
    }

    /// Whether that was done. It is not done later than this.
    pub(super) fn was_cut(&self) -> bool {
        std::mem::take(&mut *lock(&self.state)).is_cut
    }
}

impl CutState {
    fn next_forwarding(&mut self, to_server: bool, bytes: &[u8]) -> Forwarding {
        let size = bytes.len() as u64;
        let commits = to_server && bytes.windows(COMMIT.len()).any(|window| window == COMMIT);
        let fate = match &mut self.cut {
            Some(Cut::BeforeCommit(left) | Cut::AfterCommit(left)) if commits && *left > 1 => {
                *left -= 1;
                Forwarding::Pass
            }
            Some(Cut::BeforeCommit(_)) if commits => Forwarding::Cut(0),
            Some(Cut::AfterCommit(_)) if commits => Forwarding::PassAndDropResponse,
            Some(Cut::ToServer(left)) if to_server && *left < size => {
                Forwarding::Cut(usize::try_from(*left).unwrap_or(0))
            }
            Some(Cut::FromServer(left)) if !to_server && *left < size => {
                Forwarding::Cut(usize::try_from(*left).unwrap_or(0))
            }
            Some(Cut::ToServer(left)) if to_server => {
                *left -= size;
                Forwarding::Pass
            }
            Some(Cut::FromServer(left)) if !to_server => {
                *left -= size;
                Forwarding::Pass
            }
            _ => Forwarding::Pass,
        };
        if !matches!(fate, Forwarding::Pass) {
            *self = Self { cut: None, is_cut: true };
        }
        fate
    }
}

fn serve(client: &TcpStream, server: &UnixStream, state: &Arc<Mutex<CutState>>) {
    let unanswered = Arc::new(Mutex::new(false));
    let mut ways: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for to_server in [true, false] {
        let (mut client, mut server) = (client.try_clone().expect("a stream"), server.try_clone().expect("a stream"));
        let (state, unanswered) = (Arc::clone(state), Arc::clone(&unanswered));
        ways.push(Box::new(move || {
            let mut block = vec![0; 1 << 16];
            loop {
                let read = if to_server { client.read(&mut block) } else { server.read(&mut block) };
                let Ok(read @ 1..) = read else { break };
                // The commit was carried out when something is answered to it.
                let fate = if !to_server && *lock(&unanswered) {
                    Forwarding::Cut(0)
                } else {
                    lock(&state).next_forwarding(to_server, &block[..read])
                };
                if matches!(fate, Forwarding::PassAndDropResponse) {
                    *lock(&unanswered) = true;
                }
                let passing = if let Forwarding::Cut(passing) = fate { passing } else { read };
                let to: &mut dyn Write = if to_server { &mut server } else { &mut client };
                if to.write_all(&block[..passing]).is_err() || matches!(fate, Forwarding::Cut(_)) {
                    break;
                }
            }
            // It fails only where the other end has gone already.
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        }));
    }
    for way in ways {
        thread::spawn(way);
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
