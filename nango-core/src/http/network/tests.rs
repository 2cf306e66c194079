//! Against real sockets on loopback: what only a real exchange shows.

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
use crate::http::{
    Body, Call, Client, ClientParts, HttpError, Method, Policy, StreamBody,
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

/// Quick to lose patience, and let through to these addresses.
fn settings(allow: &[&str]) -> NetworkSettings {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    NetworkSettings {
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_millis(300),
        policy: Arc::new(Policy::new(allow, Vec::new(), false)),
    }
}

fn client(address: SocketAddr) -> Client {
    over(Network::with(settings(&["127.0.0.1"])).unwrap(), &format!("http://{address}"))
}

fn over(network: Network, base: &str) -> Client {
    let parts = ClientParts::new(Arc::new(network), Arc::new(FakeClock::default()), base.parse().unwrap());
    Client::new(parts.authorize(Arc::new(TestKey)))
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

#[tokio::test]
async fn an_answer_that_trickles_ends_at_its_timeout() {
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
    let mut call = Call::get("/a");
    call.timeout = Some(Duration::from_millis(200));
    let error = client(address).send(&call).await.unwrap_err();
    let text = format!("GET http://{address}/a failed: the answer was not whole after 0.2 s");
    assert_eq!(error.to_string(), text);
    assert!(matches!(transport_of(error), TransportError::Slow(_)));
}

#[tokio::test]
async fn a_stream_is_sent_as_it_comes() {
    let (address, heads) = server(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()]).await;
    let pieces = futures_util::stream::iter([Ok::<_, io::Error>(bytes::Bytes::from("abc"))]);
    let body = Body::Stream(StreamBody::new(pieces, "text/csv"));
    let response = client(address).send(&Call::new(Method::PUT, "/a").body(body)).await.unwrap();
    assert_eq!(response.text(), "ok");
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.contains("transfer-encoding: chunked") && head.contains("content-type: text/csv"), "{head}");
}

fn refusal_of(error: HttpError) -> String {
    match transport_of(error) {
        TransportError::Forbidden(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A name that stands for another address each time it is asked for.
#[derive(Clone)]
struct Rebinding(Arc<Mutex<Vec<&'static str>>>);

impl Resolve for Rebinding {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let address: std::net::IpAddr = self.0.lock().unwrap().pop().expect("an answer is left").parse().unwrap();
        Box::pin(async move { Ok(Box::new([SocketAddr::new(address, 0)].into_iter()) as reqwest::dns::Addrs) })
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused() {
    // 127.0.0.2 plays the public address: it is the one that the policy lets through.
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let secret = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        while socket.read_u8().await.unwrap() != b'\n' {}
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.unwrap();
    });
    let names = Rebinding(Arc::new(Mutex::new(vec!["127.0.0.1", "127.0.0.2"])));
    let network = Network::resolving(settings(&["127.0.0.2"]), names.clone()).unwrap();
    let client = over(network, &format!("http://rebind.test:{port}"));
    assert_eq!(client.send(&Call::get("/a")).await.unwrap().text(), "ok");
    let error = client.send(&Call::get("/a").retries(3)).await.unwrap_err();
    let text = "`rebind.test` may not be reached: its address is private; `[egress] allow = [\"rebind.test\"]` in \
                nango.toml allows it";
    assert!(error.to_string().contains("the request was not sent"), "{error}");
    assert_eq!(refusal_of(error), text);
    assert!(names.0.lock().unwrap().is_empty(), "a refusal is not tried again");
    let reached = tokio::time::timeout(Duration::from_millis(50), secret.accept()).await;
    assert!(reached.is_err(), "the address behind the name was dialled");
}

#[tokio::test]
async fn no_redirect_and_no_link_leads_inside() {
    let inside = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let place = format!("http://{}/secret?key=hush", inside.local_addr().unwrap());
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
    let (address, _) = server(vec![redirect.into_bytes()]).await;
    let client = client(address);
    let from_redirect = client.send(&Call::get("/a").retries(2)).await.unwrap_err();
    let from_link = client.send(&Call::get(&place).retries(2)).await.unwrap_err();
    let fetched = client.fetch(&Outgoing::new(Method::GET, place.parse().unwrap())).await.unwrap_err();
    for error in [from_redirect, from_link, fetched] {
        assert!(!format!("{error} {error:?}").contains("hush"));
        assert!(refusal_of(error).starts_with("`127.0.0.2` may not be reached: it is private"));
    }
}

#[tokio::test]
async fn the_system_resolver_is_checked_too() {
    let (address, _) = server(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()]).await;
    let base = format!("http://localhost:{}", address.port());
    let error = over(Network::new().unwrap(), &base).send(&Call::get("/a")).await.unwrap_err();
    assert!(refusal_of(error).starts_with("`localhost` may not be reached"));
    let patient = NetworkSettings { idle_timeout: Duration::from_secs(5), ..settings(&["localhost"]) };
    let allowed = over(Network::with(patient).unwrap(), &base);
    assert_eq!(allowed.send(&Call::get("/a")).await.unwrap().text(), "ok");
}

#[tokio::test]
async fn private_host_of_an_integration_is_reached_by_it_and_at_its_port_alone() {
    // Both ports answer, so that only the policy can keep a request away.
    let answer = || vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()];
    let (listed, _) = server(answer()).await;
    let (other, _) = server(answer()).await;
    let url = |port: u16| format!("http://localhost:{port}");
    let mut policy = Policy::default();
    policy.allow_for("github", &url(listed.port()).parse().unwrap());
    let network = Network::with(NetworkSettings { policy: Arc::new(policy), ..settings(&[]) }).unwrap();
    let send = |integration: &str, port: u16| {
        let base = url(port).parse().unwrap();
        let parts = ClientParts::new(Arc::new(network.clone()), Arc::new(crate::http::SystemClock), base)
            .integration(integration);
        async move { Client::new(parts).send(&Call::get("/a")).await }
    };
    for (integration, port) in [("jira", listed.port()), ("github", other.port())] {
        let error = send(integration, port).await.unwrap_err();
        assert!(refusal_of(error).starts_with("`localhost` may not be reached"), "{integration} {port}");
    }
    assert_eq!(send("github", listed.port()).await.unwrap().text(), "ok");
}
