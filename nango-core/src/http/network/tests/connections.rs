//! Tests of connections that a server closes, and of response heads in obsolete or invalid formats.

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Starts a server that responds to N requests of each connection, then reads one more request and closes the
/// connection without a response. Returns its address and the recorded request lines.
async fn closing_server(responses: Vec<usize>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = lines.clone();
    tokio::spawn(async move {
        for responses in responses {
            let (mut socket, _) = listener.accept().await.unwrap();
            for request in 0..=responses {
                let Some(line) = request_line(&mut socket).await else { break };
                seen.lock().unwrap().push(line);
                if request < responses {
                    socket.write_all(OK).await.unwrap();
                }
            }
        }
    });
    (address, lines)
}

/// Reads a request without a body and returns its first line.
async fn request_line(socket: &mut tokio::net::TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    String::from_utf8(head).unwrap().lines().next().map(str::to_owned)
}

#[tokio::test]
async fn idempotent_request_on_a_reused_connection_is_resent_once_without_an_attempt() {
    let (address, lines) = closing_server(vec![1, 1]).await;
    let client = client(address);
    assert_eq!(client.send(&RequestSpec::get("/first")).await.unwrap().text(), "ok");
    let response = client.send(&RequestSpec::get("/second")).await.unwrap();
    assert_eq!((response.text().as_str(), response.attempts), ("ok", 1));
    assert_eq!(client.requests_sent(), 3);
    let lines = lines.lock().unwrap().clone();
    assert_eq!(lines, ["GET /first HTTP/1.1", "GET /second HTTP/1.1", "GET /second HTTP/1.1"]);
}

#[tokio::test]
async fn request_with_a_side_effect_is_not_resent() {
    let (address, lines) = closing_server(vec![1, 1]).await;
    let client = client(address);
    client.send(&RequestSpec::get("/first")).await.unwrap();
    let error = client.send(&RequestSpec::new(Method::POST, "/second")).await.unwrap_err();
    let text = format!("POST http://{address}/second failed: the connection was lost: ");
    assert!(Chain(&error).to_string().starts_with(&text), "{error}");
    assert!(matches!(transport_of(error), TransportError::StaleConnection(_)));
    assert_eq!(lines.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn request_on_a_new_connection_is_not_resent() {
    let (address, lines) = closing_server(vec![0, 0]).await;
    let error = client(address).send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(matches!(transport_of(error), TransportError::Disconnected(_)));
    assert_eq!(lines.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn server_closing_after_each_response_loses_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            if request_line(&mut socket).await.is_some() {
                socket.write_all(OK).await.unwrap();
            }
        }
    });
    let client = client(address);
    for _ in 0..200 {
        assert_eq!(client.send(&RequestSpec::get("/a")).await.unwrap().attempts, 1);
    }
}

#[tokio::test]
async fn header_on_two_lines_is_one_header() {
    let response = b"HTTP/1.1 200 OK\r\nlink: </a?page=2>;\r\n rel=\"next\"\r\ncontent-length: 2\r\n\r\nok".to_vec();
    let (address, _) = server(vec![response]).await;
    let response = client(address).send(&RequestSpec::get("/a")).await.unwrap();
    let link = response.headers["link"].to_str().unwrap();
    assert_eq!(link.split_whitespace().collect::<Vec<_>>(), ["</a?page=2>;", "rel=\"next\""]);
}

#[tokio::test]
async fn invalid_response_head_is_unreadable() {
    let responses = vec![b"HTTP/1.1 two hundred\r\n\r\n".to_vec(), b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()];
    let (address, _) = server(responses).await;
    for _ in 0..2 {
        let error = client(address).send(&RequestSpec::get("/a")).await.unwrap_err();
        assert!(matches!(transport_of(error), TransportError::Unreadable(_)));
    }
}
