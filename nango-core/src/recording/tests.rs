//! Tests of recordings: what a client sends is recorded without secrets, and a replay answers the same requests.

use std::{path::PathBuf, sync::Arc, time::Duration};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{FORMAT, Header, Options, RecordedRun, Recorder, Replayer, reader::RecordingError};
use crate::{
    http::{
        AuthError, Authorize, Body, BoxFuture, Client, ClientParts, CredentialsVersion, HttpError, Method,
        OutgoingRequest, RawResponse, RequestSpec, SystemClock, TransportError, mock::MockTransport,
    },
    redact::Redactor,
    time::Timestamp,
};

const TOKEN: &str = "the-secret-token";
const BASE: &str = "https://h.test/v1/";

/// Authorizer with a token in a header and in the query, which has a newer one after a 401.
#[derive(Debug)]
struct WithToken;

impl Authorize for WithToken {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        request.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer the-secret-token"));
        request.url.query_pairs_mut().append_pair("key", TOKEN);
        Box::pin(std::future::ready(Ok(CredentialsVersion::default())))
    }

    fn on_unauthorized(&self, _used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

fn header() -> Header {
    Header {
        format: FORMAT,
        program: "0.0.0".into(),
        integration: "acme".into(),
        function: "things".into(),
        kind: "sync".into(),
        connection: "one".into(),
        variant: "base".into(),
        sync: None,
        webhook: None,
        input: Some(json!({ "token": TOKEN })),
        options: Options::default(),
        provider: "acme".into(),
        base_url: BASE.into(),
        trusted_origins: Vec::new(),
        credentials: json!({ "type": "BEARER", "access_token": TOKEN }),
        environment: [("REGION".to_owned(), "eu".to_owned())].into(),
        started_at: Timestamp::from_micros(1_767_225_600_000_000),
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> RawResponse {
    let header =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    RawResponse::from_bytes(status, headers, body.to_owned())
}

struct Recorded {
    _dir: tempfile::TempDir,
    path: PathBuf,
    recorder: Arc<Recorder>,
    client: Client,
}

fn recorded(replies: Vec<Result<RawResponse, TransportError>>) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    let recorder = Arc::new(Recorder::create(&path).unwrap());
    let redactor = Redactor::new([Zeroizing::new(TOKEN.to_owned())]);
    recorder.add_secrets(&redactor);
    assert!(recorder.is_first_run() && !recorder.is_first_run());
    recorder.begin(header(), &[]);
    let clock = recorder.clock(Arc::new(SystemClock));
    let cancellation = CancellationToken::new();
    let transport = recorder.transport(
        Arc::new(MockTransport::new(replies)),
        redactor.clone(),
        clock.clone(),
        cancellation.clone(),
    );
    let parts = ClientParts::new(transport, clock, BASE.parse().unwrap())
        .authorize(recorder.authorizer(Arc::new(WithToken)))
        .redactor(redactor)
        .cancellation(cancellation);
    Recorded { _dir: dir, path, recorder, client: Client::new(parts) }
}

fn replayed(recording: &RecordedRun) -> (Arc<Replayer>, Client) {
    let clock = recording.clock();
    let cancellation = CancellationToken::new();
    let replayer = Arc::new(Replayer::new(recording, clock.clone(), cancellation.clone()).unwrap());
    let parts = ClientParts::new(replayer.transport(), clock, recording.header.base_url.parse().unwrap())
        .authorize(replayer.authorizer())
        .cancellation(cancellation);
    (replayer, Client::new(parts))
}

#[tokio::test]
async fn replay_answers_the_requests_of_a_recorded_client() {
    let next = format!("<{BASE}things?page=2&key={TOKEN}>; rel=\"next\"");
    let Recorded { _dir, path, recorder, client } = recorded(vec![
        Ok(reply(401, &[], "{}")),
        Ok(reply(200, &[("link", &next), ("set-cookie", "a=1")], &json!({ "echo": TOKEN, "id": 1 }).to_string())),
        Ok(reply(200, &[], "[]")),
        Err(TransportError::Disconnected("reset".into())),
        Ok(reply(201, &[], "\u{fffd}")),
    ]);
    let list = RequestSpec::get("things").query("limit", "5");
    let second = RequestSpec::get(format!("{BASE}things?page=2&key={TOKEN}"));
    let mut create = RequestSpec::new(Method::POST, "things").body(Body::Json("{\"b\":1,\"a\":2}".into()));
    create.parent = Some("C1".into());
    let send = async |client: &Client, second: &RequestSpec| {
        let one = client.send(&list).await.unwrap();
        let two = client.send(second).await.unwrap();
        let failure = client.send(&create).await.unwrap_err().to_string();
        let made = client.send(&create).await.unwrap();
        (one.status, one.attempts, two.body, failure, made.status)
    };
    let first = send(&client, &second).await;
    recorder.end(json!({ "status": "success" })).unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(TOKEN) && !text.contains("set-cookie"), "{text}");
    assert!(text.contains("page=2&key=REDACTED_1_") && text.contains("\\\"id\\\":1"), "{text}");

    let recording = RecordedRun::open(&path).unwrap();
    assert_eq!(recording.report, Some(json!({ "status": "success" })));
    assert_eq!(recording.header.credentials, json!({ "type": "BEARER", "access_token": "REDACTED_1_" }));
    assert_eq!((recording.exchange_count(), &recording.header.environment["REGION"]), (5, &"eu".to_owned()));
    let (replayer, client) = replayed(&recording);
    let second = RequestSpec::get(format!("{BASE}things?page=2&key=REDACTED_1_"));
    assert_eq!(send(&client, &second).await, first);
    assert_eq!((replayer.unused(), replayer.missing()), (None, Vec::new()));

    let changed = client.send(&RequestSpec::get("things").query("limit", "6")).await.unwrap_err();
    assert!(crate::error::Chain(&changed).to_string().contains("all recorded answers were used"), "{changed}");
    assert_eq!(replayer.missing().len(), 1);
}

#[tokio::test]
async fn body_is_recorded_as_far_as_it_was_read() {
    use futures_util::StreamExt;
    let Recorded { _dir, path, recorder, client } =
        recorded(["0123456789", "ab", "not read"].map(|body| Ok(reply(200, &[], body))).into());
    let mut small = RequestSpec::get("big");
    small.max_body_bytes = Some(4);
    let run = async |client: &Client| {
        let too_large = matches!(client.send(&small).await, Err(HttpError::TooLarge { .. }));
        let mut stream = client.stream(&RequestSpec::get("stream")).await.unwrap();
        let piece = stream.body.next().await.unwrap().unwrap();
        let end = stream.body.next().await.is_none();
        drop(client.stream(&RequestSpec::get("unread")).await.unwrap());
        (too_large, piece, end)
    };
    let first = run(&client).await;
    recorder.end(Value::Null).unwrap();
    let recording = RecordedRun::open(&path).unwrap();
    let (_, client) = replayed(&recording);
    assert_eq!(run(&client).await, first);
    let (_, client) = replayed(&recording);
    let mut stream = client.stream(&RequestSpec::get("unread")).await.unwrap();
    let error = stream.body.next().await.unwrap().unwrap_err();
    assert!(crate::error::Chain(&error).to_string().contains("did not read it"), "{error}");
}

#[tokio::test]
async fn request_that_was_cancelled_cancels_the_replay() {
    #[derive(Debug)]
    struct Never;
    impl crate::http::Transport for Never {
        fn send(&self, _: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
            Box::pin(std::future::pending())
        }
    }
    let Recorded { _dir, path, recorder, .. } = recorded(Vec::new());
    let clock = Arc::new(SystemClock);
    let cancellation = CancellationToken::new();
    let transport = recorder.transport(Arc::new(Never), Redactor::default(), clock.clone(), cancellation.clone());
    let parts = ClientParts::new(transport, clock, BASE.parse().unwrap()).cancellation(cancellation.clone());
    let client = Client::new(parts);
    let request = RequestSpec::get("slow");
    let (error, ()) = tokio::join!(client.send(&request), async {
        tokio::task::yield_now().await;
        cancellation.cancel();
    });
    let first = error.unwrap_err().to_string();
    recorder.end(Value::Null).unwrap();
    let (_, client) = replayed(&RecordedRun::open(&path).unwrap());
    let again = tokio::time::timeout(Duration::from_secs(5), client.send(&request)).await.unwrap();
    assert_eq!(again.unwrap_err().to_string(), first);
}

#[test]
fn recording_that_ended_early_has_no_report() {
    let Recorded { _dir, path, .. } = recorded(Vec::new());
    let whole = std::fs::read_to_string(&path).unwrap();
    assert!(RecordedRun::open(&path).unwrap().report.is_none());
    std::fs::write(&path, format!("{whole}{{\"line\":\"exchange\",\"n\":")).unwrap();
    assert!(RecordedRun::open(&path).unwrap().report.is_none());
    let error = |text: String| RecordedRun::read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(error(format!("{whole}{{}}\n")), "line 2 of the recording is damaged: missing field `line`");
    assert!(error(String::new()).starts_with("the file is not a recording"));
    assert!(error("{\"a\":1}\n".to_owned()).starts_with("the file is not a recording"));
    let later = "{\"line\":\"recording\",\"format\":99}\n".to_owned();
    assert!(matches!(RecordedRun::read(later.as_bytes()), Err(RecordingError::Format { found: 99 })));
}

/// Every kind of line as version 1 of the format writes it: recordings are kept as tests for years.
const FORMAT_1: &str = include_str!("testdata/format-1.jsonl");

#[test]
fn recording_of_the_first_format_is_read_and_written_unchanged() {
    use super::format::Line;
    let run = RecordedRun::read(FORMAT_1.as_bytes()).unwrap();
    assert_eq!((run.header.kind.as_str(), run.rows.len(), run.exchange_count()), ("on-webhook", 2, 2));
    assert_eq!(run.report, Some(json!({ "status": "success" })));
    for line in FORMAT_1.lines() {
        let read: Line = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }
}
