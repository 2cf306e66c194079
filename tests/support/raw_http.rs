//! HTTP connections that send any bytes, also those that no HTTP client sends, and read one response after the other.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::ApiServer;

/// Longest time without a byte of a response: longer than every timeout that a test sets.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Connection to an address, which sends bytes as they are.
#[derive(Debug)]
pub struct RawConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Response with its head and its body.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// Status of the response.
    pub status: u16,
    /// Status line and headers as text.
    pub head: String,
    /// Body of the length that the head announces.
    pub body: Vec<u8>,
}

impl RawConnection {
    /// Connects to a server.
    ///
    /// # Panics
    ///
    /// Panics if there is no connection.
    #[track_caller]
    pub fn open(server: &ApiServer) -> Self {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a timeout");
        Self { stream, received: Vec::new() }
    }

    /// Connects and sends bytes.
    ///
    /// # Panics
    ///
    /// Panics if there is no connection.
    #[track_caller]
    pub fn sent(server: &ApiServer, bytes: impl AsRef<[u8]>) -> Self {
        let mut connection = Self::open(server);
        connection.send(bytes);
        connection
    }

    /// Sends bytes, and returns whether the connection accepted all of them: the server may have closed it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Returns whether the server sends nothing and keeps the connection open for this time.
    ///
    /// # Panics
    ///
    /// Panics if the system does not accept the time.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("a timeout");
        let is_silent = self.receive().is_none();
        self.stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a timeout");
        is_silent
    }

    /// Reads the next response. Returns `None` if the server closed the connection instead.
    ///
    /// # Panics
    ///
    /// Panics if the server sends nothing for half a minute, or something that is not a response.
    #[track_caller]
    pub fn answer(&mut self) -> Option<RawAnswer> {
        let length = loop {
            if let Some(at) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.receive().expect("a response or the end of the connection") {
                let rest = String::from_utf8_lossy(&self.received);
                assert!(rest.is_empty(), "a part of a response: {rest}");
                return None;
            }
        };
        let head: Vec<u8> = self.received.drain(..length).collect();
        let head = String::from_utf8(head).expect("a head in ASCII");
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let mut answer = RawAnswer { status: status.expect("a status line"), head, body: Vec::new() };
        let body = answer.header("content-length").parse().unwrap_or(0);
        while self.received.len() < body {
            assert!(self.receive().expect("the body of a response"), "a part of a body: {}", answer.head);
        }
        answer.body = self.received.drain(..body).collect();
        Some(answer)
    }

    /// Reads the next response.
    ///
    /// # Panics
    ///
    /// Panics like [`Self::answer`], and if the server closed the connection.
    #[track_caller]
    pub fn response(&mut self) -> RawAnswer {
        self.answer().expect("a response before the end of the connection")
    }

    /// Reads all responses until the server closes the connection.
    ///
    /// # Panics
    ///
    /// Panics like [`Self::answer`].
    #[track_caller]
    pub fn answers(&mut self) -> Vec<RawAnswer> {
        std::iter::from_fn(|| self.answer()).collect()
    }

    /// Receives bytes. Returns `false` after the server closed the connection, and `None` if nothing arrived in time.
    fn receive(&mut self) -> Option<bool> {
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Some(false),
            Ok(read) => {
                self.received.extend_from_slice(&chunk[..read]);
                Some(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            // The server closed the connection before it had read everything.
            Err(_) => Some(false),
        }
    }
}

impl RawAnswer {
    /// Returns a header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let of_name = |line: &str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        let line = self.head.lines().find(|line| of_name(line));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    ///
    /// Panics if the body is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}{body}", self.head))
    }

    /// Asserts the status and that the body is an error of the API, and returns the code of the error.
    ///
    /// # Panics
    ///
    /// Panics with the response if one of them differs.
    #[track_caller]
    pub fn refused(&self, status: u16) -> String {
        let json = self.json();
        assert_eq!(self.status, status, "{json}");
        assert_eq!(self.header("content-type"), "application/json", "{}", self.head);
        assert_eq!(self.header("x-request-id").len(), 36, "{}", self.head);
        let only = json.as_object().is_some_and(|json| json.len() == 1);
        let code = json["error"]["code"].as_str().filter(|code| only && !code.is_empty());
        code.unwrap_or_else(|| panic!("no error of the API: {json}")).to_owned()
    }
}
