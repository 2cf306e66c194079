//! Edge values through all layers: the API's text, the sync, the cache, `records --json`. Each value is read back
//! unchanged, or refused with a message that names the record, and both databases return the same bytes.

use nango_tests::{DatabaseKind, Output, Registry, TestDatabase, upstream::Upstream};
use serde_json::Value;

/// Creates a registry with a connection, and its database. Returns `None` if there is no such database on this machine.
fn connected(kind: DatabaseKind, upstream: &Upstream) -> Option<(Registry, TestDatabase)> {
    let (mut registry, database) = (Registry::proof(upstream.url()), kind.create()?);
    registry.use_database(&database);
    registry.connect("proof", "acme");
    Some((registry, database))
}

fn sync(registry: &Registry, name: &str) -> Output {
    registry.run(["run", "proof", name, "--connection", "acme", "--json"])
}

/// Returns what `records --json` prints, as text: a parser would hide differences in the bytes.
fn records(registry: &Registry, model: &str) -> String {
    registry.run(["records", "proof", model, "--connection", "acme", "--all", "--json"]).expect(0).stdout
}

fn thing_json(id: &str, more_fields: &str) -> String {
    format!(r#"{{"id":{id},"whole":0,"float":0.5,"text":"","map":{{}}{more_fields}}}"#)
}

/// Unusual ids as JSON text, among them the longest that is allowed.
fn unusual_ids() -> Vec<String> {
    let long = "\u{e9}".repeat(127) + "x";
    let ids = ["7", "07", "%", "_", "'; --", "\"", "a b", "A", "a", "\u{e9}", "e\u{301}", "\u{1f980}", "\u{7f}", &long];
    ids.map(|id| serde_json::to_string(id).expect("JSON")).to_vec()
}

/// Returns the printed records without metadata: timestamps and cursors differ between databases.
fn records_without_metadata(mut printed: &str) -> String {
    let mut content = String::with_capacity(printed.len());
    while let Some((before, metadata)) = printed.split_once("\"_nango_metadata\":{") {
        content.push_str(before);
        printed = metadata.split_once('}').expect("the end of the metadata").1;
    }
    content + printed
}

#[test]
fn edge_values_are_read_back_unchanged() {
    let sqlite = check_edge_values(DatabaseKind::Sqlite).expect("a file");
    assert!(sqlite.len() > 10 << 20 && !sqlite.contains("last_modified_at"), "{} bytes", sqlite.len());
    if let Some(postgres) = check_edge_values(DatabaseKind::Postgres) {
        let same = sqlite.bytes().zip(postgres.bytes()).take_while(|(a, b)| a == b).count();
        assert!(
            sqlite == postgres,
            "the databases differ from byte {same} on: {}",
            &postgres[same.saturating_sub(80)..]
        );
    }
}

fn check_edge_values(kind: DatabaseKind) -> Option<String> {
    let upstream = Upstream::new();
    let ten_megabytes = "m".repeat(10 << 20);
    let fields: Vec<_> = (0..10_000).map(|n| format!("\"f{n:05}\":{n}")).collect();
    let numbers = r#"{"n":-9223372036854775808,"u":18446744073709551615,"z":-0.0}"#;
    // The record as the API sends it, and the fields as they must be printed.
    let mut cases = vec![
        (
            r#"{"id":"01","whole":18446744073709551615,"float":-0.0,"text":"a\u0000b","map":{}}"#.to_owned(),
            r#""whole":18446744073709551615,"float":-0.0,"text":"a\u0000b","map":{}"#.to_owned(),
        ),
        (
            format!(r#"{{"id":"02","whole":0,"float":5e-324,"text":"\ud83e\udd80\u2028","map":{numbers}}}"#),
            format!("\"whole\":0,\"float\":5e-324,\"text\":\"\u{1f980}\u{2028}\",\"map\":{numbers}"),
        ),
        (
            concat!(
                r#"{"id":"03","whole":1,"float":1.7976931348623157e308,"text":"\u0000","#,
                r#""map":{"b":{"y":null,"x":"\u0000"},"a":[[]]}}"#
            )
            .to_owned(),
            concat!(
                r#""whole":1,"float":1.7976931348623157e+308,"text":"\u0000","#,
                r#""map":{"a":[[]],"b":{"x":"\u0000","y":null}}"#
            )
            .to_owned(),
        ),
        // Of equal keys in a map the last one counts, as in all JSON parsers.
        (
            r#"{"id":"04","whole":2,"float":1,"text":"","map":{"k":1,"k":2}}"#.to_owned(),
            r#""whole":2,"float":1.0,"text":"","map":{"k":2}"#.to_owned(),
        ),
        (
            format!(r#"{{"id":"05","whole":3,"float":1,"text":"{ten_megabytes}","map":{{}}}}"#),
            format!(r#""whole":3,"float":1.0,"text":"{ten_megabytes}","map":{{}}"#),
        ),
        (
            format!(r#"{{"id":"06","whole":4,"float":1,"text":"","map":{{{}}}}}"#, fields.join(",")),
            format!(r#""whole":4,"float":1.0,"text":"","map":{{{}}}"#, fields.join(",")),
        ),
    ];
    cases.extend(unusual_ids().into_iter().map(|id| {
        let id_value: String = serde_json::from_str(&id).expect("an id");
        (thing_json(&id, ""), format!("\"id\":{},\"whole\":0", serde_json::to_string(&id_value).expect("JSON")))
    }));
    upstream.change("things", |all| {
        // Keyed by index, not by id: the API's own order must not depend on the tested values.
        all.extend(cases.iter().enumerate().map(|(n, (sent, _))| (format!("{n:03}"), sent.clone())));
    });
    let (registry, _database) = connected(kind, &upstream)?;
    let added = sync(&registry, "things").expect(0).json();
    assert_eq!(added["models"]["Thing"]["added"], cases.len(), "{added:#}");
    let all = records(&registry, "Thing");
    for (sent, expect) in &cases {
        let start = |text: &str| text.chars().take(200).collect::<String>();
        assert!(all.contains(expect.as_str()), "{} was not read back as {}", start(sent), start(expect));
    }
    // A second sync recognises them as unchanged.
    let again = sync(&registry, "things").expect(0).json();
    assert_eq!(again["models"]["Thing"]["unchanged"], cases.len(), "{again:#}");
    Some(records_without_metadata(&all))
}

#[test]
fn value_that_cannot_be_stored_is_refused_and_named_on_sqlite() {
    check_refused_values(DatabaseKind::Sqlite);
}

#[test]
fn value_that_cannot_be_stored_is_refused_and_named_on_postgres() {
    check_refused_values(DatabaseKind::Postgres);
}

fn check_refused_values(kind: DatabaseKind) {
    let too_long = format!("\"{}\"", "\u{e9}".repeat(128));
    let fitting = |id: &str, map: &str| format!(r#"{{"id":{id},"whole":0,"float":0,"text":"","map":{map}}}"#);
    for (sent, expected_message) in [
        (fitting(&too_long, "{}"), "its id has 256 bytes, at most 255 are allowed"),
        (fitting(r#""a\u0000b""#, "{}"), "its id contains a NUL byte (it starts with `a\u{2400}b`)"),
        (fitting(r#""""#, "{}"), "its id is empty"),
        (fitting(r#""x""#, r#"{"n":1e400}"#), "number out of range"),
        (fitting(r#""x""#, r#"{"n":"\ud800"}"#), "hex escape"),
        (fitting(r#""x""#, r#"{"n":"\udc00 alone"}"#), "hex escape"),
        (r#"{"id":"x","id":"y","whole":0,"float":0,"text":"","map":{}}"#.to_owned(), "duplicate field `id`"),
    ] {
        let upstream = Upstream::new();
        upstream.change("things", |all| {
            all.extend(
                [("1", fitting(r#""good""#, "{}")), ("2", sent)].map(|(position, text)| (position.to_owned(), text)),
            );
        });
        let Some((registry, _database)) = connected(kind, &upstream) else { return };
        // If the sync skips records that do not match, the log names them and the others are saved.
        let skipped = sync(&registry, "fitting-things").expect(0);
        let report = skipped.json();
        assert_eq!(report["models"]["FittingThing"]["added"], 1, "{report:#}");
        for part in ["record 2 of page 1 of GET ", expected_message] {
            assert!(skipped.stderr.contains(part), "`{part}` is not in: {}", skipped.stderr);
        }
        let all: Value = serde_json::from_str(&records(&registry, "FittingThing")).expect("JSON");
        assert_eq!(all["records"][0]["id"], "good");
        // Otherwise the run fails, and nothing of the page is saved.
        let refused = sync(&registry, "things").expect(1);
        for part in ["record 2 of page 1 of GET ", expected_message] {
            assert!(refused.stdout.contains(part), "`{part}` is not in: {}", refused.stdout);
        }
        assert_eq!(records(&registry, "Thing").matches("\"id\"").count(), 0);
    }
}
