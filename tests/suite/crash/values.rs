//! Values at the edges, by the whole way: the API's text, the sync, the cache, `records --json`. Each comes out equal, or is
//! refused in words that name the record.

use nango_tests::{Output, Registry, upstream::Upstream};
use serde_json::Value;

fn connected(upstream: &Upstream) -> Registry {
    let registry = Registry::proof(upstream.url());
    let add = ["connection", "add", "proof", "acme", "--auth", "bearer", "--credentials", "\"t\""];
    registry.run(add).expect(0);
    registry
}

fn sync(registry: &Registry, name: &str) -> Output {
    registry.run(["run", "proof", name, "--connection", "acme", "--json"])
}

/// What `records --json` prints, as text: a parser would forgive what must be exact.
fn records(registry: &Registry, model: &str) -> String {
    registry.run(["records", "proof", model, "--connection", "acme", "--all", "--json"]).expect(0).stdout
}

fn thing(id: &str, more: &str) -> String {
    format!(r#"{{"id":{id},"whole":0,"float":0.5,"text":"","map":{{}}{more}}}"#)
}

/// Ids as JSON text, the longest that is allowed among them.
fn strange_ids() -> Vec<String> {
    let long = "\u{e9}".repeat(127) + "x";
    let ids = ["7", "07", "%", "_", "'; --", "\"", "a b", "A", "a", "\u{e9}", "e\u{301}", "\u{1f980}", "\u{7f}", &long];
    ids.map(|id| serde_json::to_string(id).expect("JSON")).to_vec()
}

#[test]
fn edges_come_out_as_they_went_in() {
    let upstream = Upstream::new();
    let ten_megabytes = "m".repeat(10 << 20);
    let fields: Vec<_> = (0..10_000).map(|n| format!("\"f{n:05}\":{n}")).collect();
    // The record as the API sends it, and the fields as they must come out.
    let mut cases = vec![
        (r#"{"id":"01","whole":18446744073709551615,"float":-0.0,"text":"a\u0000b","map":{}}"#.to_owned(),
         r#""whole":18446744073709551615,"float":-0.0,"text":"a\u0000b","map":{}"#.to_owned()),
        (r#"{"id":"02","whole":0,"float":5e-324,"text":"\ud83e\udd80\u2028","map":{"n":-9223372036854775808,"u":18446744073709551615,"z":-0.0}}"#.to_owned(),
         "\"whole\":0,\"float\":5e-324,\"text\":\"\u{1f980}\u{2028}\",\"map\":{\"n\":-9223372036854775808,\"u\":18446744073709551615,\"z\":-0.0}".to_owned()),
        (r#"{"id":"03","whole":1,"float":1.7976931348623157e308,"text":"\u0000","map":{"b":{"y":null,"x":"\u0000"},"a":[[]]}}"#.to_owned(),
         r#""whole":1,"float":1.7976931348623157e+308,"text":"\u0000","map":{"a":[[]],"b":{"x":"\u0000","y":null}}"#.to_owned()),
        // Of equal keys in a map the last one counts, as in every JSON reader.
        (r#"{"id":"04","whole":2,"float":1,"text":"","map":{"k":1,"k":2}}"#.to_owned(),
         r#""whole":2,"float":1.0,"text":"","map":{"k":2}"#.to_owned()),
        (format!(r#"{{"id":"05","whole":3,"float":1,"text":"{ten_megabytes}","map":{{}}}}"#),
         format!(r#""whole":3,"float":1.0,"text":"{ten_megabytes}","map":{{}}"#)),
        (format!(r#"{{"id":"06","whole":4,"float":1,"text":"","map":{{{}}}}}"#, fields.join(",")),
         format!(r#""whole":4,"float":1.0,"text":"","map":{{{}}}"#, fields.join(","))),
    ];
    cases.extend(strange_ids().into_iter().map(|id| {
        let id_value: String = serde_json::from_str(&id).expect("an id");
        (thing(&id, ""), format!("\"id\":{},\"whole\":0", serde_json::to_string(&id_value).expect("JSON")))
    }));
    upstream.change("things", |all| {
        // Of an index, not of the id: the API's own order must not depend on what is tried here.
        all.extend(cases.iter().enumerate().map(|(n, (sent, _))| (format!("{n:03}"), sent.clone())));
    });
    let registry = connected(&upstream);
    let added = sync(&registry, "things").expect(0).json();
    assert_eq!(added["models"]["Thing"]["added"], cases.len(), "{added:#}");
    let all = records(&registry, "Thing");
    for (sent, expect) in &cases {
        let start = |text: &str| text.chars().take(200).collect::<String>();
        assert!(all.contains(expect.as_str()), "{} came out otherwise than {}", start(sent), start(expect));
    }
    // And they are known again.
    let again = sync(&registry, "things").expect(0).json();
    assert_eq!(again["models"]["Thing"]["unchanged"], cases.len(), "{again:#}");
}

#[test]
fn what_cannot_be_kept_is_refused_and_named() {
    let too_long = format!("\"{}\"", "\u{e9}".repeat(128));
    let fitting = |id: &str, map: &str| format!(r#"{{"id":{id},"whole":0,"float":0,"text":"","map":{map}}}"#);
    for (sent, told) in [
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
            all.extend([("1", fitting(r#""good""#, "{}")), ("2", sent)].map(|(at, text)| (at.to_owned(), text)));
        });
        let registry = connected(&upstream);
        // Where the sync leaves out what does not fit, the log names it, and the rest is kept.
        let kept = sync(&registry, "fitting-things").expect(0);
        let report = kept.json();
        assert_eq!(report["models"]["FittingThing"]["added"], 1, "{report:#}");
        for part in ["record 2 of page 1 cannot become a `FittingThing`", told] {
            assert!(kept.stderr.contains(part), "`{part}` is not in: {}", kept.stderr);
        }
        let all: Value = serde_json::from_str(&records(&registry, "FittingThing")).expect("JSON");
        assert_eq!(all["records"][0]["id"], "good");
        // Elsewhere the run fails, and nothing of the page is kept.
        let refused = sync(&registry, "things").expect(1);
        for part in ["record 2 of page 1 cannot become a `Thing`", told] {
            assert!(refused.stdout.contains(part), "`{part}` is not in: {}", refused.stdout);
        }
        assert_eq!(records(&registry, "Thing").matches("\"id\"").count(), 0);
    }
}
