//! Comparison of one entry with descriptions.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use nango_tests::descriptions::{Description, Descriptions, Operation};

use super::address::{has_variable_host, path, same_address, same_host, same_path};
use super::entry::Entry;

/// The result of a check of one entry.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The keys that a description confirms, and how.
    pub(super) confirmed: Vec<(&'static str, String)>,
    /// The keys that a description contradicts.
    pub(super) mismatches: Vec<Mismatch>,
    /// The keys that no description mentions.
    pub(super) undocumented: Vec<&'static str>,
}

/// A key of an entry that a description contradicts.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) key: &'static str,
    ours: String,
    theirs: String,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: ours is {}, the description has {}", self.key, self.ours, self.theirs)
    }
}

impl Report {
    fn add_mismatch(&mut self, key: &'static str, ours: impl Into<String>, theirs: impl Into<String>) {
        self.mismatches.push(Mismatch { key, ours: ours.into(), theirs: theirs.into() });
    }

    /// Returns whether the verification or the pagination was confirmed; for an entry with neither, the base address.
    pub(super) fn is_confirmed(&self, entry: &Entry) -> bool {
        let has = |key: &str| self.confirmed.iter().any(|(found, _)| *found == key);
        let alone = entry.probe().is_none() && !entry.has_pagination();
        has("verification") || has("paginate") || (alone && has("base_url"))
    }
}

/// Operations of several descriptions, with the fields of their responses.
struct CoveredOperations<'a>(Vec<(&'a Operation, &'a BTreeSet<String>)>);

impl<'a> CoveredOperations<'a> {
    fn response_fields(&self, operation: &Operation) -> &'a BTreeSet<String> {
        static NOTHING: BTreeSet<String> = BTreeSet::new();
        self.0.iter().find(|(one, _)| std::ptr::eq(*one, operation)).map_or(&NOTHING, |(_, fields)| fields)
    }

    fn operations(&self) -> impl Iterator<Item = &'a Operation> {
        self.0.iter().map(|(operation, _)| *operation)
    }
}

/// Compares an entry with the descriptions that cover it. `gateway` is a base address that only the entry has.
pub(super) fn check(entry: &Entry, all: &Descriptions, covering: &[&str], gateway: Option<&str>) -> Report {
    let descriptions: Vec<&Description> = covering.iter().map(|name| all.description(name)).collect();
    let operations = descriptions.iter().flat_map(|one| &one.operations);
    let operations =
        CoveredOperations(operations.map(|operation| (operation, all.response_fields(operation))).collect());
    let servers: Vec<&str> = descriptions.iter().flat_map(|one| &one.servers).map(String::as_str).collect();
    let sign_in: Vec<&str> = descriptions.iter().flat_map(|one| &one.sign_in).map(String::as_str).collect();
    let mut report = Report::default();
    check_base_url(&mut report, entry, &servers, gateway);
    check_sign_in_addresses(&mut report, entry, &sign_in);
    check_verification(&mut report, entry, &operations, &servers, gateway);
    if entry.has_pagination() {
        check_pagination(&mut report, entry, &operations);
    }
    report
}

fn check_base_url(report: &mut Report, entry: &Entry, servers: &[&str], gateway: Option<&str>) {
    let bases = entry.bases();
    let known = bases.iter().filter(|base| !has_variable_host(base) && gateway != Some(base));
    let known: Vec<_> = known.collect();
    if servers.is_empty() || known.is_empty() {
        report.undocumented.push("base_url");
    } else if let Some(server) = servers.iter().find(|server| known.iter().any(|base| same_host(base, server))) {
        report.confirmed.push(("base_url", (*server).to_owned()));
    } else {
        report.add_mismatch("base_url", bases.join(" || "), join_first(servers.iter().copied()));
    }
}

fn check_sign_in_addresses(report: &mut Report, entry: &Entry, sign_in: &[&str]) {
    for (key, ours) in entry.sign_in() {
        let theirs = sign_in.iter().filter_map(|described| described.split_once(' ')).filter(|(kind, _)| *kind == key);
        let theirs: Vec<_> = theirs.map(|(_, address)| address).collect();
        if theirs.is_empty() {
            report.undocumented.push(key);
        } else if let Some(same) = theirs.iter().find(|theirs| ours.iter().any(|ours| same_address(ours, theirs))) {
            report.confirmed.push((key, (*same).to_owned()));
        } else {
            report.add_mismatch(key, ours.join(" || "), join_first(theirs.iter().copied()));
        }
    }
}

fn check_verification(
    report: &mut Report,
    entry: &Entry,
    all: &CoveredOperations<'_>,
    servers: &[&str],
    gateway: Option<&str>,
) {
    const KEY: &str = "verification";
    let Some(probe) = entry.probe() else { return };
    let is_described = |base: &String| !has_variable_host(base) && servers.iter().any(|server| same_host(base, server));
    if probe.has_own_base_url && !probe.bases.iter().any(is_described) {
        report.undocumented.push(KEY);
        return;
    }
    let matches_path = |operation: &Operation, endpoint: &str| {
        let path_of = |base: &String| match gateway {
            Some(gateway) if gateway == base => path(endpoint).to_owned(),
            _ => path(&format!("{base}{endpoint}")).to_owned(),
        };
        probe.bases.iter().any(|base| same_path(&path_of(base), &operation.path))
    };
    for endpoint in &probe.endpoints {
        let at_path: Vec<_> = all.operations().filter(|operation| matches_path(operation, endpoint)).collect();
        if let Some(operation) = at_path.iter().find(|operation| operation.method == probe.method) {
            report.confirmed.push((KEY, format!("{} {}", operation.method, operation.path)));
            let fields = all.response_fields(operation);
            for field in probe.response_fields.iter().filter(|field| !fields.contains(*field)) {
                report.add_mismatch(
                    KEY,
                    field,
                    join_first(fields.iter().filter(|path| path.matches('.').count() == 1)),
                );
            }
            continue;
        }
        let last = path(endpoint).trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let similar = all.operations().filter(|operation| operation.path.contains(last));
        let theirs =
            at_path.into_iter().chain(similar).map(|operation| format!("{} {}", operation.method, operation.path));
        report.add_mismatch(KEY, format!("{} {endpoint}", probe.method), join_first(theirs));
    }
}

fn check_pagination(report: &mut Report, entry: &Entry, all: &CoveredOperations<'_>) {
    let takes = |operation: &Operation, name: &str| {
        let in_query = operation.method == "GET" && operation.query.contains(name);
        if entry.paginates_in_body() { operation.body.contains(name) } else { in_query }
    };
    let is_known = |name: &str| all.operations().any(|operation| takes(operation, name));
    let (known, unknown): (Vec<_>, Vec<_>) = entry.request_names().into_iter().partition(|(_, name)| is_known(name));
    for (key, name) in unknown {
        report.add_mismatch(key, name, common_parameters(all));
    }
    let takes_all = |operation: &Operation| known.iter().all(|(_, name)| takes(operation, name));
    let lists: Vec<_> = all.0.iter().filter(|(operation, _)| takes_all(operation)).collect();
    if known.is_empty() {
        return;
    }
    if lists.is_empty() {
        report.add_mismatch("paginate", "names that one list accepts together", common_parameters(all));
        return;
    }
    for (key, name) in known {
        report.confirmed.push((key, format!("`{name}` at {} lists", lists.len())));
    }
    let complete = check_response_paths(report, entry, &lists);
    if entry.has_link_header() {
        let linking = lists.iter().filter(|(operation, _)| operation.headers.contains("link")).count();
        match linking {
            0 => report.undocumented.push("link_rel_in_response_header"),
            _ => report.confirmed.push(("link_rel_in_response_header", format!("at {linking} lists"))),
        }
    }
    match complete {
        0 => report.add_mismatch("paginate", "keys of the response that one list has together", "each at other lists"),
        _ => report.confirmed.push(("paginate", format!("as a whole at {complete} lists"))),
    }
}

/// Compares the response paths of `paginate` with the responses of lists. Returns the number of lists that have all of
/// them.
fn check_response_paths(report: &mut Report, entry: &Entry, lists: &[&(&Operation, &BTreeSet<String>)]) -> usize {
    // A list without a described response cannot be compared.
    let readable: Vec<_> = lists.iter().filter(|(_, fields)| !fields.is_empty()).collect();
    let mut complete = readable.clone();
    for (key, path) in entry.response_paths() {
        let has = |fields: &BTreeSet<String>| match key {
            "response_path" => fields.contains(&format!("{path}[]")),
            "last_item_id" => has_identifier(fields, entry.records(), path),
            _ => fields.contains(path),
        };
        let having = readable.iter().filter(|(_, fields)| has(fields)).count();
        if readable.is_empty() {
            report.undocumented.push(key);
        } else if having == 0 {
            let theirs = readable.iter().take(3).map(|(operation, fields)| describe_fields(operation, fields));
            report.add_mismatch(key, path, join_first(theirs));
        } else {
            report.confirmed.push((key, format!("`{path}` at {having} of {} lists", readable.len())));
            complete.retain(|(_, fields)| has(fields));
        }
    }
    if readable.is_empty() { lists.len() } else { complete.len() }
}

/// Returns whether the records of a response have a field. Without a path, any list in the response may contain the
/// records.
fn has_identifier(fields: &BTreeSet<String>, records: Option<&str>, name: &str) -> bool {
    match records {
        Some(records) => fields.contains(&format!("{records}[].{name}")),
        None => fields.iter().any(|path| path.split_once("[].").is_some_and(|(_, inner)| inner == name)),
    }
}

/// Returns the most frequent query parameters of GET operations, with counts.
fn common_parameters(all: &CoveredOperations<'_>) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for operation in all.operations().filter(|operation| operation.method == "GET") {
        for name in &operation.query {
            *counts.entry(name).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    join_first(counts.into_iter().map(|(name, count)| format!("{name} ({count})")))
}

fn describe_fields(operation: &Operation, fields: &BTreeSet<String>) -> String {
    let names: Vec<_> = fields.iter().filter(|path| !path.contains("[].")).take(12).map(String::as_str).collect();
    format!("{} with {}", operation.path, names.join(", "))
}

/// Joins the first eight texts.
fn join_first(all: impl Iterator<Item = impl Display>) -> String {
    const MOST: usize = 8;
    let texts: Vec<_> = all.take(MOST + 1).map(|one| one.to_string()).collect();
    match texts.len() {
        0 => "nothing like it".to_owned(),
        count if count > MOST => texts[..MOST].join("; ") + "; …",
        _ => texts.join("; "),
    }
}
