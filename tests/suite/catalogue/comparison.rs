//! Comparison of two catalogues, fact by fact. It stores names and keys, never a value of the other catalogue.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use nango_tests::Registry;
use serde_json::Value;

use super::differences::REVIEWED;

/// Number of built-in entries that the other catalogue has under the same or another name.
pub(super) const ENTRIES: usize = 80;

/// Entries for the same API and auth mode under another name, ours first. An entry that is not in this list is compared
/// with the entry of its own name.
const RENAMED_ENTRIES: [(&str, &str); 8] = [
    ("bamboohr", "bamboohr-basic"),
    ("bamboohr-oauth", "bamboohr"),
    ("confluence", "confluence-basic"),
    ("confluence-oauth", "confluence"),
    ("greenhouse", "greenhouse-harvest-oauth2-cc"),
    ("jira", "jira-basic"),
    ("jira-oauth", "jira"),
    ("stripe", "stripe-api-key"),
];

/// The facts that are compared, as paths into an entry.
const FACTS: [&str; 13] = [
    "authorization_url",
    "token_url",
    "scope_separator",
    "proxy.base_url",
    "proxy.paginate.cursor_name_in_request",
    "proxy.paginate.cursor_path_in_response",
    "proxy.paginate.offset_name_in_request",
    "proxy.paginate.limit_name_in_request",
    "proxy.paginate.link_rel_in_response_header",
    "proxy.paginate.link_path_in_response_body",
    "proxy.paginate.response_path",
    "proxy.verification.method",
    "proxy.verification.endpoints",
];

/// One fact of an entry: entry name and path.
type Fact = (String, &'static str);

/// Result of comparing the facts of two catalogues.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) entries: usize,
    same: BTreeMap<&'static str, usize>,
    different: BTreeSet<Fact>,
    only_ours: usize,
    only_theirs: usize,
}

impl Comparison {
    /// Returns the differences that are not in [`REVIEWED`].
    pub(super) fn unlisted(&self) -> Vec<&Fact> {
        let listed = |fact: &&Fact| !REVIEWED.contains(&(fact.0.as_str(), fact.1));
        self.different.iter().filter(listed).collect()
    }

    /// Returns the listed differences that do not exist any more.
    pub(super) fn outdated(&self) -> Vec<(&'static str, &'static str)> {
        REVIEWED.into_iter().filter(|(name, path)| !self.different.contains(&((*name).to_owned(), *path))).collect()
    }
}

/// Prints counts only, never values.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, same, different, only_ours, only_theirs } = self;
        writeln!(f, "{entries} entries; facts in one catalogue only: {only_ours} built-in, {only_theirs} other")?;
        for path in FACTS {
            let differ = different.iter().filter(|(_, known)| *known == path).count();
            writeln!(f, "{path}: {} same, {differ} different", same.get(path).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Compares the built-in entries with those of a file.
pub(super) fn run(registry: &Registry, file: &str) -> Comparison {
    let rows = registry.json(["providers", "list", "--json"]);
    let theirs = registry.json(["providers", "list", "--providers", file, "--json"]);
    let name = |row: &Value| row["name"].as_str().expect("a name").to_owned();
    let known: BTreeSet<String> =
        theirs.as_array().expect("a list").iter().filter(|row| row["file"].is_string()).map(name).collect();
    let mut compared = Comparison::default();
    for name in rows.as_array().expect("a list").iter().map(name) {
        let other = RENAMED_ENTRIES.iter().find(|(ours, _)| *ours == name).map_or(name.as_str(), |(_, other)| *other);
        if !known.contains(other) {
            continue;
        }
        let ours = registry.json(["providers", "show", &name, "--json"]);
        let theirs = registry.json(["providers", "show", other, "--providers", file, "--json"]);
        compared.entries += 1;
        for path in FACTS {
            compared.add(&name, path, &values(&ours["entry"], path), &values(&theirs["entry"], path));
        }
    }
    compared
}

impl Comparison {
    fn add(&mut self, name: &str, path: &'static str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
        match (ours.is_empty(), theirs.is_empty()) {
            (true, true) => {}
            (false, true) => self.only_ours += 1,
            (true, false) => self.only_theirs += 1,
            (false, false) if ours.is_disjoint(theirs) => {
                self.different.insert((name.to_owned(), path));
            }
            (false, false) => *self.same.entry(path).or_default() += 1,
        }
    }
}

/// Returns the values of a fact: alternatives of a template, or items of a list. Names of configuration fields are
/// replaced by `*`.
fn values(entry: &Value, path: &str) -> BTreeSet<String> {
    let value = path.split('.').try_fold(entry, |value, key| value.get(key));
    let texts: Vec<&str> = match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().flat_map(|text| text.split("||")).map(normalized).collect()
}

/// Normalizes a template: replaces names by `*` and removes slashes at the ends, which make no difference in a URL.
fn normalized(text: &str) -> String {
    let mut normalized = String::new();
    let mut rest = text.trim();
    while let Some((before, behind)) = rest.split_once("${") {
        normalized.push_str(before);
        normalized.push('*');
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    normalized.push_str(rest);
    normalized.trim_matches('/').to_owned()
}
