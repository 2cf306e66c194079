//! Token responses: body formats, location of the token, and expiry.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{ObtainError, ObtainedToken, TokenContext, refusal};
use crate::{
    auth::{AuthMode, Secret},
    http::Response,
    json::{self, DecodeError},
    provider::{ExpiryFormat, Lifetime, TokenResponse, lookup_path},
    time::{self, Timestamp},
};

/// Reads the token of a response, with its expiry and related values.
pub(super) fn read_token(response: &Response, context: &TokenContext<'_>) -> Result<ObtainedToken, ObtainError> {
    read_token_from_last(response, &[], context)
}

/// Reads the token of the last of several responses. The earlier bodies may contain configuration values too.
pub(super) fn read_token_from_last(
    response: &Response,
    earlier: &[Value],
    context: &TokenContext<'_>,
) -> Result<ObtainedToken, ObtainError> {
    let settings = &context.provider.token.response;
    if settings.token.as_deref() == Some("") {
        refusal::check_status(response, None, context)?;
        let text = response.text();
        // Some servers quote the token.
        let token = json::decode_str::<String>(&text).unwrap_or_else(|_| text.trim().to_owned());
        if token.is_empty() {
            return Err(refusal::no_token(response, "an empty body"));
        }
        let expires_at = expires_at(settings, context, &Value::Null, &token);
        return Ok(ObtainedToken { expires_at, ..ObtainedToken::new(token) });
    }
    let body = read_body(response, context)?;
    let mode = context.credentials.mode();
    let Some((holder, token)) = find_token(settings, mode, &body) else {
        // Some servers reject with status 200.
        refusal::check_body(response, &body, context)?;
        let path = settings.token.as_deref().unwrap_or("access_token");
        return Err(refusal::no_token(response, &format!("nothing at `{path}`")));
    };
    let refresh_token = match &settings.refresh_token {
        Some(path) => lookup_path(&body, path),
        None => holder.get("refresh_token"),
    };
    let mut parts = Map::new();
    for name in &settings.headers {
        let values = response.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        // Only the name and value of a cookie are sent back.
        let cookies: Vec<&str> = values.filter_map(|value| value.split(';').next()).map(str::trim).collect();
        if name == "set-cookie" && !cookies.is_empty() {
            parts.insert("_cookies".to_owned(), Value::String(cookies.join("; ")));
        }
    }
    let config = settings.metadata.iter().filter_map(|path| {
        let bodies = std::iter::once(&body).chain(earlier.iter().rev());
        let mut found = bodies.filter_map(|body| lookup_path(body, path));
        let value = found.find(|value| value.is_string() || value.is_boolean())?;
        Some((path.clone(), value.clone()))
    });
    Ok(ObtainedToken {
        raw: body.clone(),
        refresh_token: refresh_token.and_then(Value::as_str).filter(|text| !text.is_empty()).map(Secret::from),
        expires_at: expires_at(settings, context, holder, &token),
        config: config.collect(),
        parts,
        ..ObtainedToken::new(token)
    })
}

/// Checks the status of a response and parses its body, whatever its content type.
pub(super) fn read_body(response: &Response, context: &TokenContext<'_>) -> Result<Value, ObtainError> {
    let body = parse_body(response);
    refusal::check_status(response, body.as_ref().ok(), context)?;
    body.map_err(|error| {
        // The body is not quoted, because it may contain the token.
        let media_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("a body");
        refusal::no_token(response, &format!("{media_type} that cannot be read ({error})"))
    })
}

/// Parses a body by its content: some servers send forms as text, and many label JSON with another media type.
fn parse_body(response: &Response) -> Result<Value, DecodeError> {
    let charset = json::charset(&response.headers);
    json::parse_rounding(&response.body, charset).or_else(|error| {
        let text = json::body_text_lossy(&response.body, charset);
        let name = text.split_once('=').map(|(name, _)| name.trim_start());
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        };
        if !name.is_some_and(is_name) {
            return Err(error);
        }
        let pairs = form_urlencoded::parse(text.trim().as_bytes());
        Ok(Value::Object(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()))
    })
}

/// Finds the token, and the object that contains it.
fn find_token<'a>(settings: &TokenResponse, mode: AuthMode, body: &'a Value) -> Option<(&'a Value, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(path) = &settings.token {
        return lookup_path(body, path).and_then(text).map(|token| (body, token));
    }
    let at = |value: &'a Value, path: &str| lookup_path(value, path).and_then(text).map(|token| (value, token));
    at(body, "access_token")
        .or_else(|| {
            let other = lookup_path(body, settings.alternate.as_deref()?)?;
            at(other, "access_token").or_else(|| text(other).map(|token| (body, token)))
        })
        .or_else(|| if mode == AuthMode::OAuth2Cc { at(body, "data.token").or_else(|| at(body, "jwt")) } else { None })
        .or_else(|| at(body, "token").filter(|_| matches!(mode, AuthMode::TwoStep | AuthMode::App | AuthMode::Custom)))
}

/// Returns the expiry of a token, or `None` if it is not known.
fn expires_at(settings: &TokenResponse, context: &TokenContext<'_>, holder: &Value, token: &str) -> Option<Timestamp> {
    let after = |span: Duration| Some(context.now + span).filter(|at| at.is_in_calendar());
    if settings.lifetime == Some(Lifetime::Unknown) {
        return None;
    }
    let value = settings.expiration.as_deref().and_then(|path| lookup_path(holder, path));
    let stated = match (settings.expiry_format, value) {
        (ExpiryFormat::Relative, Some(value)) => time::parse_span(value).and_then(after),
        (ExpiryFormat::RelativeMillis, value) => {
            let span = value.or_else(|| holder.get("expires_in")).and_then(time::parse_span);
            span.and_then(|span| after(span / 1000))
        }
        (ExpiryFormat::Absolute, Some(value)) => {
            time::from_value(value).or_else(|| time::parse_span(value).and_then(after))
        }
        (ExpiryFormat::Auto, value) => value.or_else(|| holder.get("expires_at")).and_then(time::from_value),
        _ => None,
    };
    let stated = stated.or_else(|| holder.get("expires_in").and_then(time::parse_span).and_then(after));
    match settings.lifetime {
        Some(Lifetime::Fixed(span)) => stated.or_else(|| after(span)),
        _ => stated.or_else(|| jwt_expires_at(token)),
    }
    // An expiry in the past means a skewed clock or a special value: the token is used until it is rejected.
    .filter(|expiry| *expiry > context.now)
}

/// Returns the expiry from the `exp` claim of a token that is a JWT.
fn jwt_expires_at(token: &str) -> Option<Timestamp> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    time::from_value(json::parse_rounding(&claims, None).ok()?.get("exp")?)
}

#[cfg(test)]
mod tests;
