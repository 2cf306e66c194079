//! What a provider answers when it is asked for a token.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{ObtainError, Obtained, Subject};
use crate::{
    auth::{AuthMode, Secret, moment},
    http::{self, Response},
    provider::{Expires, Lifetime, TokenResponse, lookup},
};

/// How long a token of client credentials lives if nobody says so.
const UNTOLD: Duration = Duration::from_mins(55);
/// The errors of RFC 6749 (5.2) that another attempt with the same credentials will meet again.
const FINAL: [&str; 5] =
    ["invalid_grant", "invalid_client", "unauthorized_client", "unsupported_grant_type", "bad_refresh_token"];

/// The token of an answer, with all that is said of it.
pub(super) fn read(response: &Response, subject: &Subject<'_>) -> Result<Obtained, ObtainError> {
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
        let value = lookup(&body, path).filter(|value| value.is_string() || value.is_boolean())?;
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
    match settings.lifetime {
        Some(Lifetime::Fixed(span)) => return after(span),
        Some(Lifetime::Unknown) => return None,
        None => {}
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
    let mode = subject.credentials.mode();
    told.or_else(|| if mode == AuthMode::OAuth2Cc { after(UNTOLD) } else { own_end(token) })
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
    let message = format!("{} answered {status}{}", place(response), said(body, subject));
    let code = error_code(body);
    let refused = code.map_or(matches!(status, 400 | 401 | 403), |code| FINAL.contains(&code))
        && !matches!(status, 408 | 425 | 429)
        && status < 500;
    Err(if refused { ObtainError::Refused(message) } else { ObtainError::Failed { message, wait: None } })
}

/// Whether an answer without a token is a refusal by its words.
fn success_of(body: &Value, response: &Response, subject: &Subject<'_>) -> Result<(), ObtainError> {
    let message = || format!("{} refused{}", place(response), said(body, subject));
    match error_code(body) {
        Some(_) => Err(ObtainError::Refused(message())),
        None => Ok(()),
    }
}

fn error_code(body: &Value) -> Option<&str> {
    body.get("error").and_then(|error| error.as_str().or_else(|| error.get("code")?.as_str()))
}

/// What a server says of its refusal: the code and the description of the standard, cut short.
fn said(body: &Value, subject: &Subject<'_>) -> String {
    let texts = [
        error_code(body),
        body.get("error_description").and_then(Value::as_str),
        body.get("message").and_then(Value::as_str),
    ];
    let texts: Vec<String> =
        texts.into_iter().flatten().map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect()).collect();
    if texts.is_empty() {
        return String::new();
    }
    let secret = subject.app.client_secret.as_ref().map(Secret::expose).filter(|secret| secret.len() > 1);
    let text = subject.credentials.hidden_in(&texts.join(": "));
    format!(" ({})", secret.map_or_else(|| text.clone(), |secret| text.replace(secret, "***")))
}

fn place(response: &Response) -> String {
    format!("{} {}", response.request.method, http::place(&response.request.url))
}

fn nonsense(response: &Response, what: &str) -> ObtainError {
    let message = format!("{} answered {} with {what} where a token should be", place(response), response.status);
    ObtainError::Failed { message, wait: None }
}
