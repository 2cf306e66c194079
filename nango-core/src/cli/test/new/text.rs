//! Source of a new test: it opens the recording, runs the function and compares what the report counts.

use std::fmt::Write as _;

use serde_json::Value;

use super::place::Place;

/// Returns the source of the test of a recording with this report.
pub(super) fn test(place: &Place, report: &Value) -> String {
    let Place { function, recording, .. } = place;
    let mut text = format!(
        "//! Replays a recorded run of `{function}`, without a network.\n\n\
         use nango_core::testing::Replay;\n\n\
         use super::*;\n\n\
         #[tokio::test]\n\
         async fn recorded_run_of_{function}_has_the_same_result() -> nango_core::Result<()> {{\n    \
         let replay = Replay::open({recording:?})?;\n"
    );
    let is_success = report["status"] == "success";
    let run = if is_success { "await?" } else { "report().await?" };
    let _ = writeln!(text, "    let report = replay.run({function}).{run};");
    if !is_success {
        text.push_str("    assert!(report.error().is_some());\n");
    }
    for (model, counts) in report["models"].as_object().into_iter().flatten() {
        let [added, updated, deleted, unchanged] =
            ["added", "updated", "deleted", "unchanged"].map(|name| counts[name].as_u64().unwrap_or_default());
        let _ = write!(
            text,
            "    let counts = report.counts::<{model}>();\n    \
             assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), \
             ({added}, {updated}, {deleted}, {unchanged}));\n"
        );
    }
    if let (Some(parents), Some(skipped)) = (report["parents"].as_u64(), report["parents_skipped"].as_u64()) {
        let _ = writeln!(text, "    assert_eq!((report.parents(), report.parents_skipped()), ({parents}, {skipped}));");
    }
    if let Some(reason) = report["walk"]["reason"].as_str() {
        let _ = writeln!(text, "    assert_eq!(report.end_of_walk(), Some({reason:?}));");
    }
    if is_success && report["type"] == "action" {
        let output = serde_json::to_string_pretty(&report["output"]).unwrap_or_default().replace('\n', "\n    ");
        let _ = writeln!(text, "    let expected = nango_core::prelude::json!({output});");
        text.push_str("    assert_eq!(report.output::<nango_core::prelude::Value>(), expected);\n");
    }
    text.push_str("    Ok(())\n}\n");
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    fn place() -> Place {
        Place {
            file: PathBuf::new(),
            module: "replay_a".to_owned(),
            source: PathBuf::new(),
            function: "all_things".to_owned(),
            recording: "tests/a.jsonl".to_owned(),
        }
    }

    #[test]
    fn test_of_a_sync_compares_counts_and_the_end_of_the_walk() {
        let report = json!({
            "type": "sync", "status": "success", "walk": { "reason": "no_next_page" },
            "models": { "Thing": { "added": 2, "updated": 1, "deleted": 0, "unchanged": 3 } },
            "parents": 4, "parents_skipped": 1,
        });
        let text = test(&place(), &report);
        for part in [
            "let replay = Replay::open(\"tests/a.jsonl\")?;\n    let report = replay.run(all_things).await?;\n",
            "let counts = report.counts::<Thing>();",
            ", (2, 1, 0, 3));\n    assert_eq!((report.parents(), report.parents_skipped()), (4, 1));\n    ",
            "(4, 1));\n    assert_eq!(report.end_of_walk(), Some(\"no_next_page\"));\n    Ok(())\n}\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn test_of_an_action_compares_the_output() {
        let text = test(&place(), &json!({ "type": "action", "status": "success", "output": { "id": 1 } }));
        assert!(text.contains("let expected = nango_core::prelude::json!({\n      \"id\": 1\n    });\n"), "{text}");
        let text = test(&place(), &json!({ "type": "action", "status": "error" }));
        assert!(text.contains(".report().await?;\n    assert!(report.error().is_some());\n    Ok(())"), "{text}");
    }
}
