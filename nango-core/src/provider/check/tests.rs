use super::*;

/// Checks the problems of an entry with these keys.
#[track_caller]
fn check(keys: &str, expect: &[&str]) {
    let catalogue = Catalogue::parse(&format!("acme:\n{keys}")).unwrap();
    let (_, listed) = catalogue.entries().next().unwrap();
    assert_eq!(listed.findings().0, expect, "{keys}");
    let check = catalogue.check();
    assert_eq!((check.total, check.usable), (1, usize::from(expect.is_empty())));
}

#[test]
fn templates_of_credentials_and_urls_are_checked() {
    let url = "  proxy: { base_url: 'https://h.test' }\n";
    check(&format!("  auth_mode: NONE\n{url}"), &[]);
    check(&format!("  auth_mode: BILL\n{url}"), &["bill credentials are not supported"]);
    check(
        "  auth_mode: NONE\n",
        &["`proxy.base_url` is missing: set `base_url` in the configuration of the integration"],
    );
    check(&format!("  auth_mode: OAUTH2_CC\n{url}"), &["`token_url` is missing, which OAUTH2_CC needs"]);
    check(&format!("  auth_mode: OAUTH2\n  accepts: [BEARER]\n{url}"), &[]);
    check(&format!("  auth_mode: JWT\n{url}"), &["`signature` is missing, which JWT needs"]);
    let custom = "  auth_mode: CUSTOM\n  token_url: { OAUTH2: 'https://h.test/a', APP: 'https://h.test/b' }\n";
    check(&format!("{custom}{url}"), &[]);
    check(
        &format!("  auth_mode: CUSTOM\n  token_url: 'https://h.test/a'\n{url}"),
        &["`token_url` is missing, which CUSTOM needs"],
    );
}

#[test]
fn template_with_undeclared_value_is_reported() {
    let with = |proxy: &str| {
        format!("  auth_mode: API_KEY\n  proxy:\n    base_url: https://h.test\n    headers: {{ {proxy} }}\n")
    };
    check(&with("x-key: '${apiKey}'"), &[]);
    check(&with("x-key: '${credentials.apiKey}', x-time: '${now:X}', x-sig: '${sha256Hex(${path})}'"), &[]);
    check(&with("x-key: '${username}'"), &["`proxy.headers.x-key` uses `username`, which the credentials do not have"]);
    check(
        &with("x-a: '${connectionConfig.a}'"),
        &["`proxy.headers.x-a` uses `connectionConfig.a`, which `connection_config` does not declare"],
    );
    check(
        &with("x-t: '${accessToken}'"),
        &["`proxy.headers.x-t` uses `accessToken`, which the credentials do not provide"],
    );
    check(&with("x-t: '${token}'"), &["`proxy.headers.x-t` uses `token`, which no `signature` creates"]);
    check(&with("x-t: '${step1.a}'"), &["`proxy.headers.x-t` uses `step1.a`, which is not a response of the steps"]);
    let declared = "  connection_config: { a: { title: A } }\n  token_response_metadata: [b.c]\n";
    check(&(with("x-a: '${connectionConfig.a}', x-b: '${connectionConfig.b.c}'") + declared), &[]);
}

#[test]
fn request_value_in_token_request_is_reported() {
    let keys = "  auth_mode: TWO_STEP
  token_url: https://h.test/login
  token_params: { user: '${credentials.user}', sig: '${path}', assertion: '${credentials.assertion}' }
  additional_steps: [{ token_url: 'https://h.test/${step1.a}' }]
  credentials: { user: { title: User } }
  proxy: { base_url: 'https://h.test', headers: { x-cookie: '${credentials._cookies}' } }
";
    check(keys, &["`token_params.sig` uses `path`, which is not available there"]);
}

#[test]
fn invalid_pattern_is_a_warning() {
    let yaml = "acme:\n  auth_mode: API_KEY\n  credentials: { apiKey: { pattern: '[z-a]' } }\n  proxy: { base_url: 'https://h.test' }\n";
    let check = Catalogue::parse(yaml).unwrap().check();
    assert_eq!((check.usable, check.problems.len()), (1, 0));
    let [warning] = check.warnings.as_slice() else { panic!("{check:?}") };
    assert!(
        warning
            .reason
            .starts_with("values of `apiKey` cannot be checked: `[z-a]` cannot be used as a regular expression: ")
    );
}
