//! How tokens are obtained.

use std::time::Duration;

use serde_json::Value;

use super::keys::{Keys, plain};
use crate::provider::{
    Assertion, AssertionKind, AuthMode, BodyFormat, ClientAuth, Expires, Lifetime, Param, SignatureProtocol,
    SignedToken, Template, TokenResponse, TokenSettings, TokenStep,
};

/// How long a token of client credentials lives, where its answer does not say.
const CLIENT_CREDENTIALS: Duration = Duration::from_mins(55);
/// How long an assertion holds, where the entry does not say.
const JWT_ASSERTION: Duration = Duration::from_hours(1);
const SAML_ASSERTION: Duration = Duration::from_mins(5);
/// How long a signed token lives, where the entry does not say.
const SIGNED: Duration = Duration::from_mins(5);

const VERBS: [(&str, bool); 4] = [("GET", true), ("get", true), ("POST", false), ("post", false)];

pub(super) fn read(keys: &Keys<'_>, mode: AuthMode) -> Result<TokenSettings, String> {
    let (url, app_url) = urls(keys, mode)?;
    let login = mode == AuthMode::TwoStep;
    // A login renews with fields of its own; everything else as OAuth 2 does.
    let refresh = keys.fields("refresh_params")?;
    let login_refresh = keys.fields("refresh_token_params")?;
    let login_headers = keys.headers("refresh_token_headers")?;
    let refresh = if login { login_refresh } else { refresh };
    let settings = TokenSettings {
        url,
        app_url,
        refresh_url: keys.template("refresh_url")?,
        params: keys.fields("token_params")?,
        refresh_params: (!refresh.is_empty()).then_some(refresh),
        headers: keys.headers("token_headers")?,
        refresh_headers: if login { login_headers } else { Vec::new() },
        get: keys.one_of("token_request_method", &VERBS)?.unwrap_or(false),
        format: format(keys, mode)?,
        client: client(keys, mode)?,
        scope_separator: keys.text("scope_separator")?.unwrap_or_else(|| " ".to_owned()),
        default_scopes: keys.texts("default_scopes")?,
        response: response(keys, mode)?,
        buffer: keys.number("token_expiration_buffer")?.map_or(TokenSettings::BUFFER, Duration::from_secs),
        steps: steps(keys)?,
        signed: signed(keys)?,
        assertion: keys.map("assertion")?.map(assertion).transpose()?,
        client_certificate: keys.switch("require_client_certificate")?,
    };
    // Where the original's older files name the place of an access token apart.
    let apart = keys.template("access_token_url")?;
    keys.pass(&["token_url_skip_encode"]);
    Ok(TokenSettings { url: settings.url.or(apart), ..settings })
}

/// Where tokens come from; a map names a place for each mode.
fn urls(keys: &Keys<'_>, mode: AuthMode) -> Result<(Option<Template>, Option<Template>), String> {
    let Some(Value::Object(map)) = keys.get("token_url") else {
        return Ok((keys.template("token_url")?, None));
    };
    let of = |name: &str| {
        let text = map.get(name).and_then(plain);
        text.map(|text| keys.template_of(&format!("token_url.{name}"), &text)).transpose()
    };
    let own = match mode {
        AuthMode::App => of("APP")?,
        AuthMode::OAuth2Cc => of("OAUTH2CC")?.or(of("OAUTH2_CC")?),
        _ => of("OAUTH2")?.or(of(mode.stored_name())?),
    };
    Ok((own, of("APP")?))
}

fn format(keys: &Keys<'_>, mode: AuthMode) -> Result<BodyFormat, String> {
    const FORMATS: [(&str, BodyFormat); 4] = [
        ("form", BodyFormat::Form),
        ("json", BodyFormat::Json),
        ("query", BodyFormat::Query),
        ("xml", BodyFormat::Xml),
    ];
    let usual = if mode == AuthMode::TwoStep { BodyFormat::Json } else { BodyFormat::Form };
    Ok(keys.one_of("body_format", &FORMATS)?.unwrap_or(usual))
}

fn client(keys: &Keys<'_>, mode: AuthMode) -> Result<ClientAuth, String> {
    const METHODS: [(&str, ClientAuth); 4] = [
        ("basic", ClientAuth::BasicAndBody),
        ("custom", ClientAuth::Password),
        ("private_key_jwt", ClientAuth::SignedJwt),
        ("body", ClientAuth::Body),
    ];
    const PLACES: [(&str, ClientAuth); 2] = [("header", ClientAuth::Basic), ("body", ClientAuth::Body)];
    let method = keys.one_of("token_request_auth_method", &METHODS)?;
    let place = keys.one_of("authorization_method", &PLACES)?;
    Ok(match (place, method) {
        (Some(ClientAuth::Basic), _) => ClientAuth::Basic,
        // Client credentials go into the header instead of the body.
        (_, Some(ClientAuth::BasicAndBody)) if mode == AuthMode::OAuth2Cc => ClientAuth::PlainBasic,
        (_, Some(method)) => method,
        (_, None) => ClientAuth::Body,
    })
}

fn response(keys: &Keys<'_>, mode: AuthMode) -> Result<TokenResponse, String> {
    const STRATEGIES: [(&str, Expires); 2] = [("expireIn", Expires::In), ("expireAt", Expires::At)];
    let mut response = TokenResponse {
        alternate: keys.text("alternate_access_token_response_path")?,
        metadata: keys.texts("token_response_metadata")?,
        ..TokenResponse::default()
    };
    if let Some(below) = keys.map("token_response")? {
        response.token = below.text("token")?;
        response.refresh_token = below.text("refresh_token")?;
        response.expiration = below.text("token_expiration")?;
        let strategy = below.one_of("token_expiration_strategy", &STRATEGIES)?;
        response.expires = match (strategy, &response.expiration) {
            (Some(strategy), _) => strategy,
            (None, Some(_)) => Expires::At,
            (None, None) => Expires::Guess,
        };
        below.finish();
    }
    match keys.text("expires_in_unit")?.as_deref() {
        Some("milliseconds") => response.expires = Expires::InMillis,
        None | Some("seconds") => {}
        Some(other) => {
            return Err(format!("`expires_in_unit: {other}` is not known: write `seconds` or `milliseconds`"));
        }
    }
    response.lifetime = match keys.number("token_expires_in_ms")? {
        Some(0) => Some(Lifetime::Unknown),
        Some(length) => Some(Lifetime::Fixed(Duration::from_millis(length))),
        None if mode == AuthMode::OAuth2Cc => Some(Lifetime::Fixed(CLIENT_CREDENTIALS)),
        None => None,
    };
    let headers = keys.texts("token_response_headers")?;
    response.headers =
        headers.iter().map(|name| keys.header_of("token_response_headers", name)).collect::<Result<_, _>>()?;
    Ok(response)
}

fn steps(keys: &Keys<'_>) -> Result<Vec<TokenStep>, String> {
    let list = match keys.get("additional_steps") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err("`additional_steps` must be a list".to_owned()),
    };
    let step = |(at, value): (usize, &Value)| {
        let keys = keys.below(&format!("additional_steps.{at}"), value)?;
        // The format of the entry is the one of its steps.
        keys.pass(&["body_format"]);
        let step = TokenStep {
            url: keys.template_needed("token_url")?,
            params: keys.fields("token_params")?,
            headers: keys.headers("token_headers")?,
            get: keys.one_of("token_request_method", &VERBS)?.unwrap_or(false),
        };
        keys.finish();
        Ok(step)
    };
    list.iter().enumerate().map(step).collect()
}

/// `signature` says how, `token` says what is signed.
fn signed(keys: &Keys<'_>) -> Result<Option<SignedToken>, String> {
    const PROTOCOLS: [(&str, SignatureProtocol); 4] = [
        ("RSA", SignatureProtocol::Rsa),
        ("EC", SignatureProtocol::Ec),
        ("HMAC", SignatureProtocol::HmacHex),
        ("WSSE", SignatureProtocol::Wsse),
    ];
    let how = keys.map("signature")?;
    let what = keys.map("token")?;
    let Some(how) = how else { return Ok(None) };
    let protocol =
        how.one_of("protocol", &PROTOCOLS)?.ok_or_else(|| format!("`{}` is missing", how.path("protocol")))?;
    let encoding = how.text("hmac_secret_encoding")?;
    how.finish();
    let protocol = match (protocol, encoding.as_deref()) {
        (SignatureProtocol::HmacHex, Some("utf8" | "utf-8")) => SignatureProtocol::HmacText,
        (protocol, _) => protocol,
    };
    let mut signed = SignedToken { protocol, key: None, lifetime: SIGNED, header: Vec::new(), payload: Vec::new() };
    if let Some(what) = what {
        // Two values may be joined by `||`: here it is text.
        let key = what.text("signing_key")?.map(|text| Template::without_alternatives(&text)).transpose();
        signed.key = key.map_err(|error| format!("`{}`: {error}", what.path("signing_key")))?;
        signed.lifetime = what.number("expires_in_ms")?.map_or(SIGNED, Duration::from_millis);
        signed.header = what.fields("header")?;
        signed.payload = what.fields("payload")?;
        what.finish();
    }
    Ok(Some(signed))
}

fn assertion(keys: Keys<'_>) -> Result<Assertion, String> {
    let saml = keys.one_of("type", &[("jwt", false), ("saml", true)])?.unwrap_or(false);
    let usual = if saml { SAML_ASSERTION } else { JWT_ASSERTION };
    let lifetime = keys.number("lifetimeInSeconds")?.map_or(usual, Duration::from_secs);
    let key = keys.template_needed("key")?;
    let single_use = keys.switch("singleUse")?;
    let kind = if saml {
        let audiences = keys.texts("audiences")?;
        AssertionKind::Saml {
            issuer: keys.template_needed("issuer")?,
            audiences: audiences.iter().map(|text| keys.template_of("audiences", text)).collect::<Result<_, _>>()?,
            recipient: keys.template_needed("recipient")?,
            name_identifier: keys.template_needed("nameIdentifier")?,
            session_index: keys.template("sessionIndex")?,
            attributes: keys.fields("attributes")?,
        }
    } else {
        let (header, payload): (Vec<(String, Param)>, _) = (keys.fields("header")?, keys.fields("payload")?);
        AssertionKind::Jwt { header, payload }
    };
    keys.finish();
    Ok(Assertion { kind, key, lifetime, single_use })
}

#[cfg(test)]
mod tests;
