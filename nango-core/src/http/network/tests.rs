//! Tests of the network transport with real sockets on loopback addresses.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

mod connections;

use super::*;
use crate::error::Chain;
use crate::http::{
    Body, Client, ClientParts, EgressPolicy, HttpError, Method, RequestSpec, StreamBody,
    mock::{FakeClock, TestAuthorizer},
};

/// The JSON `{"hello":"world"}`, compressed with gzip.
const GZIPPED: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff, 0xab, 0x56, 0xca, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xb2, 0x52, 0x2a, 0xcf,
    0x2f, 0xca, 0x49, 0x51, 0xaa, 5, 0, 0xd1, 0x41, 0x09, 0xd8, 0x11, 0, 0, 0,
];

/// Starts a server that sends the next of these responses on each connection and closes it. Returns its address and the
/// recorded request heads.
async fn server(responses: Vec<Vec<u8>>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        for response in responses {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            seen.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
            socket.write_all(&response).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    (address, heads)
}

/// Settings with short timeouts that allow these addresses.
fn settings(allow: &[&str]) -> NetworkSettings {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    NetworkSettings {
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_millis(300),
        policy: Arc::new(EgressPolicy::new(allow, Vec::new(), false)),
    }
}

fn client(address: SocketAddr) -> Client {
    client_with_network(
        NetworkTransport::with_settings(settings(&["127.0.0.1"])).unwrap(),
        &format!("http://{address}"),
    )
}

fn client_with_network(network: NetworkTransport, base: &str) -> Client {
    let parts = ClientParts::new(Arc::new(network), Arc::new(FakeClock::default()), base.parse().unwrap());
    Client::new(parts.authorize(Arc::new(TestAuthorizer)))
}

fn transport_of(error: HttpError) -> TransportError {
    match error {
        HttpError::Network { source, .. } => source,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn compressed_response_is_decoded() {
    let mut response = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n".to_vec();
    response.extend_from_slice(GZIPPED);
    let mut damaged = response.clone();
    let length = damaged.len();
    damaged[length - 12] ^= 0xff;
    let (address, heads) = server(vec![response, damaged]).await;
    let response = client(address).send(&RequestSpec::get("/a")).await.unwrap();
    assert_eq!(response.body, r#"{"hello":"world"}"#);
    let error = client(address).send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(matches!(transport_of(error), TransportError::Unreadable(_)));
    let heads = heads.lock().unwrap();
    assert!(heads[0].contains("accept-encoding: gzip") && heads[0].contains("authorization: bearer test-key"));
}

#[tokio::test]
async fn interrupted_body_is_retried_or_reported() {
    let interrupted = || b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1,".to_vec();
    let complete = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]".to_vec();
    let (address, heads) = server(vec![interrupted(), complete, interrupted()]).await;
    let fast = client(address);
    let response = tokio::time::timeout(Duration::from_secs(10), fast.send(&RequestSpec::get("/a").retries(1))).await;
    assert_eq!(response.unwrap().unwrap().attempts, 2);
    let error = fast.send(&RequestSpec::new(Method::POST, "/a")).await.unwrap_err();
    assert!(Chain(&error).to_string().contains("the connection was lost"), "{error}");
    assert!(matches!(transport_of(error), TransportError::Disconnected(_)));
    assert_eq!(heads.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn redirect_to_another_origin_drops_the_credentials() {
    let (other, other_heads) = server(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1".to_vec()]).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: http://{other}/b\r\ncontent-length: 0\r\n\r\n");
    let (address, heads) = server(vec![redirect.into_bytes()]).await;
    let response = client(address).send(&RequestSpec::get("/a")).await.unwrap();
    assert_eq!(response.url.as_str(), format!("http://{other}/b"));
    assert!(heads.lock().unwrap()[0].contains("authorization"));
    assert!(!other_heads.lock().unwrap()[0].contains("authorization"));
}

#[tokio::test]
async fn unreachable_and_silent_servers_are_distinguished() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let error = client(silent).send(&RequestSpec::get("/a?token=hush")).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hush"));
    assert!(matches!(transport_of(error), TransportError::IdleTimeout(_)));
    drop(listener);
    let error = client(silent).send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(matches!(transport_of(error), TransportError::Unreachable(_)));
}

#[tokio::test]
async fn slow_response_ends_at_the_request_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        while socket.read_u8().await.unwrap() != b'\n' {}
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
        while socket.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut spec = RequestSpec::get("/a");
    spec.timeout = Some(Duration::from_millis(200));
    let error = client(address).send(&spec).await.unwrap_err();
    let text = format!("GET http://{address}/a failed: the response was incomplete after 0.2 s");
    assert_eq!(Chain(&error).to_string(), text);
    assert!(matches!(transport_of(error), TransportError::Timeout(_)));
}

#[tokio::test]
async fn stream_body_is_sent_incrementally() {
    let (address, heads) = server(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()]).await;
    let pieces = futures_util::stream::iter([Ok::<_, io::Error>(bytes::Bytes::from("abc"))]);
    let body = Body::Stream(StreamBody::new(pieces, "text/csv"));
    let response = client(address).send(&RequestSpec::new(Method::PUT, "/a").body(body)).await.unwrap();
    assert_eq!(response.text(), "ok");
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.contains("transfer-encoding: chunked") && head.contains("content-type: text/csv"), "{head}");
}

fn refusal_of(error: HttpError) -> String {
    match transport_of(error) {
        TransportError::EgressDenied(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A resolver that returns another address for each lookup.
#[derive(Clone)]
struct Rebinding(Arc<Mutex<Vec<&'static str>>>);

impl Resolve for Rebinding {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let address: std::net::IpAddr = self.0.lock().unwrap().pop().expect("an address is left").parse().unwrap();
        Box::pin(async move { Ok(Box::new([SocketAddr::new(address, 0)].into_iter()) as reqwest::dns::Addrs) })
    }
}

#[tokio::test]
async fn dns_rebinding_is_refused() {
    // 127.0.0.2 represents the public address: the policy allows it.
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let secret = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        while socket.read_u8().await.unwrap() != b'\n' {}
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.unwrap();
    });
    let names = Rebinding(Arc::new(Mutex::new(vec!["127.0.0.1", "127.0.0.2"])));
    let network = NetworkTransport::with_resolver(settings(&["127.0.0.2"]), names.clone()).unwrap();
    let client = client_with_network(network, &format!("http://rebind.test:{port}"));
    assert_eq!(client.send(&RequestSpec::get("/a")).await.unwrap().text(), "ok");
    let error = client.send(&RequestSpec::get("/a").retries(3)).await.unwrap_err();
    let text = "`rebind.test` may not be reached: its address is private; `[egress] allow = [\"rebind.test\"]` in \
                nango.toml allows it";
    assert!(Chain(&error).to_string().contains("the request was not sent"), "{error}");
    assert_eq!(refusal_of(error), text);
    assert!(names.0.lock().unwrap().is_empty(), "a refusal is not retried");
    let reached = tokio::time::timeout(Duration::from_millis(50), secret.accept()).await;
    assert!(reached.is_err(), "the address behind the name was dialled");
}

#[tokio::test]
async fn redirect_and_link_to_private_address_are_refused() {
    let private = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let private_url = format!("http://{}/secret?key=hush", private.local_addr().unwrap());
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {private_url}\r\ncontent-length: 0\r\n\r\n");
    let (address, _) = server(vec![redirect.into_bytes()]).await;
    let client = client(address);
    let from_redirect = client.send(&RequestSpec::get("/a").retries(2)).await.unwrap_err();
    let from_link = client.send(&RequestSpec::get(&private_url).retries(2)).await.unwrap_err();
    let fetched = client.fetch(&OutgoingRequest::new(Method::GET, private_url.parse().unwrap())).await.unwrap_err();
    for error in [from_redirect, from_link, fetched] {
        assert!(!format!("{error} {error:?}").contains("hush"));
        assert!(refusal_of(error).starts_with("`127.0.0.2` may not be reached: it is private"));
    }
}

#[tokio::test]
async fn system_resolver_applies_the_policy() {
    let (address, _) = server(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()]).await;
    let base = format!("http://localhost:{}", address.port());
    let error =
        client_with_network(NetworkTransport::new().unwrap(), &base).send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(refusal_of(error).starts_with("`localhost` may not be reached"));
    let slow = NetworkSettings { idle_timeout: Duration::from_secs(5), ..settings(&["localhost"]) };
    let allowed = client_with_network(NetworkTransport::with_settings(slow).unwrap(), &base);
    assert_eq!(allowed.send(&RequestSpec::get("/a")).await.unwrap().text(), "ok");
}

#[tokio::test]
async fn private_host_is_reached_only_by_its_integration_and_port() {
    // Both ports respond, so that only the policy can prevent a request.
    let responses = || vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()];
    let (listed, _) = server(responses()).await;
    let (other, _) = server(responses()).await;
    let url = |port: u16| format!("http://localhost:{port}");
    let mut policy = EgressPolicy::default();
    policy.allow_for("github", &url(listed.port()).parse().unwrap());
    let network =
        NetworkTransport::with_settings(NetworkSettings { policy: Arc::new(policy), ..settings(&[]) }).unwrap();
    let send = |integration: &str, port: u16| {
        let base = url(port).parse().unwrap();
        let parts = ClientParts::new(Arc::new(network.clone()), Arc::new(crate::http::SystemClock), base)
            .integration(integration);
        async move { Client::new(parts).send(&RequestSpec::get("/a")).await }
    };
    for (integration, port) in [("jira", listed.port()), ("github", other.port())] {
        let error = send(integration, port).await.unwrap_err();
        assert!(refusal_of(error).starts_with("`localhost` may not be reached"), "{integration} {port}");
    }
    assert_eq!(send("github", listed.port()).await.unwrap().text(), "ok");
}
