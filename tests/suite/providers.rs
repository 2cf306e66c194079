//! `providers …` commands: the catalogue of APIs.

use nango_tests::{Output, Registry};
use serde_json::{Value, json};

/// A provider file with correct, incomplete and broken entries.
const PROVIDERS_FILE: &str = "
acme:
  display_name: Acme
  auth_mode: API_KEY
  categories: [crm]
  proxy:
    base_url: https://${connectionConfig.site}.acme.test/v1
    headers: { x-api-key: '${apiKey}' }
    paginate: { type: cursor, cursor_name_in_request: after, last_item_id: id, has_more_path: more }
    retry: { after: [x-wait] }
    verification: { endpoints: [/me] }
  connection_config:
    site: { title: Site, description: Where your account is, example: shop, prefix: 'https://', suffix: .acme.test }
  credentials:
    apiKey: { title: Key, secret: true }
  facts: { read_on: 2026-11-28, unconfirmed: [proxy.retry.after] }
acme-eu: { alias: acme, display_name: Acme Europe, categories: [crm, europe] }
hubspot: { alias: hubspot, display_name: Ours, odd: 1 }
broken: { auth_mode: API_KEY, proxy: { base_url: 'https://${host' } }
unfinished: { auth_mode: OAUTH2_CC, proxy: { base_url: https://a.test } }
";

#[track_caller]
fn assert_output(output: &Output, status: i32, parts: &[&str]) {
    assert_eq!(output.status, Some(status), "{}\n{}", output.stdout, output.stderr);
    let all = format!("{}{}", output.stdout, output.stderr);
    for part in parts {
        assert!(all.contains(part), "no {part:?} in: {all}");
    }
}

fn with_file() -> Registry {
    let registry = Registry::new();
    std::fs::create_dir(registry.dir().join("own")).expect("a directory");
    registry.write("own/providers.yaml", PROVIDERS_FILE);
    registry.config("providers = \"own/providers.yaml\"\n");
    registry
}

#[test]
fn builtin_providers_are_all_usable() {
    let registry = Registry::new();
    let check = registry.json(["providers", "check", "--strict", "--json"]);
    assert_eq!(check["total"], check["usable"], "{check:#}");
    assert_eq!((&check["problems"], &check["warnings"]), (&json!([]), &json!([])));
    let all = registry.json(["providers", "list", "--json"]);
    assert_eq!(all.as_array().map(Vec::len), check["total"].as_u64().and_then(|total| total.try_into().ok()));
    let paginated = registry.json(["providers", "list", "--paginated", "--json"]);
    let paginated = paginated.as_array().expect("a list");
    assert!(paginated.iter().all(|row| row["pagination"].is_string()));
    assert!(
        paginated.iter().any(|row| row["name"] == "github") && paginated.len() < all.as_array().expect("a list").len()
    );
}

#[test]
fn provider_file_from_configuration_flag_or_environment_overrides_builtin_entries() {
    let registry = with_file();
    let name = |registry: &Registry, args: &[&str]| {
        let shown = registry.json(args.iter().copied().chain(["providers", "show", "hubspot", "--json"]));
        shown["display_name"].as_str().map(str::to_owned)
    };
    assert_eq!(name(&registry, &[]).as_deref(), Some("Ours"));
    let mut registry = Registry::new();
    registry.write("mine.yaml", PROVIDERS_FILE);
    assert_eq!(name(&registry, &[]).as_deref(), Some("HubSpot"));
    assert_eq!(name(&registry, &["--providers", "mine.yaml"]).as_deref(), Some("Ours"));
    registry.env("NANGO_PROVIDERS", "mine.yaml");
    assert_eq!(name(&registry, &[]).as_deref(), Some("Ours"));
}

#[test]
fn provider_check_reports_unusable_entries_and_reasons() {
    let registry = with_file();
    let check = registry.json(["providers", "check", "--json"]);
    assert_eq!((&check["total"], &check["usable"]), (&json!(5), &json!(3)));
    let problems = check["problems"].as_array().expect("problems");
    let reason = |name: &str| {
        let found = problems.iter().find(|problem| problem["provider"] == name).expect(name);
        found["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(reason("broken"), "`proxy.base_url`: `https://${host` opens a `${` that is not closed");
    assert_eq!(reason("unfinished"), "`token_url` is missing, which OAUTH2_CC needs");
    assert_eq!(check["warnings"][0]["reason"], "unknown key `odd` is ignored");
    let facts = json!({ "machine_checked": 0, "source_read": 1, "unconfirmed": 4, "keys_unconfirmed": 1 });
    assert_eq!(check["facts"], facts);
    assert_output(
        &registry.run(["providers", "check"]),
        0,
        &[
            "3 of 5 providers can be used",
            "0 machine-checked, 1 with a source read, 4 unconfirmed; 1 key unconfirmed",
            "token_url",
            "warning: hubspot",
        ],
    );
    assert_output(&registry.run(["providers", "check", "--strict"]), 1, &["3 of 5"]);
}

#[test]
fn provider_is_shown_with_required_fields() {
    let registry = with_file();
    assert_output(
        &registry.run(["providers", "show", "acme-eu"]),
        0,
        &[
            "Acme Europe (acme-eu)",
            "own/providers.yaml:17:1",
            "https://${connectionConfig.site}.acme.test/v1",
            "cursor `id` of the last record in `after`; another page if `more`",
            "wait as in x-wait",
            "GET /me",
            "facts         unconfirmed",
            "https://[shop].acme.test",
            r#"registry connection add acme-eu <id> --auth api-key --credentials '{"apiKey": "…"}' --set site=shop"#,
        ],
    );
    let shown = registry.json(["providers", "show", "acme-eu", "--json"]);
    assert_eq!(shown["required_config"], json!(["site"]));
    let facts = |state: &str, read_on: Value, unconfirmed: Value| json!({ "state": state, "described_by": null, "read_on": read_on, "unconfirmed": unconfirmed });
    assert_eq!(shown["facts"], facts("unconfirmed", json!(null), json!([])));
    let target = registry.json(["providers", "show", "acme", "--json"]);
    assert_eq!(target["facts"], facts("source_read", json!("2026-11-28"), json!(["proxy.retry.after"])));
    assert_output(
        &registry.run(["providers", "show", "acme"]),
        0,
        &["facts         source read on 2026-11-28; unconfirmed: proxy.retry.after"],
    );
    let keys: Vec<&String> = shown["entry"].as_object().expect("an entry").keys().collect();
    assert_eq!(keys.first().map(|key| key.as_str()), Some("display_name"));
    assert_eq!(shown["entry"].get("alias"), None::<&Value>);
}

#[test]
fn provider_search_finds_names_and_categories() {
    let registry = with_file();
    let found = |text: &str| {
        let rows = registry.json(["providers", "list", "--search", text, "--json"]);
        let rows = rows.as_array().expect("a list").iter();
        rows.map(|row| row["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("ACME"), ["acme", "acme-eu"]);
    assert_eq!(found("Europe"), ["acme-eu"]);
    assert_output(&registry.run(["providers", "list", "--search", "no-such-provider"]), 0, &["No provider matches"]);
}

#[test]
fn broken_entry_is_reported_when_used() {
    let registry = with_file();
    let unknown = registry.run(["providers", "show", "acne"]);
    assert_output(&unknown, 2, &["unknown provider `acne`", "did you mean `acme`?"]);
    assert_output(&registry.run(["providers", "show", "broken"]), 2, &["own/providers.yaml:19:1", "is not closed"]);
    // Other commands warn that a part of the file cannot be read.
    assert_output(
        &registry.run(["list"]),
        0,
        &["1 provider of own/providers.yaml cannot be read", "registry providers check"],
    );
    registry.config("providers = \"own/providers.yaml\"\n[integrations.github]\nprovider = \"broken\"\n");
    assert_output(&registry.run(["list"]), 3, &["[integrations.github]", "`broken`", "is not closed"]);
    registry.config("providers = \"none.yaml\"\n");
    assert_output(&registry.run(["list"]), 3, &["the file of providers none.yaml cannot be read"]);
    registry.write("own/providers.yaml", "acme:\n  proxy: [\nb: 1");
    registry.config("providers = \"own/providers.yaml\"\n");
    assert_output(&registry.run(["list"]), 3, &["own/providers.yaml:", "the providers cannot be read"]);
    registry.write("own/providers.yaml", "");
    assert_output(&registry.run(["list"]), 3, &["own/providers.yaml has no provider"]);
}
