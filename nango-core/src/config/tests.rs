use super::*;

fn sources(flag: Option<&str>, env: &[(&str, &str)], file: Option<&str>) -> Sources {
    Sources {
        flags: Flags { database: flag.map(str::to_owned), ..Flags::default() },
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        file: file.map(|text| (PathBuf::from("nango.toml"), text.to_owned())),
    }
}

#[track_caller]
fn check(flag: Option<&str>, env: &[(&str, &str)], file: Option<&str>, database: &str, key_file: &str) {
    let config = Config::load(sources(flag, env, file)).unwrap();
    assert_eq!((config.database.as_str(), config.key_file.to_str().unwrap()), (database, key_file));
}

#[test]
fn flags_override_environment_file_and_default() {
    let env = &[("NANGO_DATABASE_URL", "sqlite:env.db")];
    let file = Some("database = 'sqlite:data/file.db'");
    check(Some("sqlite:flag.db"), env, file, "sqlite:flag.db", "flag.db.key");
    check(None, env, file, "sqlite:env.db", "env.db.key");
    check(None, &[("NANGO_DATABASE_URL", "")], file, "sqlite:data/file.db", "data/file.db.key");
    check(None, &[], None, "sqlite:nango.db", "nango.db.key");
    check(Some("sqlite:///var/lib/n.db"), &[], None, "sqlite:///var/lib/n.db", "/var/lib/n.db.key");
    check(Some("postgres://u:p@h/db"), &[], None, "postgres://u:p@h/db", "nango.key");
}

#[test]
fn providers_file_follows_the_order_of_sources() {
    let load = |flag: Option<&str>, env: &[(&str, &str)]| {
        let mut sources = sources(None, env, None);
        sources.flags.providers = flag.map(PathBuf::from);
        sources.file = Some((PathBuf::from("conf/nango.toml"), "providers = 'own.yaml'".to_owned()));
        Config::load(sources).unwrap().providers.unwrap()
    };
    assert_eq!(load(None, &[]), Path::new("conf/own.yaml"));
    let env = [("NANGO_PROVIDERS", "env.yaml")];
    assert_eq!(load(None, &env), Path::new("env.yaml"));
    assert_eq!(load(Some("flag.yaml"), &env), Path::new("flag.yaml"));
}

#[test]
fn only_an_in_memory_database_needs_no_lasting_key() {
    let in_memory = |url: &str| Config::load(sources(Some(url), &[], None)).unwrap().is_in_memory();
    assert!(in_memory("sqlite::memory:"));
    assert!(!in_memory("sqlite:nango.db"));
    assert!(!in_memory("postgres://host/db"));
}

#[test]
fn api_key_of_the_environment_is_checked_and_not_shown() {
    let load = |key: &str| Config::load(sources(None, &[("NANGO_API_KEY", key)], None));
    let key = "8f14e45f-ceea-467f-9d1c-6b1d2a3c4e5f";
    let config = load(key).unwrap();
    assert!(config.api_key == Some(Secret::from(key)) && !format!("{config:?}").contains(key));
    assert!(load("").unwrap().api_key.is_none());
    for (wrong, expect) in [
        ("hush", "NANGO_API_KEY: is no API key: it has 4 characters; it must have at least 32"),
        ("nango_hush", "NANGO_API_KEY: is no API key: it begins with `nango_` like a created key, but it is mistyped"),
        ("hu sh", "NANGO_API_KEY: is no API key: it has a space"),
    ] {
        let error = load(wrong).unwrap_err().to_string();
        assert!(error.starts_with(expect) && !error.contains("hush"), "{error}");
    }
}

#[test]
fn payloads_are_encrypted_only_if_configured() {
    let load = |env: &[(&str, &str)], file| Config::load(sources(None, env, file));
    let file = Some("encrypt_records = true");
    assert!(!load(&[], None).unwrap().encrypt_records);
    assert!(load(&[], file).unwrap().encrypt_records);
    assert!(load(&[("NANGO_ENCRYPT_RECORDS", "1")], None).unwrap().encrypt_records);
    assert!(!load(&[("NANGO_ENCRYPT_RECORDS", "false")], file).unwrap().encrypt_records);
    let wrong = load(&[("NANGO_ENCRYPT_RECORDS", "hush")], None).unwrap_err().to_string();
    assert_eq!(wrong, "NANGO_ENCRYPT_RECORDS: must be `true` or `false`");
    let wrong = load(&[], Some("encrypt_records = 1")).unwrap_err().to_string();
    assert_eq!(wrong, "nango.toml:1: `encrypt_records` must be true or false, found integer");
}

#[test]
fn variables_of_functions_come_from_file_and_environment() {
    let file = "[environment]\nREGION = 'eu'\nLEVEL = 'low'";
    let env = &[("NANGO_ENV_LEVEL", "high"), ("NANGO_ENV_EMPTY", ""), ("PATH", "/bin")];
    let config = Config::load(sources(None, env, Some(file))).unwrap();
    let expect = [("EMPTY", ""), ("LEVEL", "high"), ("REGION", "eu")];
    assert_eq!(config.environment, expect.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn retention_is_off_by_default() {
    assert_eq!(Config::load(sources(None, &[], None)).unwrap().retention, Retention::default());
    let file = "[retention]\nprune_after = '30d'\ndelete_after = '60d'";
    let env = &[("NANGO_RETENTION_DELETE_AFTER", "off")];
    let retention = Config::load(sources(None, env, Some(file))).unwrap().retention;
    let days = Duration::from_hours(30 * 24);
    assert_eq!(retention, Retention { prune_after: Some(days), ..Retention::default() });
    let wrong = Config::load(sources(None, &[("NANGO_RETENTION_PRUNE_AFTER", "30s")], None)).unwrap_err();
    let expect = "must be between an hour and a hundred years: write `30d`, `12 hours`, or `off`";
    assert_eq!(wrong.to_string(), format!("NANGO_RETENTION_PRUNE_AFTER: {expect}"));
    let wrong = Config::load(sources(None, &[], Some("[retention]\nprune_after = 'soon'"))).unwrap_err();
    let expect = "is not a duration: write `30d`, `12 hours`, or `off`";
    assert_eq!(wrong.to_string(), format!("nango.toml:2: `retention.prune_after` {expect}"));
}

#[test]
fn debug_form_of_configuration_shows_no_secret() {
    let file = "[environment]\nTOKEN = 'hush-1'\n[integrations.github]\nheaders = { X-Key = 'hush-2' }";
    let env = &[("NANGO_ENCRYPTION_KEY", "hush-3"), ("NANGO_ENV_OTHER", "hush-4")];
    let config = Config::load(sources(Some("postgres://me:hush-5@host/db"), env, Some(file))).unwrap();
    assert_eq!(config.encryption_key.as_ref().map(Secret::expose), Some("hush-3"));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hush"), "{shown}");
    for (url, expect) in [
        ("sqlite:nango.db", "sqlite:nango.db"),
        ("postgres:///db?host=/run&password=hush", "postgres:///db?…"),
        ("postgres://me:hu@sh@host/db?sslmode=disable", "postgres://…@host/db?…"),
    ] {
        assert_eq!(redacted_url(url), expect);
    }
    for name in ["TOKEN", "OTHER", "X-Key", "postgres://…@host/db"] {
        assert!(shown.contains(name), "{name} in {shown}");
    }
}
