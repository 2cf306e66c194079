//! Against real sockets on loopback: what only a real exchange shows.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::http::{
    Call, Client, ClientParts, HttpError, Method,
    script::{FakeClock, TestKey},
};

/// `{"hello":"world"}`, compressed.
const GZIPPED: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff, 0xab, 0x56, 0xca, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xb2, 0x52, 0x2a, 0xcf,
    0x2f, 0xca, 0x49, 0x51, 0xaa, 5, 0, 0xd1, 0x41, 0x09, 0xd8, 0x11, 0, 0, 0,
];

/// Answers each connection with the next of these bytes and closes it; keeps the requests' heads.
async fn server(answers: Vec<Vec<u8>>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            seen.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
            socket.write_all(&answer).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    (address, heads)
}

fn client(address: SocketAddr) -> Client {
    let settings =
        NetworkSettings { connect_timeout: Duration::from_secs(5), idle_timeout: Duration::from_millis(300) };
    let network = Network::with(settings).unwrap();
    let base = format!("http://{address}").parse().unwrap();
    Client::new(ClientParts::new(Arc::new(network), Arc::new(FakeClock::default()), base).authorize(Arc::new(TestKey)))
}

fn transport_of(error: HttpError) -> TransportError {
    match error {
        HttpError::Network { source, .. } => source,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n".to_vec();
    answer.extend_from_slice(GZIPPED);
    let mut damaged = answer.clone();
    let length = damaged.len();
    damaged[length - 12] ^= 0xff;
    let (address, heads) = server(vec![answer, damaged]).await;
    let response = client(address).send(&Call::get("/a")).await.unwrap();
    assert_eq!(response.body, r#"{"hello":"world"}"#);
    let error = client(address).send(&Call::get("/a")).await.unwrap_err();
    assert!(matches!(transport_of(error), TransportError::Unreadable(_)));
    let heads = heads.lock().unwrap();
    assert!(heads[0].contains("accept-encoding: gzip") && heads[0].contains("authorization: bearer test-key"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_tried_again_or_told() {
    let torn = || b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1,".to_vec();
    let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]".to_vec();
    let (address, heads) = server(vec![torn(), whole, torn()]).await;
    let fast = client(address);
    let response = tokio::time::timeout(Duration::from_secs(10), fast.send(&Call::get("/a").retries(1))).await;
    assert_eq!(response.unwrap().unwrap().attempts, 2);
    let error = fast.send(&Call::new(Method::POST, "/a")).await.unwrap_err();
    assert!(error.to_string().contains("the connection broke off"), "{error}");
    assert!(matches!(transport_of(error), TransportError::Broken(_)));
    assert_eq!(heads.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_redirect_to_another_origin_loses_the_credentials() {
    let (other, other_heads) = server(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1".to_vec()]).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: http://{other}/b\r\ncontent-length: 0\r\n\r\n");
    let (address, heads) = server(vec![redirect.into_bytes()]).await;
    let response = client(address).send(&Call::get("/a")).await.unwrap();
    assert_eq!(response.url.as_str(), format!("http://{other}/b"));
    assert!(heads.lock().unwrap()[0].contains("authorization"));
    assert!(!other_heads.lock().unwrap()[0].contains("authorization"));
}

#[tokio::test]
async fn nobody_there_and_nobody_speaking_differ() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let error = client(silent).send(&Call::get("/a?token=hush")).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hush"));
    assert!(matches!(transport_of(error), TransportError::Silent(_)));
    drop(listener);
    let error = client(silent).send(&Call::get("/a")).await.unwrap_err();
    assert!(matches!(transport_of(error), TransportError::Unreachable(_)));
}
