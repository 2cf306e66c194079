//! Echo server that repeats secrets in every encoding that a server may use: the request it received, and secrets that
//! the test sets.
//!
//! It acts as an API and as a token server. The response depends on the path: `/token` (a token or a refusal), `/me`
//! (verification of a connection), `/repos/{owner}/{case}/issues` and all others, where `case` selects the kind of
//! response.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::{http_server::HttpServer, lock};

/// A running server. It serves until it is dropped.
#[derive(Debug)]
pub struct Echo {
    server: HttpServer,
    state: Arc<Mutex<EchoState>>,
}

#[derive(Debug, Default)]
struct EchoState {
    secrets: Vec<String>,
    token: Option<Value>,
    accepts_credentials: bool,
    /// All requests so far, as text.
    received: String,
}

impl Echo {
    /// Starts a server on a free port of 127.0.0.1 that refuses token requests and verification requests.
    #[expect(clippy::new_without_default, reason = "it listens on a port")]
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(EchoState::default()));
        let shared = Arc::clone(&state);
        let server = HttpServer::start(Router::new().fallback(handle).with_state(shared));
        Self { server, state }
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Sets the secrets that responses repeat.
    pub fn set_secrets(&self, secrets: &[String]) {
        lock(&self.state).secrets = secrets.to_vec();
    }

    /// Sets the token that `/token` returns; `None` refuses token requests.
    pub fn set_token(&self, token: Option<Value>) {
        lock(&self.state).token = token;
    }

    /// Sets whether `/me` accepts the credentials.
    pub fn set_accepts_credentials(&self, accepts: bool) {
        lock(&self.state).accepts_credentials = accepts;
    }

    /// Returns whether any request contained this text.
    pub fn received(&self, text: &str) -> bool {
        lock(&self.state).received.contains(text)
    }
}

/// Returns a secret in every encoding, and as the password of basic authentication.
pub fn encoded_forms(secret: &str) -> Vec<String> {
    let percent = |upper: bool| {
        let encode = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        secret.bytes().map(encode).collect::<String>()
    };
    let unicode = secret.encode_utf16().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"));
    let user_and_password = format!("user:{secret}");
    let json = json!(secret).to_string();
    vec![
        secret.to_owned(),
        percent(true),
        percent(false),
        percent(true).replace("%20", "+"),
        json.trim_matches('"').replace('/', "\\/"),
        unicode,
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(&user_and_password),
        URL_SAFE_NO_PAD.encode(&user_and_password),
    ]
}

async fn handle(
    State(state): State<Arc<Mutex<EchoState>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut echo_state = lock(&state);
    let request_text = format!("{method} {uri} {headers:?} {}", String::from_utf8_lossy(&body));
    echo_state.received.push_str(&request_text);
    let all: Vec<String> = echo_state.secrets.iter().flat_map(|secret| encoded_forms(secret)).collect();
    let echoed = format!("{} | {request_text} \u{1b}]52;c;eA==\u{7}\u{202e}\r\nforged: line", all.join(" "));
    let first = echo_state.secrets.first().cloned().unwrap_or_default();
    let in_path: String =
        url::form_urlencoded::byte_serialize(first.as_bytes()).collect::<String>().replace('+', "%20");
    let refuse = |status: u16| {
        let key = if status == 400 { "error_description" } else { "message" };
        let body = json!({ "error": "invalid_grant", key: echoed });
        (StatusCode::from_u16(status).expect("a status"), [("x-ratelimit-echo", first.clone())], axum::Json(body))
            .into_response()
    };
    let case = uri.path().split('/').nth(3).unwrap_or_default();
    match uri.path() {
        "/token" => match &echo_state.token {
            Some(token) => axum::Json(token.clone()).into_response(),
            None => refuse(400),
        },
        "/me" if echo_state.accepts_credentials => axum::Json(json!({})).into_response(),
        path if path.starts_with("/repos/") => match case {
            "link" => {
                let next = format!("</next/{in_path}?where={in_path}>; rel=\"next\"");
                ([(header::LINK, next)], axum::Json(json!([]))).into_response()
            }
            "redirect" => {
                let location = format!("/next/{in_path}?where={in_path}");
                (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()
            }
            "circle" => (StatusCode::FOUND, [(header::LOCATION, uri.to_string())]).into_response(),
            "text" => echoed.into_response(),
            "record" => axum::Json(json!([{ "id": echoed, "number": echoed }])).into_response(),
            "errors" => axum::Json(json!({ "errors": [{ "message": echoed }] })).into_response(),
            _ => refuse(422),
        },
        _ => refuse(401),
    }
}
