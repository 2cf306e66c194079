//! Tokens that are signed here: as the token itself, or as a statement that buys one.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{ObtainError, Obtained, Subject, answer, oauth2::place, request::TokenRequest};
use crate::{
    auth::{App, Secret},
    http::Client,
    provider::{
        Assertion, AssertionKind, BodyFormat, Param, Scope, SignatureProtocol, SignedToken,
        sign::{self, PrivateKey, SignError},
    },
};

/// How long an app's own token holds: ten minutes are what providers allow, and enough for one request.
const APP_LIFETIME: Duration = Duration::from_mins(10);
/// How long the statement of a client holds.
const CLIENT_LIFETIME: Duration = Duration::from_mins(5);
/// A server whose clock is a little behind must not see a token from the future.
const SKEW_SECONDS: i64 = 60;
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl From<SignError> for ObtainError {
    fn from(error: SignError) -> Self {
        Self::Setup(error.to_string())
    }
}

fn seconds(micros: i64) -> i64 {
    micros.div_euclid(1_000_000)
}

/// The token of [`AuthMode::Jwt`](crate::auth::AuthMode::Jwt) credentials.
pub(super) fn token(subject: &Subject<'_>) -> Result<Obtained, ObtainError> {
    let settings = subject.provider.token.signed.as_ref().ok_or_else(|| {
        ObtainError::Setup(format!("the entry of `{}` does not say how its tokens are signed", subject.provider.name))
    })?;
    let token = sign(subject, settings)?;
    let lifetime = i64::try_from(settings.lifetime.as_micros()).unwrap_or(i64::MAX);
    let ends = subject.now.saturating_add(lifetime) - SKEW_SECONDS * 1_000_000;
    Ok(Obtained { expires_at: Some(ends), ..Obtained::new(token.expose()) })
}

/// Signs a token as a provider's entry says.
pub(super) fn sign(subject: &Subject<'_>, settings: &SignedToken) -> Result<Secret, ObtainError> {
    let scope = subject.scope();
    let key = settings.key.as_ref().ok_or_else(|| {
        ObtainError::Setup(format!(
            "the entry of `{}` does not say what its tokens are signed with",
            subject.provider.name
        ))
    })?;
    let key = Zeroizing::new(key.resolve(&scope)?);
    let mut header = claims(&settings.header, &scope)?;
    let mut payload = claims(&settings.payload, &scope)?;
    // `id:secret`, as some admin keys are handed out: the id names the key, the rest signs.
    let (id, secret) = match key.split_once(':') {
        Some((id, secret)) if settings.protocol == SignatureProtocol::HmacHex => (Some(id), secret),
        _ => (None, key.as_str()),
    };
    if let Some(id) = id {
        header.entry("kid").or_insert_with(|| Value::String(id.to_owned()));
    }
    let algorithm = header.get("alg").and_then(Value::as_str).map(str::to_owned);
    stamp(&mut payload, subject.now, settings.lifetime);
    let algorithm = algorithm.as_deref().unwrap_or(match settings.protocol {
        SignatureProtocol::Rsa => "RS256",
        SignatureProtocol::Ec => "ES256",
        _ => "HS256",
    });
    let text_key = settings.protocol == SignatureProtocol::HmacText;
    jwt(algorithm, secret, text_key, header, &payload)
}

/// Signs the statement that buys a token.
pub(super) fn assertion(subject: &Subject<'_>, settings: &Assertion) -> Result<Secret, ObtainError> {
    let AssertionKind::Jwt { header, payload } = &settings.kind else {
        let provider = &subject.provider.name;
        return Err(ObtainError::Setup(format!("the assertion of `{provider}` is SAML, which cannot be signed here")));
    };
    let scope = subject.scope();
    let key = Zeroizing::new(settings.key.resolve(&scope)?);
    let (header, mut payload) = (claims(header, &scope)?, claims(payload, &scope)?);
    stamp(&mut payload, subject.now, settings.lifetime);
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or("RS256").to_owned();
    jwt(&algorithm, &key, false, header, &payload)
}

/// Says from when to when a token holds.
fn stamp(payload: &mut Map<String, Value>, now: i64, lifetime: Duration) {
    let from = seconds(now) - SKEW_SECONDS;
    let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    payload.insert("iat".to_owned(), json!(from));
    payload.insert("exp".to_owned(), json!(from.saturating_add(lifetime)));
}

/// Claims with their values; one that lacks a value is left out.
fn claims(params: &[(String, Param)], scope: &Scope<'_>) -> Result<Map<String, Value>, ObtainError> {
    let mut claims = Map::new();
    for (name, param) in params {
        match param.resolve_present(scope)? {
            // A list of which every value is missing, and a text that lists several.
            Some(Value::Array(list)) => {
                let split = list.iter().flat_map(|value| match value {
                    Value::String(text) => text.split(',').map(|one| Value::String(one.trim().to_owned())).collect(),
                    other => vec![other.clone()],
                });
                let list: Vec<Value> = split.filter(|value| value.as_str() != Some("")).collect();
                if !list.is_empty() {
                    claims.insert(name.clone(), Value::Array(list));
                }
            }
            Some(value) => {
                claims.insert(name.clone(), value);
            }
            None => {}
        }
    }
    Ok(claims)
}

/// A compact JSON Web Token (RFC 7515, RFC 7519).
fn jwt(
    algorithm: &str,
    key: &str,
    text_key: bool,
    mut header: Map<String, Value>,
    payload: &Map<String, Value>,
) -> Result<Secret, ObtainError> {
    header.insert("alg".to_owned(), Value::String(algorithm.to_owned()));
    header.entry("typ").or_insert_with(|| Value::String("JWT".to_owned()));
    let part = |object: &Map<String, Value>| {
        let text = serde_json::to_vec(object).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(text)
    };
    let signed = format!("{}.{}", part(&header), part(payload));
    let signature = match algorithm {
        "HS256" => {
            let secret = if text_key { Some(key.as_bytes().to_vec()) } else { from_hex(key) };
            let secret = Zeroizing::new(secret.ok_or_else(|| {
                ObtainError::Setup("the secret that signs the token is not written in hexadecimal digits".to_owned())
            })?);
            sign::hmac_sha256(&secret, signed.as_bytes())
        }
        "RS256" => PrivateKey::read(key).and_then(|key| key.rs256(signed.as_bytes()))?,
        "PS256" => PrivateKey::read(key).and_then(|key| key.ps256(signed.as_bytes()))?,
        "ES256" => PrivateKey::read(key).and_then(|key| key.es256(signed.as_bytes()))?,
        other => {
            let known = "RS256, PS256, ES256 and HS256";
            return Err(ObtainError::Setup(format!("tokens cannot be signed with `{other}`: there is {known}")));
        }
    };
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// A client's statement of who it is (RFC 7523), and what kind of statement it is.
pub(super) fn client_assertion(subject: &Subject<'_>, url: &Url) -> Result<(&'static str, Secret), ObtainError> {
    let (id, secret) = subject.client()?;
    let key = subject.app.private_key.as_ref().map_or(secret, Secret::expose);
    let key = subject.credentials.text("client_private_key").unwrap_or(key);
    let claims = [("iss", id), ("sub", id), ("aud", url.as_str()), ("jti", &Uuid::new_v4().to_string())]
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    let mut payload = Map::from_iter(claims);
    stamp(&mut payload, subject.now, CLIENT_LIFETIME);
    Ok((BEARER, jwt("RS256", key, false, Map::new(), &payload)?))
}

/// The token of an app's installation: bought with a token that the app signs.
pub(super) async fn installation(subject: &Subject<'_>, client: &Client) -> Result<Obtained, ObtainError> {
    let settings = &subject.provider.token;
    let app = subject.app.client_id.as_deref().or(subject.credentials.text("app_id"));
    let (Some(app), Some(key)) = (app, &subject.app.private_key) else {
        return Err(ObtainError::Setup(format!(
            "a token of an installation of `{0}` is bought with the number and the private key of your app: put \
             `client_id = \"…\"` under `[integrations.{0}]` in nango.toml, and the key (PEM) into the environment as `{1}`",
            subject.integration,
            App::variable(subject.integration, "PRIVATE_KEY"),
        )));
    };
    let mut payload = Map::from_iter([("iss".to_owned(), Value::String(app.to_owned()))]);
    stamp(&mut payload, subject.now, APP_LIFETIME);
    let token = jwt("RS256", key.expose(), false, Map::new(), &payload)?;
    // The number of the installation came with the credentials; URLs ask for it as configuration.
    let mut config = subject.config.clone();
    for name in ["installation_id", "app_id"] {
        if let Some(value) = subject.credentials.text(name) {
            config.entry(name).or_insert_with(|| Value::String(value.to_owned()));
        }
    }
    let scope = Scope::new(subject.integration, &config, subject.credentials.parts());
    let url = place(subject, settings.app_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(url, false, BodyFormat::Json);
    request.bearer(&token)?;
    answer::read(&request.send(client).await?, subject)
}

/// The user-name token of WS-Security, as a header of its own carries it.
pub(super) fn signature(subject: &Subject<'_>) -> Result<Obtained, ObtainError> {
    let part = |name: &str| {
        subject.credentials.text(name).ok_or_else(|| ObtainError::Setup(format!("these credentials have no `{name}`")))
    };
    let (user, secret) = (part("username")?, part("password")?);
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|error| ObtainError::Setup(format!("the system gives no randomness: {error}")))?;
    let created = jiff::Timestamp::from_microsecond(subject.now).unwrap_or_default();
    let token = wsse(user, secret, &sign::hex(&nonce), &format!("{created:.0}"));
    let lifetime = subject.provider.token.signed.as_ref().map_or(300, |signed| signed.lifetime.as_secs());
    let ends = subject.now.saturating_add(i64::try_from(lifetime).unwrap_or(300) * 1_000_000);
    Ok(Obtained { expires_at: Some(ends), ..Obtained::new(token) })
}

/// The digest is the base64 of the hexadecimal SHA-1 of nonce, moment and secret.
fn wsse(user: &str, secret: &str, nonce: &str, created: &str) -> String {
    let plain = Zeroizing::new(format!("{nonce}{created}{secret}"));
    let digest = base64::engine::general_purpose::STANDARD.encode(sign::hex(&sign::sha1(plain.as_bytes())));
    format!(r#"UsernameToken Username="{user}", PasswordDigest="{digest}", Nonce="{nonce}", Created="{created}""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_one_of_the_standard() {
        // RFC 7515, A.1, with the key in hexadecimal digits and the members in our order.
        let header = Map::from_iter([("typ".to_owned(), json!("JWT"))]);
        let payload = json!({ "iss": "joe" });
        let token = jwt("HS256", "00ff", false, header, payload.as_object().unwrap()).unwrap();
        let parts: Vec<&str> = token.expose().split('.').collect();
        let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!((read(parts[0]), read(parts[1])), (json!({ "typ": "JWT", "alg": "HS256" }), payload));
        let again = sign::hmac_sha256(&[0, 255], format!("{}.{}", parts[0], parts[1]).as_bytes());
        assert_eq!(URL_SAFE_NO_PAD.decode(parts[2]).unwrap(), again);
    }

    #[test]
    fn what_cannot_sign_says_so() {
        let check = |algorithm: &str, key: &str, expect: &str| {
            let error = jwt(algorithm, key, false, Map::new(), &Map::new()).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("HS256", "hush", "not written in hexadecimal digits");
        check("RS256", "hush", "this is no private key");
        check("none", "hush", "cannot be signed with `none`: there is RS256");
    }

    #[test]
    fn a_user_name_token() {
        let token = wsse("ann", "hush", "00112233445566778899aabbccddeeff", "2026-11-22T12:00:00Z");
        let digest = sign::hex(&sign::sha1(b"00112233445566778899aabbccddeeff2026-11-22T12:00:00Zhush"));
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        assert_eq!(
            token,
            format!(
                "UsernameToken Username=\"ann\", PasswordDigest=\"{digest}\", Nonce=\"00112233445566778899aabbccddeeff\", \
                 Created=\"2026-11-22T12:00:00Z\""
            )
        );
        assert!(!token.contains("hush"));
    }
}
