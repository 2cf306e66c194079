use super::*;
use crate::provider::{Catalogue, Provider, TemplateScope};
use serde_json::{Map, json};

fn entry(keys: &str) -> Provider {
    let catalogue = Catalogue::parse(&format!("acme:\n{keys}  proxy: {{ base_url: 'https://h.test' }}\n")).unwrap();
    let (_, listed) = catalogue.entries().next().unwrap();
    assert_eq!(listed.warnings, Vec::<String>::new(), "{keys}");
    catalogue.find("acme").unwrap().clone()
}

#[test]
fn token_settings_default_by_auth_mode() {
    let of = |mode: &str| entry(&format!("  auth_mode: {mode}\n  token_url: https://h.test/token\n")).token;
    let user = of("OAUTH2");
    assert_eq!((user.body_format, user.client_auth, user.use_get), (BodyFormat::Form, ClientAuth::Body, false));
    assert_eq!((user.scope_separator.as_str(), user.refresh_buffer), (" ", TokenSettings::DEFAULT_REFRESH_BUFFER));
    assert_eq!((user.response.lifetime, user.response.expiry_format), (None, ExpiryFormat::Auto));
    assert_eq!(of("OAUTH2_CC").response.lifetime, Some(Lifetime::Fixed(Duration::from_mins(55))));
    assert_eq!(of("TWO_STEP").body_format, BodyFormat::Json);
}

#[test]
fn client_authentication_method_is_read() {
    let of = |keys: &str| entry(&format!("  token_url: https://h.test/token\n{keys}\n")).token.client_auth;
    assert_eq!(of("  auth_mode: OAUTH2\n  token_request_auth_method: basic"), ClientAuth::BasicAndBody);
    assert_eq!(of("  auth_mode: OAUTH2_CC\n  token_request_auth_method: basic"), ClientAuth::UnencodedBasic);
    assert_eq!(of("  auth_mode: OAUTH2\n  authorization_method: header"), ClientAuth::Basic);
    assert_eq!(of("  auth_mode: OAUTH2_CC\n  token_request_auth_method: custom"), ClientAuth::Password);
    assert_eq!(of("  auth_mode: OAUTH2_CC\n  token_request_auth_method: private_key_jwt"), ClientAuth::SignedJwt);
}

#[test]
fn fields_keep_their_types() {
    let token = entry(
        "  auth_mode: OAUTH2
  token_url: https://h.test/token
  token_params: { grant_type: authorization_code, expiring: 1, fresh: true, nested: { a: ['${connectionConfig.x}'] } }
  refresh_params: { grant_type: refresh_token, resource: '${connectionConfig.x}' }
  refresh_token_params: { other: 1 }
",
    )
    .token;
    let config = json!({ "x": "${apiKey}" });
    let empty = Map::new();
    let scope = TemplateScope::new("acme", config.as_object().unwrap(), &empty);
    let fields = crate::provider::resolve_fields(&token.params, &scope).unwrap();
    let expect =
        json!({ "grant_type": "authorization_code", "expiring": 1, "fresh": true, "nested": { "a": ["${apiKey}"] } });
    assert_eq!(fields, *expect.as_object().unwrap());
    let refresh = token.refresh_params.unwrap();
    assert_eq!(refresh.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["grant_type", "resource"]);
}

#[test]
fn login_with_steps_is_read() {
    let token = entry(
        "  auth_mode: TWO_STEP
  token_request_method: GET
  body_format: form
  token_url: https://h.test/login
  token_headers: { authorization: 'Basic ${base64(${credentials.user}:${credentials.password})}' }
  token_response:
    token: data.token
    refresh_token: data.refresh
    token_expiration: data.expires
    token_expiration_strategy: expireIn
  token_response_headers: [set-cookie]
  token_expires_in_ms: 0
  token_expiration_buffer: 30
  refresh_url: https://h.test/renew
  refresh_token_params: { token: '${refresh_token}' }
  refresh_token_headers: { x-app: 'a' }
  additional_steps:
    - { body_format: json, token_url: 'https://h.test/${step1.tenant}', token_params: { a: '${step1.b}' } }
",
    )
    .token;
    assert!(token.use_get && !token.steps[0].use_get);
    assert_eq!(token.body_format, BodyFormat::Form);
    assert_eq!(token.response.token.as_deref(), Some("data.token"));
    assert_eq!(
        (token.response.expiry_format, token.response.lifetime),
        (ExpiryFormat::Relative, Some(Lifetime::Unknown))
    );
    assert_eq!(token.response.headers, ["set-cookie"]);
    assert_eq!(token.refresh_buffer, Duration::from_secs(30));
    assert_eq!(token.refresh_params.unwrap()[0].0, "token");
    assert_eq!(token.refresh_headers.len(), 1);
    assert_eq!(token.refresh_url.unwrap().as_str(), "https://h.test/renew");
}

#[test]
fn token_expiry_path_and_unit_are_read() {
    let of = |keys: &str| {
        entry(&format!("  auth_mode: TWO_STEP\n  token_url: https://h.test/token\n{keys}\n")).token.response
    };
    assert_eq!(of("  token_response: { token: '' }").token.as_deref(), Some(""));
    assert_eq!(of("  token_response: { token: t, token_expiration: e }").expiry_format, ExpiryFormat::Absolute);
    assert_eq!(of("  expires_in_unit: milliseconds").expiry_format, ExpiryFormat::RelativeMillis);
    assert_eq!(of("  token_expires_in_ms: 1500").lifetime, Some(Lifetime::Fixed(Duration::from_millis(1500))));
    assert_eq!(of("  alternate_access_token_response_path: authed_user").alternate.as_deref(), Some("authed_user"));
}

#[test]
fn token_urls_are_read_by_auth_mode() {
    let of = |mode: &str| {
        let urls = "  token_url: { OAUTH2: 'https://h.test/user', APP: 'https://h.test/app' }";
        let token = entry(&format!("  auth_mode: {mode}\n{urls}\n")).token;
        (token.url.unwrap().as_str().to_owned(), token.app_url.unwrap().as_str().to_owned())
    };
    assert_eq!(of("CUSTOM"), ("https://h.test/user".into(), "https://h.test/app".into()));
    assert_eq!(of("APP").0, "https://h.test/app");
}

#[test]
fn signed_token_and_assertion_are_read() {
    let signed = entry(
        "  auth_mode: JWT
  signature: { protocol: HMAC, hmac_secret_encoding: utf8 }
  token:
    signing_key: ${credentials.id}||${credentials.key}
    expires_in_ms: 300000
    header: { alg: HS256, kid: '${credentials.id}' }
    payload: { aud: /admin/, scope: [a, b] }
",
    )
    .token
    .signed_token
    .unwrap();
    assert_eq!((signed.protocol, signed.lifetime), (SignatureProtocol::HmacText, Duration::from_mins(5)));
    let credentials = json!({ "id": "a", "key": "b" });
    let config = Map::new();
    let scope = TemplateScope::new("acme", &config, credentials.as_object().unwrap());
    assert_eq!(signed.key.unwrap().resolve(&scope).unwrap(), "a||b");
    let saml = entry(
        "  auth_mode: TWO_STEP
  token_url: https://h.test/token
  assertion:
    type: saml
    key: ${assertionOption.privateKey}
    lifetimeInSeconds: '315360000'
    issuer: www.h.test
    audiences: www.h.test
    recipient: https://h.test/token
    nameIdentifier: ${assertionOption.userName}
    sessionIndex: ${random}
    attributes: { api_key: '${credentials.apiKey}', use_username: true }
",
    )
    .token
    .assertion
    .unwrap();
    assert_eq!(saml.lifetime, Duration::from_hours(87_600));
    assert!(matches!(
        saml.kind,
        AssertionKind::Saml { audiences, attributes, .. } if audiences.len() == 1 && attributes.len() == 2
    ));
}
