//! JSON of replays, and the comparison of reports.

use serde::Serialize;
use serde_json::Value;

/// Keys of a report whose values differ from run to run: the id of the run, and times.
const VARYING_KEYS: [&str; 4] = ["run_id", "started_at", "duration_ms", "waited_for_limits_ms"];

/// Result of a replay.
#[derive(Debug, Serialize)]
pub(crate) struct ReplayJson {
    /// Report of the recorded run, as far as it can be compared.
    pub(crate) report: Value,
    /// Whether the replay asked the same requests and has the same report.
    pub(crate) equal: bool,
    /// Differences of the replay.
    pub(crate) differences: Vec<String>,
}

/// Test that was written for a recording.
#[derive(Debug, Serialize)]
pub(crate) struct NewTestJson<'a> {
    /// File of the test.
    pub(crate) file: &'a str,
    /// Name of its module.
    pub(crate) module: &'a str,
    /// File that must declare the module.
    pub(crate) declare_in: &'a str,
}

impl ReplayJson {
    /// Compares the reports of a recorded run and of its replay. `differences` are those of the requests.
    pub(crate) fn new(recorded: Value, replayed: &Value, mut differences: Vec<String>) -> Self {
        compare("", &recorded, replayed, &mut differences);
        Self { report: recorded, equal: differences.is_empty(), differences }
    }
}

/// Returns the report of a run without its id, times, and the cursors of records.
pub(crate) fn comparable_report(mut report: Value) -> Value {
    if let Value::Object(fields) = &mut report {
        fields.retain(|name, _| !VARYING_KEYS.contains(&name.as_str()));
        for waiting in values_of(fields.get_mut("waiting_deletes")) {
            remove(waiting, "not_before");
        }
        for dry_run in values_of(fields.get_mut("dry_run")) {
            let Some(records) = dry_run.get_mut("records").and_then(Value::as_array_mut) else { continue };
            for record in records.iter_mut() {
                remove(record, "_nango_metadata");
            }
            // Their order is that of their cursors.
            records.sort_by_cached_key(|record| record["id"].to_string());
        }
        for triggered in fields.get_mut("triggered").and_then(Value::as_array_mut).into_iter().flatten() {
            *triggered = comparable_report(std::mem::take(triggered));
        }
    }
    report
}

fn values_of(object: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object.and_then(Value::as_object_mut).into_iter().flat_map(|object| object.values_mut())
}

fn remove(value: &mut Value, name: &str) {
    if let Value::Object(fields) = value {
        fields.retain(|key, _| key != name);
    }
}

/// Adds the paths at which a report differs from the recorded one.
fn compare(at: &str, recorded: &Value, replayed: &Value, differences: &mut Vec<String>) {
    match (recorded, replayed) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                let field = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&at, &field(old), &field(new), differences);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{at}[{i}]"), old, new, differences);
            }
        }
        (old, new) if old == new => {}
        (old, new) => differences.push(format!("`{at}` in the report is {new} instead of {old}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn report_is_compared_without_ids_times_and_cursors() {
        let record = |id: u32, n: u32| json!({ "id": id, "_nango_metadata": { "cursor": n } });
        let records = |n: u32| if n == 1 { [record(1, 5), record(2, 6)] } else { [record(2, 7), record(1, 8)] };
        let report = |n: u32| {
            json!({
                "run_id": n, "started_at": n, "duration_ms": n, "waited_for_limits_ms": n, "pages": 1,
                "waiting_deletes": { "A": { "deletes_held": 1, "not_before": n } },
                "dry_run": { "A": { "total": 2, "records": records(n) } },
                "triggered": [{ "run_id": n, "models": { "A": { "added": 1 } } }],
            })
        };
        let expect = json!({
            "pages": 1,
            "waiting_deletes": { "A": { "deletes_held": 1 } },
            "dry_run": { "A": { "total": 2, "records": [{ "id": 1 }, { "id": 2 }] } },
            "triggered": [{ "models": { "A": { "added": 1 } } }],
        });
        assert_eq!((comparable_report(report(1)), comparable_report(report(2))), (expect.clone(), expect.clone()));
        let mut other = expect.clone();
        other["triggered"][0]["models"]["A"]["added"] = json!(2);
        other["pages"] = json!(null);
        other["new"] = json!([]);
        let replay = ReplayJson::new(expect, &other, vec!["a request".to_owned()]);
        let differences = [
            "a request",
            "`pages` in the report is null instead of 1",
            "`triggered[0].models.A.added` in the report is 2 instead of 1",
            "`new` in the report is [] instead of null",
        ];
        assert_eq!((replay.equal, replay.differences), (false, differences.map(str::to_owned).to_vec()));
    }
}
