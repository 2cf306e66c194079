//! Keys of token requests: `token_url`, `token_params` and related ones.

use std::time::Duration;

use serde_json::Value;

use super::key_reader::{KeyReader, scalar_text};
use crate::provider::{
    Assertion, AssertionKind, AuthMode, BodyFormat, ClientAuth, ExpiryFormat, Lifetime, Param, SignatureProtocol,
    SignedToken, Template, TokenResponse, TokenSettings, TokenStep,
};

/// Lifetime of a client credentials token if the response contains none.
const CLIENT_CREDENTIALS_LIFETIME: Duration = Duration::from_mins(55);
/// Lifetime of a JWT assertion if the entry defines none.
const JWT_ASSERTION_LIFETIME: Duration = Duration::from_hours(1);
/// Lifetime of a SAML assertion if the entry defines none.
const SAML_ASSERTION_LIFETIME: Duration = Duration::from_mins(5);
/// Lifetime of a signed token if the entry defines none.
const SIGNED_TOKEN_LIFETIME: Duration = Duration::from_mins(5);

const VERBS: [(&str, bool); 4] = [("GET", true), ("get", true), ("POST", false), ("post", false)];

pub(super) fn read(keys: &KeyReader<'_>, mode: AuthMode) -> Result<TokenSettings, String> {
    let (url, app_url) = urls(keys, mode)?;
    let login = mode == AuthMode::TwoStep;
    // Logins have their own refresh fields; all other modes use those of OAuth 2.
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
        use_get: keys.one_of("token_request_method", &VERBS)?.unwrap_or(false),
        body_format: format(keys, mode)?,
        client_auth: client_auth(keys, mode)?,
        scope_separator: keys.string("scope_separator")?.unwrap_or_else(|| " ".to_owned()),
        default_scopes: keys.strings("default_scopes")?,
        response: response(keys, mode)?,
        refresh_buffer: keys
            .number("token_expiration_buffer")?
            .map_or(TokenSettings::DEFAULT_REFRESH_BUFFER, Duration::from_secs),
        steps: steps(keys)?,
        signed_token: signed_token(keys)?,
        assertion: keys.map("assertion")?.map(assertion).transpose()?,
        client_certificate: keys.flag("require_client_certificate")?,
    };
    // Older files of Nango have a separate key for the URL of access tokens.
    let legacy_url = keys.template("access_token_url")?;
    keys.ignore(&["token_url_skip_encode"]);
    Ok(TokenSettings { url: settings.url.or(legacy_url), ..settings })
}

/// Returns the token URL and the URL of app tokens. A map contains a URL for each mode.
fn urls(keys: &KeyReader<'_>, mode: AuthMode) -> Result<(Option<Template>, Option<Template>), String> {
    let Some(Value::Object(map)) = keys.get("token_url") else {
        return Ok((keys.template("token_url")?, None));
    };
    let url_of = |name: &str| {
        let text = map.get(name).and_then(scalar_text);
        text.map(|text| keys.parse_template(&format!("token_url.{name}"), &text)).transpose()
    };
    let url = match mode {
        AuthMode::App => url_of("APP")?,
        AuthMode::OAuth2Cc => url_of("OAUTH2CC")?.or(url_of("OAUTH2_CC")?),
        _ => url_of("OAUTH2")?.or(url_of(mode.stored_name())?),
    };
    Ok((url, url_of("APP")?))
}

fn format(keys: &KeyReader<'_>, mode: AuthMode) -> Result<BodyFormat, String> {
    const FORMATS: [(&str, BodyFormat); 4] = [
        ("form", BodyFormat::Form),
        ("json", BodyFormat::Json),
        ("query", BodyFormat::Query),
        ("xml", BodyFormat::Xml),
    ];
    let default = if mode == AuthMode::TwoStep { BodyFormat::Json } else { BodyFormat::Form };
    Ok(keys.one_of("body_format", &FORMATS)?.unwrap_or(default))
}

fn client_auth(keys: &KeyReader<'_>, mode: AuthMode) -> Result<ClientAuth, String> {
    const METHODS: [(&str, ClientAuth); 4] = [
        ("basic", ClientAuth::BasicAndBody),
        ("custom", ClientAuth::Password),
        ("private_key_jwt", ClientAuth::SignedJwt),
        ("body", ClientAuth::Body),
    ];
    const LOCATIONS: [(&str, ClientAuth); 2] = [("header", ClientAuth::Basic), ("body", ClientAuth::Body)];
    let method = keys.one_of("token_request_auth_method", &METHODS)?;
    let location = keys.one_of("authorization_method", &LOCATIONS)?;
    Ok(match (location, method) {
        (Some(ClientAuth::Basic), _) => ClientAuth::Basic,
        // Client credentials are sent in the header only.
        (_, Some(ClientAuth::BasicAndBody)) if mode == AuthMode::OAuth2Cc => ClientAuth::UnencodedBasic,
        (_, Some(method)) => method,
        (_, None) => ClientAuth::Body,
    })
}

fn response(keys: &KeyReader<'_>, mode: AuthMode) -> Result<TokenResponse, String> {
    const STRATEGIES: [(&str, ExpiryFormat); 2] =
        [("expireIn", ExpiryFormat::Relative), ("expireAt", ExpiryFormat::Absolute)];
    let mut response = TokenResponse {
        alternate: keys.string("alternate_access_token_response_path")?,
        metadata: keys.strings("token_response_metadata")?,
        ..TokenResponse::default()
    };
    if let Some(below) = keys.map("token_response")? {
        response.token = below.string("token")?;
        response.refresh_token = below.string("refresh_token")?;
        response.expiration = below.string("token_expiration")?;
        let strategy = below.one_of("token_expiration_strategy", &STRATEGIES)?;
        response.expiry_format = match (strategy, &response.expiration) {
            (Some(strategy), _) => strategy,
            (None, Some(_)) => ExpiryFormat::Absolute,
            (None, None) => ExpiryFormat::Auto,
        };
        below.warn_about_unread();
    }
    match keys.string("expires_in_unit")?.as_deref() {
        Some("milliseconds") => response.expiry_format = ExpiryFormat::RelativeMillis,
        None | Some("seconds") => {}
        Some(other) => {
            return Err(format!(
                "unknown value `{other}` of `expires_in_unit`; available: `seconds` and `milliseconds`"
            ));
        }
    }
    response.lifetime = match keys.number("token_expires_in_ms")? {
        Some(0) => Some(Lifetime::Unknown),
        Some(length) => Some(Lifetime::Fixed(Duration::from_millis(length))),
        None if mode == AuthMode::OAuth2Cc => Some(Lifetime::Fixed(CLIENT_CREDENTIALS_LIFETIME)),
        None => None,
    };
    let headers = keys.strings("token_response_headers")?;
    response.headers =
        headers.iter().map(|name| keys.parse_header_name("token_response_headers", name)).collect::<Result<_, _>>()?;
    Ok(response)
}

fn steps(keys: &KeyReader<'_>) -> Result<Vec<TokenStep>, String> {
    let list = match keys.get("additional_steps") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err("`additional_steps` must be a list".to_owned()),
    };
    let step = |(at, value): (usize, &Value)| {
        let keys = keys.child(&format!("additional_steps.{at}"), value)?;
        // All steps use the body format of the entry.
        keys.ignore(&["body_format"]);
        let step = TokenStep {
            url: keys.required_template("token_url")?,
            params: keys.fields("token_params")?,
            headers: keys.headers("token_headers")?,
            use_get: keys.one_of("token_request_method", &VERBS)?.unwrap_or(false),
        };
        keys.warn_about_unread();
        Ok(step)
    };
    list.iter().enumerate().map(step).collect()
}

/// Reads a signed token: `signature` defines the protocol, `token` the key and claims.
fn signed_token(keys: &KeyReader<'_>) -> Result<Option<SignedToken>, String> {
    const PROTOCOLS: [(&str, SignatureProtocol); 4] = [
        ("RSA", SignatureProtocol::Rsa),
        ("EC", SignatureProtocol::Ec),
        ("HMAC", SignatureProtocol::HmacHex),
        ("WSSE", SignatureProtocol::Wsse),
    ];
    let signature = keys.map("signature")?;
    let token = keys.map("token")?;
    let Some(signature) = signature else { return Ok(None) };
    let protocol = signature
        .one_of("protocol", &PROTOCOLS)?
        .ok_or_else(|| format!("`{}` is missing", signature.path("protocol")))?;
    let encoding = signature.string("hmac_secret_encoding")?;
    signature.warn_about_unread();
    let protocol = match (protocol, encoding.as_deref()) {
        (SignatureProtocol::HmacHex, Some("utf8" | "utf-8")) => SignatureProtocol::HmacText,
        (protocol, _) => protocol,
    };
    let mut signed =
        SignedToken { protocol, key: None, lifetime: SIGNED_TOKEN_LIFETIME, header: Vec::new(), payload: Vec::new() };
    if let Some(token) = token {
        // `||` is literal text here: it may join two values.
        let key = token.string("signing_key")?.map(|text| Template::without_alternatives(&text)).transpose();
        signed.key = key.map_err(|error| format!("`{}`: {error}", token.path("signing_key")))?;
        signed.lifetime = token.number("expires_in_ms")?.map_or(SIGNED_TOKEN_LIFETIME, Duration::from_millis);
        signed.header = token.fields("header")?;
        signed.payload = token.fields("payload")?;
        token.warn_about_unread();
    }
    Ok(Some(signed))
}

fn assertion(keys: KeyReader<'_>) -> Result<Assertion, String> {
    let saml = keys.one_of("type", &[("jwt", false), ("saml", true)])?.unwrap_or(false);
    let default_lifetime = if saml { SAML_ASSERTION_LIFETIME } else { JWT_ASSERTION_LIFETIME };
    let lifetime = keys.number("lifetimeInSeconds")?.map_or(default_lifetime, Duration::from_secs);
    let key = keys.required_template("key")?;
    let single_use = keys.flag("singleUse")?;
    let kind = if saml {
        let audiences = keys.strings("audiences")?;
        AssertionKind::Saml {
            issuer: keys.required_template("issuer")?,
            audiences: audiences.iter().map(|text| keys.parse_template("audiences", text)).collect::<Result<_, _>>()?,
            recipient: keys.required_template("recipient")?,
            name_identifier: keys.required_template("nameIdentifier")?,
            session_index: keys.template("sessionIndex")?,
            attributes: keys.fields("attributes")?,
        }
    } else {
        let (header, payload): (Vec<(String, Param)>, _) = (keys.fields("header")?, keys.fields("payload")?);
        AssertionKind::Jwt { header, payload }
    };
    keys.warn_about_unread();
    Ok(Assertion { kind, key, lifetime, single_use })
}

#[cfg(test)]
mod tests;
