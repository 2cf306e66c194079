//! Test vectors of the specification of walks (`testdata/walk-vectors.json`): each is one walk of a mapper, with the
//! responses of an API and the expected end.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Fixture;
use crate::{
    config::Limits,
    declare::{
        Deletes, Endpoint, Item, Location, MapRecord, Mapper, Merging, OffsetBy, OnInvalid, Paginate, Pagination,
        Registry, Since, SinceFormat, SinceFrom, SyncDef, SyncRun,
    },
    error::{Error, ErrorKind, Result},
    http::{BoxFuture, OutgoingRequest, RawResponse, Transport, TransportError},
    model::{MappedBatch, Record},
    paginate::PaginateError,
    run::RunReport,
    store::RunStatus,
};

const VECTORS: &str = include_str!("../../../testdata/walk-vectors.json");

#[derive(Deserialize)]
struct Vectors {
    walks: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    declaration: Declaration,
    deletes: bool,
    since: bool,
    exchange: Vec<Exchange>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    kind: String,
    name: Option<String>,
    path: Option<String>,
    list: Option<String>,
    limit: Option<u32>,
    start: Option<u64>,
    has_more: Option<String>,
    is_last: Option<String>,
    total: Option<String>,
    total_pages: Option<String>,
    null_is_empty: Option<bool>,
    end_status: Option<Vec<u16>>,
    pagination: Option<String>,
    in_body: Option<bool>,
    on_invalid: Option<String>,
    max_pages: Option<u64>,
    max_empty_pages: Option<u64>,
}

#[derive(Deserialize, Clone)]
struct Exchange {
    request: Value,
    status: u16,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    body: Option<Value>,
}

#[derive(Deserialize)]
struct Expect {
    end: String,
    reason: String,
    requests: usize,
    seen: Vec<Value>,
    shifted: bool,
    pagination: Option<String>,
}

/// Record of the test vectors.
#[crate::model]
pub(super) struct Entry {
    /// Id of the record, a number or a string.
    id: String,
}

pub(super) fn map(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    let value: Value = serde_json::from_str(raw).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    let id = match &value["id"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Error::new(ErrorKind::Decode, "it has no id")),
    };
    if value["invalid"] == true {
        return Err(Error::new(ErrorKind::Decode, "it does not fit"));
    }
    batch.saved.push(&Entry { id }).map_err(|error| Error::new(ErrorKind::Record, error))
}

impl Declaration {
    fn paginate(&self) -> Option<Paginate> {
        let name = || self.name.clone().unwrap_or_else(|| "limit".into());
        let path = || self.path.clone().unwrap_or_default();
        let mut paginate = match self.kind.as_str() {
            // A list without pages whose body is not a list requires a declaration: a link that is never present.
            "single" if self.list.is_some() => Paginate::link("none"),
            "single" => return None,
            "link" => Paginate::link("next"),
            "body_link" => Paginate::link_in_body(path()),
            "cursor" => Paginate::cursor(name(), path()),
            "last_item" => Paginate::last_item(name(), "id"),
            "offset" => Paginate::offset(name()).start(self.start.unwrap_or(0)),
            "page" => Paginate::offset(name()).by(OffsetBy::Page).start(self.start.unwrap_or(1)),
            other => panic!("unknown kind {other}"),
        };
        paginate.limit = self.limit;
        paginate.limit_name = self.limit.map(|_| "limit".into());
        let text = |path: &Option<String>| path.clone().map(Cow::Owned);
        paginate.response_path = text(&self.list);
        paginate.has_more = text(&self.has_more);
        paginate.is_last = text(&self.is_last);
        paginate.total = text(&self.total);
        paginate.total_pages = text(&self.total_pages);
        paginate.null_is_empty = self.null_is_empty;
        paginate.end_status = self.end_status.clone().map(Cow::Owned);
        paginate.in_body = self.in_body;
        paginate.pagination = self.pagination.as_deref().map(|kind| match kind {
            "token" => Pagination::Token,
            _ => Pagination::Position,
        });
        Some(paginate)
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.walk.max_pages = self.max_pages.unwrap_or(limits.walk.max_pages);
        limits.walk.max_empty_pages = self.max_empty_pages.unwrap_or(limits.walk.max_empty_pages);
        limits
    }
}

fn sync(case: &Case) -> Item {
    let mapper: &'static Mapper = Box::leak(Box::new(Mapper {
        endpoint: Endpoint::Fixed("/items"),
        request: crate::declare::ListRequest::GET,
        paginate: case.declaration.paginate(),
        retries: 0,
        since: case.since.then_some(Since {
            param: "since",
            format: SinceFormat::Unix,
            from: SinceFrom::RunStart,
            overlap: 0,
            full_every: None,
        }),
        errors: &[],
        on_invalid: if case.declaration.on_invalid.is_some() { OnInvalid::Skip } else { OnInvalid::Fail },
        each: None,
        delta: None,
        map: MapRecord::Plain(map),
    }));
    mapper_sync(mapper, case.deletes)
}

/// Returns a sync named `vector` with a mapper.
pub(super) fn mapper_sync(mapper: &'static Mapper, track_deletes: bool) -> Item {
    Item::Sync(Box::leak(Box::new(SyncDef {
        at: Location { file: "src/vectors.rs", line: 1, function: "" },
        integration: "acme",
        name: "vector",
        description: "",
        version: "0.0.1",
        frequency: None,
        auto_start: false,
        track_deletes,
        deletes: Deletes::standard(),
        merging: Merging::Newer,
        scopes: &[],
        models: &[Entry::RECORD],
        checkpoint: None,
        metadata: None,
        run: SyncRun::Mapper(mapper),
    })))
}

/// Transport that returns responses in order and records differences of the requests.
#[derive(Debug, Clone, Default)]
struct ScriptedTransport(Arc<Mutex<ScriptState>>);

#[derive(Debug, Default)]
struct ScriptState {
    responses: VecDeque<(Value, ScriptedResponse)>,
    faults: Vec<String>,
    requests: usize,
}

#[derive(Debug, Clone)]
struct ScriptedResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl ScriptedTransport {
    fn new(exchange: &[Exchange]) -> Self {
        let response = |one: &Exchange| {
            let texts = |value: &Value| match value {
                Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                Value::String(text) => vec![text.clone()],
                other => panic!("a header {other}"),
            };
            let headers = one.headers.iter();
            let headers =
                headers.flat_map(|(name, value)| texts(value).into_iter().map(|text| (name.clone(), text))).collect();
            let body = one.body.as_ref().map_or_else(String::new, Value::to_string);
            (one.request.clone(), ScriptedResponse { status: one.status, headers, body })
        };
        let responses = exchange.iter().map(response).collect();
        Self(Arc::new(Mutex::new(ScriptState { responses, ..ScriptState::default() })))
    }
}

impl Transport for ScriptedTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            let (_, url, _, payload) = request.into_parts()?;
            let body: Value = serde_json::from_slice(&payload.read().await?).unwrap_or_default();
            let mut state = self.0.lock().unwrap();
            state.requests += 1;
            let number = state.requests;
            let Some((expect, response)) = state.responses.pop_front() else {
                state.faults.push(format!("request {number}: {url} is one too many"));
                return Err(TransportError::InvalidRequest("the exchange has ended".into()));
            };
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let bare = url.as_str().split('?').next().unwrap_or_default().to_owned();
            if expect.get("url").is_some_and(|expect| *expect != *bare) {
                state.faults.push(format!("request {number}: {url}, expected {}", expect["url"]));
            }
            for (name, value) in expect.get("query").and_then(Value::as_object).into_iter().flatten() {
                let sent = url.query_pairs().find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned());
                if sent.as_deref() != Some(&text(value)) {
                    state.faults.push(format!("request {number}: {name} = {sent:?}, expected {value}"));
                }
            }
            for (name, value) in expect.get("body").and_then(Value::as_object).into_iter().flatten() {
                if text(&body[name]) != text(value) {
                    state.faults.push(format!("request {number}: body {body}, expected {name} = {value}"));
                }
            }
            let mut headers = reqwest::header::HeaderMap::new();
            for (name, value) in &response.headers {
                let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(reqwest::header::HeaderName::try_from(name.as_str()).unwrap(), value);
            }
            Ok(RawResponse::from_bytes(response.status, headers, response.body))
        })
    }
}

/// Returns the name of an error in the vectors.
fn reason_of(error: &Error) -> String {
    if let Some(http) = error.http() {
        return format!("status_{}", http.status);
    }
    match error.downcast_ref::<PaginateError>() {
        Some(PaginateError::Circle { .. }) => "circle".into(),
        Some(PaginateError::SamePage { .. }) => "repeated_page".into(),
        Some(PaginateError::InBody { .. }) => "error_in_body".into(),
        Some(PaginateError::Missing { .. } | PaginateError::NotAList { .. }) => "missing_list".into(),
        Some(PaginateError::UnreadableLink { .. }) => "unreadable_link".into(),
        Some(PaginateError::Status { status, .. }) => format!("status_{status}"),
        Some(PaginateError::Bound { setting: "walk_pages", .. }) => "limit_pages".into(),
        Some(PaginateError::Bound { setting: "walk_empty_pages", .. }) => "limit_empty_pages".into(),
        None if error.kind() == ErrorKind::Decode => "invalid_record".into(),
        other => format!("{other:?} {error}"),
    }
}

async fn differences(case: &Case) -> Vec<String> {
    let fixture = Fixture::with_registry_and_limits(
        Registry::from_items([sync(case)]).unwrap(),
        "https://api.test",
        case.declaration.limits(),
    )
    .await;
    let script = ScriptedTransport::new(&case.exchange);
    let fixture = fixture.with_transport(Arc::new(script.clone()));
    fixture.connect(json!({})).await.unwrap();
    let report: RunReport = fixture.sync("vector").await;
    let (mut faults, requests) = {
        let state = script.0.lock().unwrap();
        (state.faults.clone(), state.requests)
    };
    let mut differ = |what: &str, got: String, expect: String| {
        if got != expect {
            faults.push(format!("{what}: {got}, expected {expect}"));
        }
    };
    let expect = &case.expect;
    differ("requests", requests.to_string(), expect.requests.to_string());
    match (&report.error, &report.findings.walk) {
        (Some(error), _) => {
            differ("end", "error".into(), expect.end.clone());
            differ("reason", reason_of(error), expect.reason.clone());
        }
        (None, Some(walk)) => {
            let end = if walk.outcome.is_complete() { "complete" } else { "incomplete" };
            differ("end", end.into(), expect.end.clone());
            let single = case.declaration.kind == "single" && walk.outcome.reason() == "no_next_page";
            differ(
                "reason",
                if single { "single_request" } else { walk.outcome.reason() }.into(),
                expect.reason.clone(),
            );
            differ("shifted", walk.shifted.to_string(), expect.shifted.to_string());
            if let Some(pagination) = &expect.pagination {
                differ("pagination", walk.pagination.name().into(), pagination.clone());
            }
            if case.declaration.on_invalid.is_none() {
                let seen = expect.seen.iter().map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
                let mut seen: Vec<String> = seen.collect();
                let mut stored = fixture.live("Entry").await;
                seen.sort();
                stored.sort();
                differ("seen", stored.join(" "), seen.join(" "));
            }
        }
        (None, None) => differ("end", format!("{:?}", report.status == RunStatus::Success), expect.end.clone()),
    }
    faults
}

#[tokio::test]
async fn every_walk_of_the_specification_ends_as_its_vector_states() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.walks.len(), 114);
    let mut wrong = Vec::new();
    for case in &vectors.walks {
        let faults = differences(case).await;
        if !faults.is_empty() {
            wrong.push(format!("{}: {}", case.name, faults.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), vectors.walks.len(), wrong.join("\n"));
}
