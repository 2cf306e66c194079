use super::*;

#[track_caller]
fn check(text: &str, expect: &str) {
    let error = read(Path::new("nango.toml"), text).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some(expect), "{text}");
}

#[test]
fn file_with_every_key_is_read() {
    let text = "database = 'sqlite:x.db'\nlease_seconds = 0.5\n\
                [integrations.github]\nprovider = 'github'\nbase_url = 'https://ghe.example.com/api/v3'\n\
                headers = { X-Team = 'data' }\n[environment]\nREGION = 'eu'\n";
    let file = read(Path::new("nango.toml"), text).unwrap_or_default();
    assert_eq!((file.database.as_deref(), file.lease), (Some("sqlite:x.db"), Some(Duration::from_millis(500))));
    let expect = IntegrationConfig {
        provider: Some("github".into()),
        base_url: Some("https://ghe.example.com/api/v3".into()),
        headers: BTreeMap::from([("X-Team".into(), "data".into())]),
        ..IntegrationConfig::default()
    };
    assert_eq!(file.integrations.get("github"), Some(&expect));
    assert_eq!(file.environment.get("REGION").map(String::as_str), Some("eu"));
}

#[test]
fn password_in_the_database_url_of_the_file_is_refused() {
    for (url, has_password) in [
        ("postgres://me:hush@h/d", true),
        ("postgres://h/d?user=me&password=hush", true),
        ("postgres://me@h/d?sslmode=require", false),
        ("postgres://me:@h:5433/d", false),
        ("sqlite:nango.db", false),
    ] {
        let read = read(Path::new("nango.toml"), &format!("database = '{url}'"));
        assert_eq!(read.is_err(), has_password, "{url}");
        if let Err(error) = read {
            let text = error.to_string();
            assert!(text.contains("PGPASSWORD") && !text.contains("hush"), "{text}");
        }
    }
}

#[test]
fn unknown_key_error_names_available_keys_and_the_nearest() {
    check(
        "\ndatabse = 'x'",
        "nango.toml:2: unknown key `databse` in the file; available: `database`, `encrypt_records`, \
         `lease_seconds`, `providers`, `integrations`, `environment`, `retention`, `egress`, `limits` and \
         `server`; did you mean `database`?",
    );
    check(
        "[integrations.github]\nbase_url = 'https://x'\nbaseurl = 'y'",
        "nango.toml:3: unknown key `baseurl` in [integrations.github]; available: `provider`, `base_url`, \
         `headers`, `client_id`, `scopes`, `trusted_origins` and `token_hosts`; did you mean `base_url`?",
    );
    check(
        "encryption_key = 'hush'",
        "nango.toml:1: unknown key `encryption_key` in the file; available: `database`, `encrypt_records`, \
         `lease_seconds`, `providers`, `integrations`, `environment`, `retention`, `egress`, `limits` and `server`; \
         secrets are not read from this file: set `NANGO_ENCRYPTION_KEY` in the environment and pass credentials \
         to `connection add`",
    );
}

#[test]
fn invalid_value_error_names_the_key_and_not_the_value() {
    for wrong in ["0.1", "-15", "3601", "nan", "inf", "'15'", "true"] {
        check(
            &format!("lease_seconds = {wrong}"),
            "nango.toml:1: `lease_seconds` must be a number of seconds from 0.2 to 3600",
        );
    }
    check("database = 5", "nango.toml:1: `database` must be a quoted string, found integer");
    check(
        "integrations = 'github'",
        "nango.toml:1: `integrations` must be a table, found string: write `[integrations]` on a line of its own",
    );
    check("[environment]\nPORT = 80", "nango.toml:2: `environment.PORT` must be a quoted string, found integer");
    check(
        "[integrations.x]\nheaders = { 'a b' = 'c' }",
        "nango.toml:2: `integrations.x.headers.a b` is not a valid header name: use letters, digits and dashes",
    );
    check(
        "[integrations.x]\nheaders = { A = \"a\\nb\" }",
        "nango.toml:2: `integrations.x.headers.A` cannot be sent in a header: it has a line break or another \
         control character",
    );
}

#[test]
fn egress_table_is_read() {
    let text = "[egress]\nallow = ['DB.corp', '10.1.0.0/16']\ndeny = ['*.evil.example', 'fd00::/8']\nprivate = true";
    let egress = read(Path::new("nango.toml"), text).unwrap_or_default().egress;
    let shown = |rules: &[HostPattern]| rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(
        (shown(&egress.allow), shown(&egress.deny)),
        ("db.corp 10.1.0.0/16".into(), "*.evil.example fd00::/8".into())
    );
    assert!(egress.allow_private);
    check(
        "[egress]\nallow = 'x'",
        "nango.toml:2: `egress.allow` must be a list such as [\"db.example.internal\"], found string",
    );
    check("[egress]\ndeny = [\n'a',\n7]", "nango.toml:4: `egress.deny[1]` must be a quoted string, found integer");
    check(
        "[egress]\ndeny = ['https://a/b']",
        "nango.toml:2: `egress.deny[0]` is neither a host (`api.example.com`, `*.example.com`, `*`) nor an address \
         (`10.1.2.3`, `10.0.0.0/8`)",
    );
    check("[egress]\nprivate = 1", "nango.toml:2: `egress.private` must be true or false, found integer");
    check(
        "[egress]\nalow = []",
        "nango.toml:2: unknown key `alow` in [egress]; available: `allow`, `deny` and `private`; did you mean \
         `allow`?",
    );
}

#[test]
fn trusted_origin_has_scheme_host_and_port() {
    let text = "[integrations.x]\ntrusted_origins = ['https://a.test:8443', 'http://b.test/']";
    assert!(read(Path::new("nango.toml"), text).is_ok());
    for wrong in ["a.test", "ftp://a.test", "https://a.test/api", "https://a.test?x=1", "https://u:p@a.test"] {
        check(
            &format!("[integrations.x]\ntrusted_origins = ['{wrong}']"),
            "nango.toml:2: `integrations.x.trusted_origins` must list origins: scheme, host and, unless it is the \
             default, port, such as \"https://api.example.com:8443\"",
        );
    }
}

#[test]
fn base_url_may_contain_connection_values() {
    let text = "[integrations.x]\nbase_url = 'https://${connectionConfig.subdomain}.example.com/${connectionConfig.v}'";
    assert!(read(Path::new("nango.toml"), text).is_ok());
}

#[test]
fn base_url_must_be_http() {
    let check = |url: &str, expect: &str| {
        let text = format!("[integrations.x]\nbase_url = '{url}'");
        check(&text, &format!("nango.toml:2: `integrations.x.base_url` {expect}"));
    };
    check("ghe.example.com", "is not a URL: write it in full, such as \"https://ghe.example.com/api/v3\"");
    check("ftp://example.com", "must begin with https:// (or http://)");
    check(
        "https://me:pw@example.com",
        "must not contain a user or a password: add them to a connection with `connection add`",
    );
    check(
        "https://example.com/?a=b",
        "must not have a query or a fragment: set parameters in the requests of the functions",
    );
}

#[test]
fn syntax_error_has_a_line() {
    let error = read(Path::new("n.toml"), "a = 1\nb = = 2\n").err().map(|error| error.to_string());
    assert!(error.as_deref().is_some_and(|error| error.starts_with("n.toml:2: invalid TOML: ")), "{error:?}");
}
