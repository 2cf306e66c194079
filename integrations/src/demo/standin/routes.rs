//! HTTP routes of the stand-in. Responses and errors have the same JSON as GitHub's.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, RawQuery, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LINK, LOCATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use nango_core::prelude::{Value, json};

use super::AppState;
use super::data::{GithubData, RATE_LIMIT, ReceivedRequest, Repository};
use super::issue::{Issue, NewIssue, repository_json, user_json};
use super::listing::{InvalidParameter, Listing};

const DOCUMENTATION: &str = "https://docs.github.com/rest";
/// Login of the user to whom every credential belongs.
const VIEWER: &str = "ada-demo";

type HandlerResult = Result<Response, ApiError>;

pub(super) fn router(app: Arc<AppState>) -> Router {
    Router::new()
        .route("/user", get(viewer))
        .route("/repos/{owner}/{name}", get(show_repository))
        .route("/repos/{owner}/{name}/issues", get(list).post(create))
        .route("/repos/{owner}/{name}/issues/{number}", get(show).patch(edit))
        .route("/repositories/{id}/issues", get(list_by_id))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), common_middleware))
        .with_state(app)
}

/// Records every request, refuses those without `User-Agent`, and adds the headers that every response has.
async fn common_middleware(State(app): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let has_user_agent = request.headers().contains_key(USER_AGENT);
    let (now, used) = {
        let mut data = app.data();
        data.record_request(ReceivedRequest {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            authorized: request.headers().contains_key(AUTHORIZATION),
        });
        (data.tick(), data.received_requests().len() as u64)
    };
    let mut response = if has_user_agent {
        next.run(request).await
    } else {
        let reason = "Request forbidden by administrative rules: please send a User-Agent header.";
        ApiError::new(StatusCode::FORBIDDEN, reason).into()
    };
    let headers = response.headers_mut();
    if let Some(date) = date(now) {
        headers.insert(DATE, date);
    }
    // The count restarts when it reaches the limit, because the limit is shown but not enforced.
    let used = (used - 1) % RATE_LIMIT + 1;
    let window = 3600;
    let reset = (now.as_second() / window + 1) * window;
    headers.insert("x-ratelimit-limit", RATE_LIMIT.into());
    headers.insert("x-ratelimit-remaining", (RATE_LIMIT - used).into());
    headers.insert("x-ratelimit-used", used.into());
    headers.insert("x-ratelimit-reset", reset.into());
    headers.insert("x-ratelimit-resource", HeaderValue::from_static("core"));
    headers.insert("x-github-media-type", HeaderValue::from_static("github.v3; format=json"));
    response
}

async fn unknown() -> ApiError {
    ApiError::not_found()
}

async fn viewer(headers: HeaderMap) -> HandlerResult {
    require_credential(&headers)?;
    Ok(json_response(StatusCode::OK, &user_json(VIEWER)))
}

async fn show_repository(
    State(app): State<Arc<AppState>>,
    Path((owner, name)): Path<(String, String)>,
) -> HandlerResult {
    let data = app.data();
    let repository = data.repository(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    Ok(json_response(StatusCode::OK, &repository_json(repository)))
}

async fn list(
    State(app): State<Arc<AppState>>,
    Path((owner, name)): Path<(String, String)>,
    Query(query): Query<Vec<(String, String)>>,
    RawQuery(raw): RawQuery,
) -> HandlerResult {
    let data = app.data();
    let repository = data.repository(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    list_issues(&app, repository, &query, raw)
}

async fn list_by_id(
    State(app): State<Arc<AppState>>,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    RawQuery(raw): RawQuery,
) -> HandlerResult {
    let data = app.data();
    let repository = id.parse().ok().and_then(|id| data.repository_by_id(id)).ok_or_else(ApiError::not_found)?;
    list_issues(&app, repository, &query, raw)
}

fn list_issues(
    app: &AppState,
    repository: &Repository,
    query: &[(String, String)],
    raw: Option<String>,
) -> HandlerResult {
    let listing =
        Listing::parse(query).map_err(|InvalidParameter(field)| ApiError::invalid("Search", field, "invalid"))?;
    let (issues, last) = listing.page(repository.issues());
    let page: Vec<Value> = issues.into_iter().map(|issue| issue.json(repository)).collect();
    let mut response = json_response(StatusCode::OK, &Value::Array(page));
    let address = format!("{}/repositories/{}/issues", app.url, repository.id);
    if let Some(links) = listing.links(&address, &raw.unwrap_or_default(), last)
        && let Ok(links) = HeaderValue::try_from(links)
    {
        response.headers_mut().insert(LINK, links);
    }
    Ok(response)
}

async fn show(
    State(app): State<Arc<AppState>>,
    Path((owner, name, number)): Path<(String, String, String)>,
) -> HandlerResult {
    let data = app.data();
    let repository = data.repository(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    let issue = number.parse().ok().and_then(|number| repository.find(number)).ok_or_else(ApiError::not_found)?;
    if issue.deleted {
        return Err(ApiError::new(StatusCode::GONE, "This issue was deleted"));
    }
    Ok(json_response(StatusCode::OK, &issue.json(repository)))
}

async fn create(
    State(app): State<Arc<AppState>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> HandlerResult {
    require_credential(&headers)?;
    let change = IssueChange::read(&body)?;
    let title = change.title.ok_or_else(|| ApiError::invalid("Issue", "title", "missing_field"))?;
    let mut data = app.data();
    let now = data.now();
    let repository = data.repository_mut(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    let issue = NewIssue {
        title,
        body: change.body.filter(|body| !body.is_empty()),
        labels: change.labels.unwrap_or_default(),
        pull_request: false,
    };
    let number = repository.open(issue, now).number;
    let mut response = one_issue(StatusCode::CREATED, &data, &owner, &name, number)?;
    if let Ok(location) = HeaderValue::try_from(format!("{}/repos/{owner}/{name}/issues/{number}", app.url)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn edit(
    State(app): State<Arc<AppState>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> HandlerResult {
    require_credential(&headers)?;
    let change = IssueChange::read(&body)?;
    let mut data = app.data();
    let now = data.now();
    let repository = data.repository_mut(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    let issue = number.parse().ok().and_then(|number| repository.issue_mut(number)).ok_or_else(ApiError::not_found)?;
    change.apply(issue, now);
    let number = issue.number;
    one_issue(StatusCode::OK, &data, &owner, &name, number)
}

fn one_issue(status: StatusCode, data: &GithubData, owner: &str, name: &str, number: u64) -> HandlerResult {
    let repository = data.repository(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    let issue = repository.find(number).ok_or_else(ApiError::not_found)?;
    Ok(json_response(status, &issue.json(repository)))
}

/// Fields that a request to create or edit an issue contains.
#[derive(Debug, Default)]
struct IssueChange {
    title: Option<String>,
    /// Text of the issue. A sent `null`, which clears the text, becomes an empty string.
    body: Option<String>,
    labels: Option<Vec<String>>,
    closed: Option<bool>,
}

impl IssueChange {
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        let unreadable = || ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON");
        let sent: Value = std::str::from_utf8(body).map_err(|_| unreadable())?.parse().map_err(|_| unreadable())?;
        let fields =
            sent.as_object().ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "Body should be a JSON object"))?;
        let invalid = |field| ApiError::invalid("Issue", field, "invalid");
        let mut change = Self::default();
        if let Some(title) = fields.get("title") {
            let title = title.as_str().filter(|title| !title.trim().is_empty()).ok_or_else(|| invalid("title"))?;
            change.title = Some(title.to_owned());
        }
        if let Some(body) = fields.get("body") {
            let body = if body.is_null() { "" } else { body.as_str().ok_or_else(|| invalid("body"))? };
            change.body = Some(body.to_owned());
        }
        if let Some(labels) = fields.get("labels") {
            // A label is a name, or an object with a name.
            let name = |label: &Value| Some(label.as_str().or_else(|| label["name"].as_str())?.to_owned());
            let names = labels.as_array().and_then(|labels| labels.iter().map(name).collect());
            change.labels = Some(names.ok_or_else(|| invalid("labels"))?);
        }
        change.closed = match fields.get("state").map(Value::as_str) {
            None => None,
            Some(Some("open")) => Some(false),
            Some(Some("closed")) => Some(true),
            Some(_) => return Err(invalid("state")),
        };
        Ok(change)
    }

    fn apply(self, issue: &mut Issue, now: Timestamp) {
        if let Some(title) = self.title {
            issue.title = title;
        }
        if let Some(body) = self.body {
            issue.body = Some(body).filter(|body| !body.is_empty());
        }
        if let Some(labels) = self.labels {
            issue.labels = labels;
        }
        if let Some(closed) = self.closed
            && closed != issue.closed.is_some()
        {
            issue.closed = closed.then_some(now);
        }
        issue.updated = now;
    }
}

/// Error response with a 4xx status.
#[derive(Debug)]
struct ApiError {
    status: StatusCode,
    message: &'static str,
    errors: Option<Value>,
}

impl ApiError {
    fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message, errors: None }
    }

    fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    fn invalid(resource: &str, field: &str, code: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "Validation Failed",
            errors: Some(json!([{ "resource": resource, "field": field, "code": code }])),
        }
    }
}

impl From<ApiError> for Response {
    fn from(error: ApiError) -> Self {
        let mut body = json!({ "message": error.message });
        if let Some(errors) = error.errors {
            body["errors"] = errors;
        }
        body["documentation_url"] = DOCUMENTATION.into();
        body["status"] = error.status.as_str().into();
        json_response(error.status, &body)
    }
}

impl axum::response::IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.into()
    }
}

fn require_credential(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(AUTHORIZATION) {
        Ok(())
    } else {
        Err(ApiError::new(StatusCode::UNAUTHORIZED, "Requires authentication"))
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn date(now: Timestamp) -> Option<HeaderValue> {
    HeaderValue::try_from(DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok()?).ok()
}
