//! The extension keys `facts` and `lifecycle`, which describe the entry itself.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::key_reader::KeyReader;
use crate::provider::{Facts, Lifecycle, lookup_path};

/// Reads the `facts` of an entry. `entry`: its keys, merged with those of its alias.
pub(super) fn read_facts(keys: KeyReader<'_>, entry: &Map<String, Value>) -> Result<Facts, String> {
    let facts = Facts {
        described_by: keys.string("described_by")?,
        read_on: read_date(&keys, "read_on")?,
        unconfirmed: keys.strings("unconfirmed")?,
    };
    for path in facts.unconfirmed.iter().filter(|path| !path_exists(entry, path)) {
        keys.diagnostics().warn(format!("`{}: {path}` is not a key of the entry", keys.path("unconfirmed")));
    }
    keys.warn_about_unread();
    Ok(facts)
}

/// Reads the `lifecycle` of an entry.
pub(super) fn read_lifecycle(keys: KeyReader<'_>) -> Result<Lifecycle, String> {
    let missing = |key: &str| format!("`{}` is missing", keys.path(key));
    let until = read_date(&keys, "until")?.ok_or_else(|| missing("until"))?;
    let note = keys.string("note")?.ok_or_else(|| missing("note"))?;
    keys.warn_about_unread();
    Ok(Lifecycle::new(until, note))
}

/// Returns whether a path is a key of the entry.
fn path_exists(entry: &Map<String, Value>, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    entry.get(first).is_some_and(|value| rest.is_none_or(|rest| lookup_path(value, rest).is_some()))
}

fn read_date(keys: &KeyReader<'_>, key: &'static str) -> Result<Option<Date>, String> {
    let Some(text) = keys.string(key)? else { return Ok(None) };
    // Exactly ten characters, because the parser also accepts a date with a time.
    let date = text.parse().ok().filter(|_| text.len() == 10);
    date.map(Some).ok_or_else(|| format!("`{}: {text}` is not a date; use the form `2026-12-31`", keys.path(key)))
}

#[cfg(test)]
mod tests {
    use crate::provider::{Catalogue, Evidence};

    const ENTRY: &str = "auth_mode: API_KEY, proxy: { base_url: 'https://a.test', retry: { after: [x-wait] } }";

    fn found(yaml: &str) -> (Vec<String>, Vec<String>) {
        let catalogue = Catalogue::parse(yaml).unwrap();
        let (_, listed) = catalogue.entries().find(|(name, _)| *name == "a").unwrap();
        (listed.problems.clone(), listed.warnings.clone())
    }

    #[track_caller]
    fn check(keys: &str, problems: &[&str], warnings: &[&str]) {
        let (found, found_warnings) = found(&format!("a: {{ {ENTRY}, {keys} }}"));
        assert_eq!(found, problems, "{keys}");
        assert_eq!(found_warnings, warnings, "{keys}");
    }

    #[test]
    fn facts_and_lifecycle_are_read() {
        let yaml = format!(
            "a: {{ {ENTRY}, facts: {{ described_by: 'npm:x', read_on: 2026-11-28, unconfirmed: [proxy.retry.after] }}, \
             lifecycle: {{ until: 2027-04-30, note: use b }} }}\nb: {{ {ENTRY} }}"
        );
        let catalogue = Catalogue::parse(&yaml).unwrap();
        let a = catalogue.find("a").unwrap();
        assert_eq!(a.facts.described_by.as_deref(), Some("npm:x"));
        assert_eq!(a.facts.read_on.map(|day| day.to_string()).as_deref(), Some("2026-11-28"));
        assert_eq!(a.facts.unconfirmed, ["proxy.retry.after"]);
        let lifecycle = a.lifecycle.as_ref().unwrap();
        assert_eq!((lifecycle.until.to_string().as_str(), lifecycle.note.as_str()), ("2027-04-30", "use b"));
        let b = catalogue.find("b").unwrap();
        assert_eq!((b.facts.evidence(), &b.lifecycle), (Evidence::Unconfirmed, &None));
        let counts = catalogue.check().facts;
        assert_eq!((counts.machine_checked, counts.unconfirmed, counts.keys_unconfirmed), (1, 1, 1));
    }

    #[test]
    fn wrong_date_or_missing_key_is_a_problem_and_unknown_path_a_warning() {
        check(
            "facts: { read_on: 2026-13-01 }",
            &["`facts.read_on: 2026-13-01` is not a date; use the form `2026-12-31`"],
            &[],
        );
        check(
            "facts: { read_on: 2026-11-28T10:00 }",
            &["`facts.read_on: 2026-11-28T10:00` is not a date; use the form `2026-12-31`"],
            &[],
        );
        check(
            "lifecycle: { until: soon, note: x }",
            &["`lifecycle.until: soon` is not a date; use the form `2026-12-31`"],
            &[],
        );
        check("lifecycle: { note: x }", &["`lifecycle.until` is missing"], &[]);
        check("lifecycle: { until: 2027-04-30 }", &["`lifecycle.note` is missing"], &[]);
        check(
            "facts: { unconfirmed: [proxy.retry.at] }",
            &[],
            &["`facts.unconfirmed: proxy.retry.at` is not a key of the entry"],
        );
        check("facts: { unconfirmed: [proxy.retry] }", &[], &[]);
    }

    #[test]
    fn alias_inherits_lifecycle_but_not_facts() {
        let keys = "facts: { read_on: 2026-11-28 }, lifecycle: { until: 2027-04-30, note: use b }";
        let catalogue = Catalogue::parse(&format!("a: {{ {ENTRY}, {keys} }}\nb: {{ alias: a }}")).unwrap();
        let b = catalogue.find("b").unwrap();
        assert_eq!((b.facts.evidence(), b.lifecycle.is_some()), (Evidence::Unconfirmed, true));
    }
}
