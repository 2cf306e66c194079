//! What a provider answers when it is asked for a token.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{ObtainError, Obtained, Subject};
use crate::{
    auth::{AuthMode, Secret, moment},
    http::{self, Response},
    provider::{Expires, Lifetime, TokenResponse, lookup},
    redact::one_line,
};

/// How many characters of a server's words are told.
const SAID: usize = 300;
/// The errors of RFC 6749 (5.2) that another attempt with the same credentials will meet again.
const FINAL: [&str; 5] =
    ["invalid_grant", "invalid_client", "unauthorized_client", "unsupported_grant_type", "bad_refresh_token"];

/// The token of an answer, with all that is said of it.
pub(super) fn read(response: &Response, subject: &Subject<'_>) -> Result<Obtained, ObtainError> {
    read_last(response, &[], subject)
}

/// The same for the last of several answers; the earlier ones may hold configuration too.
pub(super) fn read_last(
    response: &Response,
    earlier: &[Value],
    subject: &Subject<'_>,
) -> Result<Obtained, ObtainError> {
    let settings = &subject.provider.token.response;
    if settings.token.as_deref() == Some("") {
        success(response, &Value::Null, subject)?;
        let text = response.text();
        // Some wrap it in quotes.
        let token = serde_json::from_str::<String>(&text).unwrap_or_else(|_| text.trim().to_owned());
        if token.is_empty() {
            return Err(nonsense(response, "an empty body"));
        }
        let expires_at = end(settings, subject, &Value::Null, &token);
        return Ok(Obtained { expires_at, ..Obtained::new(token) });
    }
    let body = whole(response, subject)?;
    let mode = subject.credentials.mode();
    let Some((holder, token)) = token(settings, mode, &body) else {
        // Some say no with a 200.
        success_of(&body, response, subject)?;
        let place = settings.token.as_deref().unwrap_or("access_token");
        return Err(nonsense(response, &format!("nothing at `{place}`")));
    };
    let refresh_token = match &settings.refresh_token {
        Some(path) => lookup(&body, path),
        None => holder.get("refresh_token"),
    };
    let mut parts = Map::new();
    for name in &settings.headers {
        let values = response.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        // Of a cookie only its name and value go back.
        let cookies: Vec<&str> = values.filter_map(|value| value.split(';').next()).map(str::trim).collect();
        if name == "set-cookie" && !cookies.is_empty() {
            parts.insert("_cookies".to_owned(), Value::String(cookies.join("; ")));
        }
    }
    let config = settings.metadata.iter().filter_map(|path| {
        let answers = std::iter::once(&body).chain(earlier.iter().rev());
        let mut found = answers.filter_map(|answer| lookup(answer, path));
        let value = found.find(|value| value.is_string() || value.is_boolean())?;
        Some((path.clone(), value.clone()))
    });
    Ok(Obtained {
        raw: body.clone(),
        refresh_token: refresh_token.and_then(Value::as_str).filter(|text| !text.is_empty()).map(Secret::from),
        expires_at: end(settings, subject, holder, &token),
        config: config.collect(),
        parts,
        ..Obtained::new(token)
    })
}

/// The body of an answer that is no refusal, whichever way it is written.
pub(super) fn whole(response: &Response, subject: &Subject<'_>) -> Result<Value, ObtainError> {
    let body = serde_json::from_slice::<Value>(&response.body).ok().or_else(|| {
        let kind = response.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        is_form.then(|| {
            let pairs = form_urlencoded::parse(&response.body);
            Value::Object(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
        })
    });
    success(response, body.as_ref().unwrap_or(&Value::Null), subject)?;
    body.ok_or_else(|| {
        let kind = response.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("something");
        nonsense(response, &format!("{kind} that cannot be read"))
    })
}

/// The object that holds the token, and the token.
fn token<'a>(settings: &TokenResponse, mode: AuthMode, body: &'a Value) -> Option<(&'a Value, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(path) = &settings.token {
        return lookup(body, path).and_then(text).map(|token| (body, token));
    }
    let at = |value: &'a Value, path: &str| lookup(value, path).and_then(text).map(|token| (value, token));
    at(body, "access_token")
        .or_else(|| {
            let other = lookup(body, settings.alternate.as_deref()?)?;
            at(other, "access_token").or_else(|| text(other).map(|token| (body, token)))
        })
        .or_else(|| if mode == AuthMode::OAuth2Cc { at(body, "data.token").or_else(|| at(body, "jwt")) } else { None })
        .or_else(|| at(body, "token").filter(|_| matches!(mode, AuthMode::TwoStep | AuthMode::App | AuthMode::Custom)))
}

/// When a token ends, microseconds since 1970.
fn end(settings: &TokenResponse, subject: &Subject<'_>, holder: &Value, token: &str) -> Option<i64> {
    let after = |span: Duration| Some(subject.now.saturating_add(i64::try_from(span.as_micros()).ok()?));
    if settings.lifetime == Some(Lifetime::Unknown) {
        return None;
    }
    let value = settings.expiration.as_deref().and_then(|path| lookup(holder, path));
    let told = match (settings.expires, value) {
        (Expires::In, Some(value)) => moment::span(value).and_then(after),
        (Expires::InMillis, value) => {
            let span = value.or_else(|| holder.get("expires_in")).and_then(moment::span);
            span.and_then(|span| after(span / 1000))
        }
        (Expires::At, Some(value)) => moment::read(value).or_else(|| moment::span(value).and_then(after)),
        (Expires::Guess, value) => value.or_else(|| holder.get("expires_at")).and_then(moment::read),
        _ => None,
    };
    let told = told.or_else(|| holder.get("expires_in").and_then(moment::span).and_then(after));
    match settings.lifetime {
        Some(Lifetime::Fixed(span)) => told.or_else(|| after(span)),
        _ => told.or_else(|| own_end(token)),
    }
    // A clock that goes otherwise, or a nought that means something else: only a refusal tells.
    .filter(|end| *end > subject.now)
}

/// When a token that is a JWT ends by its own words.
fn own_end(token: &str) -> Option<i64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    moment::read(serde_json::from_slice::<Value>(&claims).ok()?.get("exp")?)
}

/// Whether an answer is a refusal or a failure by its status.
fn success(response: &Response, body: &Value, subject: &Subject<'_>) -> Result<(), ObtainError> {
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let moved = response.headers.get(LOCATION).filter(|_| (300..400).contains(&status));
    let moved = moved.and_then(|to| to.to_str().ok()?.parse().ok()).map(|to: http::Url| http::place(&to));
    let moved =
        moved.map(|to| format!(": it moved to {to}, and what is secret is not sent after it")).unwrap_or_default();
    let message = format!("{} answered {status}{}{moved}", place(response), said(body, subject));
    let refused = match error_code(body) {
        Some(code) => FINAL.contains(&code),
        // A 403 may as well be a limit, or a wall in front of the server.
        None => matches!(status, 400 | 401),
    };
    let wait = response.demanded_wait(subject.now);
    Err(if refused && status < 500 { ObtainError::Refused(message) } else { ObtainError::Failed { message, wait } })
}

/// Whether an answer without a token is a refusal by its words.
fn success_of(body: &Value, response: &Response, subject: &Subject<'_>) -> Result<(), ObtainError> {
    let message = || format!("{} refused{}", place(response), said(body, subject));
    match error_code(body) {
        Some(code) if FINAL.contains(&code) => Err(ObtainError::Refused(message())),
        Some(_) => Err(ObtainError::Failed { message: message(), wait: None }),
        None => Ok(()),
    }
}

fn error_code(body: &Value) -> Option<&str> {
    body.get("error").and_then(|error| error.as_str().or_else(|| error.get("code")?.as_str()))
}

/// What a server says of its refusal: the code and the description of the standard. Secrets that it repeats are hidden
/// before the text is cut short, so that no half of one is left.
fn said(body: &Value, subject: &Subject<'_>) -> String {
    let description = body.get("error_description").and_then(Value::as_str);
    let texts = [error_code(body), description, body.get("message").and_then(Value::as_str)];
    let texts: Vec<&str> = texts.into_iter().flatten().collect();
    if texts.is_empty() {
        return String::new();
    }
    let hidden = one_line(&subject.redactor.hide(&texts.join(": ")));
    let text: String = hidden.chars().take(SAID).collect();
    format!(" ({text})")
}

fn place(response: &Response) -> String {
    format!("{} {}", response.request.method, http::place(&response.request.url))
}

fn nonsense(response: &Response, what: &str) -> ObtainError {
    let message = format!("{} answered {} with {what} where a token should be", place(response), response.status);
    ObtainError::Failed { message, wait: None }
}
