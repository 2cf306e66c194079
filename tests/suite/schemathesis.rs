//! The HTTP API against its own document, with requests of `schemathesis`: valid and invalid ones for every route, with
//! all checks. A status of the server itself (5xx) must be one that the document describes.
//!
//! A short version always runs; `NANGO_TEST_LONG=1` takes ten minutes. `NANGO_TEST_SEED=n` repeats a run.

use integrations::standin::Standin;
use nango_tests::{
    DatabaseKind, Registry,
    api_server::{self, API_KEY},
    rng, schemathesis, wait,
};

use crate::synced_registry::SyncedRegistry;

/// Time of the short version, in seconds.
const SHORT: u32 = 30;
/// Settings of the program. The two checks accept further statuses, for these reasons:
/// - `negative_data_rejection`: a value may be refused because the head or the body exceeds its limit.
/// - `positive_data_acceptance`: as in Nango, 400 is the answer for a connection, an integration or a sync that does
///   not exist, for what this server does not have, and for rules that no schema expresses (a frequency, a due token, a
///   number that would lose digits).
const SETTINGS: &str = r#"
continue-on-failure = true
[parameters]
"path.connection_id" = "acme"
"path.unique_key" = "github"
"query.provider_config_key" = "github"
"query.connection_id" = "acme"
"header.Provider-Config-Key" = "github"
"header.Connection-Id" = "acme"
[checks]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "413", "415", "431"]
[[operations]]
include-operation-id = ["deleteConnection"]
parameters = { "path.connection_id" = "none" }
checks.positive_data_acceptance.expected-statuses = ["2xx", "400"]
[[operations]]
include-operation-id = [
  "importConnection", "getConnection", "listRecords", "pruneRecords", "triggerAction", "createQuickstartIntegration",
  "triggerSyncs", "startSyncs", "pauseSyncs", "getSyncStatus", "updateSyncFrequency", "createSyncVariant",
  "deleteSyncVariant", "deleteFunction", "setMetadata", "updateMetadata",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "424"]
"#;

#[test]
fn api_keeps_its_document_for_valid_and_invalid_requests() {
    let Some(mut command) = schemathesis::command() else { return };
    let kind = if rng::is_long_run() { DatabaseKind::Postgres } else { DatabaseKind::Sqlite };
    let Some(database) = kind.create() else { return };
    let mut registry = Registry::new();
    registry.use_database(&database).env("NANGO_API_KEY", API_KEY);
    let synced = SyncedRegistry::sync_first(wait(Standin::start()).expect("a stand-in"), registry);
    // The longest invalid values must reach the API: the HTTP parser refuses a head of twice this size without JSON.
    let base_url = synced.standin.url();
    synced
        .registry
        .config(&format!("[integrations.github]\nbase_url = \"{base_url}\"\n[server]\nhead_bytes = \"256KiB\"\n"));
    synced.registry.write("schemathesis.toml", SETTINGS);
    let (server, url) = api_server::serve(&synced.registry, &[]);
    let seed = rng::seed() % 1_000_000;
    let seconds = if rng::is_long_run() { 600 } else { SHORT };
    let output = command
        .args(["run", &format!("{url}/openapi.json"), "--no-color", "--warnings", "off", "--workers", "1"])
        .args(["--header", &format!("Authorization: Bearer {API_KEY}"), "--checks", "all"])
        .args(["--seed", &seed.to_string(), "--max-time", &seconds.to_string(), "--generation-database", "none"])
        .current_dir(synced.registry.dir())
        .output()
        .expect("a Python that was found");
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "NANGO_TEST_SEED={seed}\n{report}\n{errors}");
    println!("{report}");
    drop(server);
}
