use super::*;
use crate::{
    http::{Body, Method},
    provider::Catalogue,
};
use serde_json::json;

fn provider(accepts: &str, proxy: &str) -> Provider {
    let yaml = format!(
        "acme:\n  display_name: Acme\n  auth_mode: NONE\n  accepts: [{accepts}]\n  proxy: {{ base_url: https://h.test, {proxy} }}"
    );
    Catalogue::parse(&yaml).unwrap().get("acme").unwrap().clone()
}

fn app() -> App {
    App { client_id: Some("app".into()), client_secret: Some("hush-app".into()), ..App::default() }
}

/// Returns a request after the injection of credentials.
fn request(
    provider: &Provider,
    credentials: &Credentials,
    config: &Value,
    body: Body,
) -> Result<OutgoingRequest, String> {
    let injector = Injector::new(provider, "shop", credentials, config.as_object().unwrap(), &app())
        .map_err(|error| error.to_string())?;
    assert!(!format!("{injector:?}").contains("hush"));
    let method = if body.is_empty() { Method::GET } else { Method::POST };
    let mut request = OutgoingRequest::new(method, "https://h.test/a?b=1".parse().unwrap());
    request.body = body;
    request.headers.insert("x-mine", HeaderValue::from_static("1"));
    let now = Timestamp::from_micros(1_795_348_800_000_000);
    injector.put(&mut request, now, &crate::http::SystemClock).map_err(|error| error.to_string())?;
    assert!(!format!("{request:?}").contains("hush"));
    Ok(request)
}

/// Returns query and headers of a request after the injection of credentials.
fn inject(provider: &Provider, credentials: &Credentials, config: &Value) -> Result<String, String> {
    let request = request(provider, credentials, config, Body::Empty)?;
    let headers = request.headers.iter().map(|(name, value)| format!(" {name}={}", value.to_str().unwrap()));
    Ok(request.url.query().unwrap().to_owned() + &headers.collect::<String>())
}

fn read(mode: AuthMode, value: &Value) -> Credentials {
    Credentials::parse(mode, value, None).unwrap()
}

#[test]
fn every_mode_sets_its_header_or_parameter() {
    let check = |accepts: &str, proxy: &str, credentials: Credentials, expect: &str| {
        let got = inject(&provider(accepts, proxy), &credentials, &json!({ "v": 2 }));
        assert_eq!(got.as_deref(), Ok(expect), "{proxy}");
    };
    let key = || Credentials::api_key("hush");
    let basic = || Credentials::basic("Aladdin", "open sesame");
    let token = || Credentials::bearer("hush");
    check("NONE", "headers: { x-v: '${connectionConfig.v}' }", Credentials::none(), "b=1 x-mine=1 x-v=2");
    check("API_KEY", "headers: { x-api-key: '${apiKey}' }", key(), "b=1 x-mine=1 x-api-key=hush");
    check("API_KEY", "query: { key: '${credentials.apiKey}', b: '2' }", key(), "b=1&key=hush x-mine=1");
    // Test vector of RFC 7617.
    check("BASIC", "", basic(), "b=1 x-mine=1 authorization=Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let own = "headers: { authorization: 'Basic ${base64(${credentials.username}/token:${credentials.password})}' }";
    check("BASIC", own, Credentials::basic("a", "b"), "b=1 x-mine=1 authorization=Basic YS90b2tlbjpi");
    check("BEARER", "headers: { x-mine: theirs }", token(), "b=1 x-mine=1 authorization=Bearer hush");
    let theirs = "headers: { authorization: 'token ${accessToken}' }";
    check("BEARER", theirs, token(), "b=1 x-mine=1 authorization=token hush");
    let both = "headers: { authorization: 'Key ${apiKey}' }";
    check("API_KEY, BEARER", both, token(), "b=1 x-mine=1 authorization=Bearer hush");
    check("API_KEY, BEARER", both, key(), "b=1 x-mine=1 authorization=Key hush");
}

#[test]
fn obtained_token_is_injected() {
    let check = |mode: AuthMode, credentials: Value, proxy: &str, expect: &str| {
        let got = inject(&provider(mode.stored_name(), proxy), &read(mode, &credentials), &json!({}));
        assert_eq!(got.as_deref(), Ok(expect), "{mode} {proxy}");
    };
    let oauth = json!({ "access_token": "hush", "refresh_token": "hush2" });
    check(AuthMode::OAuth2, oauth.clone(), "", "b=1 x-mine=1 authorization=Bearer hush");
    // Some APIs require the token in two headers.
    let second = "headers: { x-token: '${accessToken}', x-app: '${clientId}' }";
    let expect = "b=1 x-mine=1 x-token=hush x-app=app authorization=Bearer hush";
    check(AuthMode::OAuth2, oauth, second, expect);
    let cc = json!({ "client_id": "own", "client_secret": "hush2", "token": "hush" });
    check(
        AuthMode::OAuth2Cc,
        cc,
        "headers: { x-app: '${clientId}' }",
        "b=1 x-mine=1 x-app=own authorization=Bearer hush",
    );
    let login = json!({ "token": "hush", "user": "ann", "_cookies": "s=hush" });
    check(AuthMode::TwoStep, login.clone(), "", "b=1 x-mine=1 authorization=Bearer hush");
    check(AuthMode::TwoStep, login.clone(), "headers: { x-session: '${accessToken}' }", "b=1 x-mine=1 x-session=hush");
    let cookies = "headers: { cookie: '${credentials._cookies}' }";
    check(AuthMode::TwoStep, login, cookies, "b=1 x-mine=1 cookie=s=hush");
    check(AuthMode::Jwt, json!({ "token": "hush" }), "", "b=1 x-mine=1 authorization=Bearer hush");
    check(AuthMode::App, json!({ "access_token": "hush" }), "", "b=1 x-mine=1 authorization=Bearer hush");
    // Without a token no header is added; one is obtained before the first request.
    check(AuthMode::OAuth2Cc, json!({ "client_id": "own" }), "", "b=1 x-mine=1");
}

#[test]
fn per_request_templates_are_filled_per_request() {
    let headers = "headers: { x-at: '${now:YYYY-MM-DD}', x-sum: '${sha256Hex(${path}${credentials.apiKey})}', \
                   x-a: '${random}', x-b: '${random}' }";
    let got = request(&provider("API_KEY", headers), &Credentials::api_key("hush"), &json!({}), Body::Empty).unwrap();
    let header = |name: &str| got.headers[name].to_str().unwrap();
    assert_eq!(header("x-at"), "2026-11-22");
    // printf /ahush | sha256sum
    assert_eq!(header("x-sum"), "8991730fec57dadc6c00cd53be0f136ea8a4fd6fee78adccd6d04245b348c2f5");
    assert_eq!((header("x-a"), header("x-a").len()), (header("x-b"), 36));
}

#[test]
fn provider_fields_override_body_fields() {
    let mut provider = provider("API_KEY", "");
    let account = json!({ "id": "${connectionConfig.account}", "none": "${connectionConfig.x}" });
    let fields = json!({ "key": "${apiKey}", "account": account });
    let fields = fields.as_object().unwrap().iter();
    provider.proxy.body = fields.map(|(name, value)| (name.clone(), Param::from_json(value).unwrap())).collect();
    let sent = |body: Body| {
        let config = json!({ "account": "a1" });
        let mut request = request(&provider, &Credentials::api_key("hush"), &config, body).unwrap();
        String::from_utf8(request.body.seen().1.to_vec()).unwrap()
    };
    let json = sent(Body::Json(r#"{"q":1,"key":"mine","account":{"more":2}}"#.into()));
    assert_eq!(json, r#"{"q":1,"key":"hush","account":{"more":2,"id":"a1"}}"#);
    let form = sent(Body::Form(vec![("q".into(), "1".into()), ("key".into(), "mine".into())]));
    assert_eq!(form, "q=1&key=hush&account%5Bid%5D=a1");
    // A body without fields is unchanged.
    assert_eq!(sent(Body::Json("[1]".into())), "[1]");
}

#[test]
fn unsuitable_credentials_are_reported() {
    let check = |accepts: &str, proxy: &str, credentials: Credentials, expect: &str| {
        assert_eq!(inject(&provider(accepts, proxy), &credentials, &json!({})).unwrap_err(), expect);
    };
    let key = || Credentials::api_key("hush");
    let text = "`acme` does not accept api-key credentials; accepted: `bearer` and `basic`";
    check("BEARER, BASIC", "", key(), text);
    let missing = "`shop` needs the configuration value `v`";
    check("NONE", "headers: { x-v: '${connectionConfig.v}' }", Credentials::none(), missing);
    let header = "the value of the header `x-key` of `acme` contains a character that headers do not allow";
    check("API_KEY", "headers: { x-key: '${apiKey}' }", Credentials::api_key("hush\u{7f}"), header);
}

#[test]
fn api_key_without_a_placement_is_refused() {
    let help = "the entry of `acme` has no header or parameter for an API key: set one of them to `${apiKey}`";
    for (accepts, more) in [("API_KEY", ""), ("API_KEY, BASIC", ", or use `basic` credentials")] {
        let error = inject(&provider(accepts, ""), &Credentials::api_key("hush"), &json!({})).unwrap_err();
        assert_eq!(error, format!("{help}{more}"));
    }
}

#[test]
fn request_is_signed_last() {
    let account = json!({ "token_id": "hush-id", "token_secret": "hush-secret" });
    let config = json!({ "accountId": "1234-sb1" });
    let got = inject(&provider("TBA", ""), &read(AuthMode::Tba, &account), &config).unwrap();
    let start = "b=1 x-mine=1 authorization=OAuth realm=\"1234_SB1\", oauth_consumer_key=\"app\", oauth_nonce=\"";
    assert!(got.starts_with(start) && got.contains("oauth_signature_method=\"HMAC-SHA256\""), "{got}");
    assert!(got.contains("oauth_timestamp=\"1795348800\", oauth_token=\"hush-id\""), "{got}");
    let error = inject(&provider("TBA", ""), &read(AuthMode::Tba, &account), &json!({})).unwrap_err();
    assert!(error.contains("needs the configuration value `accountId`"), "{error}");

    let user = json!({ "oauth_token": "hush-id", "oauth_token_secret": "hush-secret" });
    let got = inject(&provider("OAUTH1", ""), &read(AuthMode::OAuth1, &user), &json!({})).unwrap();
    assert!(got.contains("authorization=OAuth oauth_consumer_key=\"app\"") && got.contains("HMAC-SHA1"), "{got}");

    let keys = json!({ "access_key_id": "AKID", "secret_access_key": "hush", "session_token": "hush-session",
        "region": "eu-west-1", "service": "execute-api" });
    let body = Body::Json(r#"{"a":1}"#.into());
    let got = request(&provider("AWS_SIGV4", ""), &read(AuthMode::AwsSigV4, &keys), &json!({}), body).unwrap();
    let header = |name: &str| got.headers[name].to_str().unwrap();
    let signed = "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-mine";
    let start = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/execute-api/aws4_request, SignedHeaders={signed}, \
         Signature="
    );
    assert!(header("authorization").starts_with(&start), "{}", header("authorization"));
    assert_eq!((header("x-amz-date"), header("host")), ("20261122T120000Z", "h.test"));
    // printf '{"a":1}' | sha256sum
    assert_eq!(header("x-amz-content-sha256"), "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
}
