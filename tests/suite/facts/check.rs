//! The check that holds an entry against descriptions.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use nango_tests::descriptions::{Description, Descriptions, Operation};

use super::address::{any_host, path, same_address, same_host, same_path};
use super::entry::Entry;

/// The result of a check of one entry.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The keys that a description confirms, and how.
    pub(super) found: Vec<(&'static str, String)>,
    /// The keys that a description contradicts.
    pub(super) wrong: Vec<Wrong>,
    /// The keys of which no description speaks.
    pub(super) silent: Vec<&'static str>,
}

/// A key of an entry that a description contradicts.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) key: &'static str,
    ours: String,
    theirs: String,
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: ours is {}, the description has {}", self.key, self.ours, self.theirs)
    }
}

impl Report {
    fn wrong(&mut self, key: &'static str, ours: impl Into<String>, theirs: impl Into<String>) {
        self.wrong.push(Wrong { key, ours: ours.into(), theirs: theirs.into() });
    }

    /// Returns whether something of weight was confirmed: the verification or the pagination; for an entry with neither
    /// of them, the base address.
    pub(super) fn counts(&self, entry: &Entry) -> bool {
        let has = |key: &str| self.found.iter().any(|(found, _)| *found == key);
        let alone = entry.probe().is_none() && !entry.has_pages();
        has("verification") || has("paginate") || (alone && has("base_url"))
    }
}

/// Operations of several descriptions, with what is in their answers.
struct Operations<'a>(Vec<(&'a Operation, &'a BTreeSet<String>)>);

impl<'a> Operations<'a> {
    fn answer(&self, operation: &Operation) -> &'a BTreeSet<String> {
        static NOTHING: BTreeSet<String> = BTreeSet::new();
        self.0.iter().find(|(one, _)| std::ptr::eq(*one, operation)).map_or(&NOTHING, |(_, answer)| answer)
    }

    fn operations(&self) -> impl Iterator<Item = &'a Operation> {
        self.0.iter().map(|(operation, _)| *operation)
    }
}

/// Holds an entry against the descriptions that cover it. `gateway` is an address that only the entry has in front.
pub(super) fn check(entry: &Entry, all: &Descriptions, covering: &[&str], gateway: Option<&str>) -> Report {
    let descriptions: Vec<&Description> = covering.iter().map(|name| all.get(name)).collect();
    let operations = descriptions.iter().flat_map(|one| &one.operations);
    let operations = Operations(operations.map(|operation| (operation, all.answer(operation))).collect());
    let servers: Vec<&str> = descriptions.iter().flat_map(|one| &one.servers).map(String::as_str).collect();
    let sign_in: Vec<&str> = descriptions.iter().flat_map(|one| &one.sign_in).map(String::as_str).collect();
    let mut report = Report::default();
    base(&mut report, entry, &servers, gateway);
    addresses(&mut report, entry, &sign_in);
    verification(&mut report, entry, &operations, &servers, gateway);
    if entry.has_pages() {
        pages(&mut report, entry, &operations);
    }
    report
}

fn base(report: &mut Report, entry: &Entry, servers: &[&str], gateway: Option<&str>) {
    let bases = entry.bases();
    let says = bases.iter().filter(|base| !any_host(base) && gateway != Some(base));
    let says: Vec<_> = says.collect();
    if servers.is_empty() || says.is_empty() {
        report.silent.push("base_url");
    } else if let Some(server) = servers.iter().find(|server| says.iter().any(|base| same_host(base, server))) {
        report.found.push(("base_url", (*server).to_owned()));
    } else {
        report.wrong("base_url", bases.join(" || "), listed(servers.iter().copied()));
    }
}

fn addresses(report: &mut Report, entry: &Entry, sign_in: &[&str]) {
    for (key, ours) in entry.sign_in() {
        let theirs = sign_in.iter().filter_map(|line| line.split_once(' ')).filter(|(kind, _)| *kind == key);
        let theirs: Vec<_> = theirs.map(|(_, address)| address).collect();
        if theirs.is_empty() {
            report.silent.push(key);
        } else if let Some(same) = theirs.iter().find(|theirs| ours.iter().any(|ours| same_address(ours, theirs))) {
            report.found.push((key, (*same).to_owned()));
        } else {
            report.wrong(key, ours.join(" || "), listed(theirs.iter().copied()));
        }
    }
}

fn verification(report: &mut Report, entry: &Entry, all: &Operations<'_>, servers: &[&str], gateway: Option<&str>) {
    const KEY: &str = "verification";
    let Some(probe) = entry.probe() else { return };
    let is_described = |base: &String| !any_host(base) && servers.iter().any(|server| same_host(base, server));
    if probe.elsewhere && !probe.bases.iter().any(is_described) {
        report.silent.push(KEY);
        return;
    }
    let fits = |operation: &Operation, endpoint: &str| {
        let path_of = |base: &String| match gateway {
            Some(gateway) if gateway == base => path(endpoint).to_owned(),
            _ => path(&format!("{base}{endpoint}")).to_owned(),
        };
        probe.bases.iter().any(|base| same_path(&path_of(base), &operation.path))
    };
    for endpoint in &probe.endpoints {
        let there: Vec<_> = all.operations().filter(|operation| fits(operation, endpoint)).collect();
        if let Some(operation) = there.iter().find(|operation| operation.method == probe.method) {
            report.found.push((KEY, format!("{} {}", operation.method, operation.path)));
            let answer = all.answer(operation);
            for place in probe.asked.iter().filter(|place| !answer.contains(*place)) {
                report.wrong(KEY, place, listed(answer.iter().filter(|path| path.matches('.').count() == 1)));
            }
            continue;
        }
        let last = path(endpoint).trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let alike = all.operations().filter(|operation| operation.path.contains(last));
        let theirs = there.into_iter().chain(alike).map(|operation| format!("{} {}", operation.method, operation.path));
        report.wrong(KEY, format!("{} {endpoint}", probe.method), listed(theirs));
    }
}

fn pages(report: &mut Report, entry: &Entry, all: &Operations<'_>) {
    let takes = |operation: &Operation, name: &str| {
        let in_query = operation.method == "GET" && operation.query.contains(name);
        if entry.pages_in_body() { operation.body.contains(name) } else { in_query }
    };
    let is_known = |name: &str| all.operations().any(|operation| takes(operation, name));
    let (known, unknown): (Vec<_>, Vec<_>) = entry.request_names().into_iter().partition(|(_, name)| is_known(name));
    for (key, name) in unknown {
        report.wrong(key, name, common(all));
    }
    let takes_all = |operation: &Operation| known.iter().all(|(_, name)| takes(operation, name));
    let lists: Vec<_> = all.0.iter().filter(|(operation, _)| takes_all(operation)).collect();
    if known.is_empty() {
        return;
    }
    if lists.is_empty() {
        report.wrong("paginate", "names that one list takes together", common(all));
        return;
    }
    for (key, name) in known {
        report.found.push((key, format!("`{name}` at {} lists", lists.len())));
    }
    let whole = answers(report, entry, &lists);
    if entry.has_link_header() {
        let linking = lists.iter().filter(|(operation, _)| operation.headers.contains("link")).count();
        match linking {
            0 => report.silent.push("link_rel_in_response_header"),
            _ => report.found.push(("link_rel_in_response_header", format!("at {linking} lists"))),
        }
    }
    match whole {
        0 => report.wrong("paginate", "keys of the answer that one list has together", "each at other lists"),
        _ => report.found.push(("paginate", format!("as a whole at {whole} lists"))),
    }
}

/// Holds what `paginate` says of answers against those of lists, and counts the lists that have all of it.
fn answers(report: &mut Report, entry: &Entry, lists: &[&(&Operation, &BTreeSet<String>)]) -> usize {
    // Of a list whose answer is not described, nothing can be said.
    let readable: Vec<_> = lists.iter().filter(|(_, answer)| !answer.is_empty()).collect();
    let mut whole = readable.clone();
    for (key, path) in entry.answer_paths() {
        let has = |answer: &BTreeSet<String>| match key {
            "response_path" => answer.contains(&format!("{path}[]")),
            "last_item_id" => has_identifier(answer, entry.records(), path),
            _ => answer.contains(path),
        };
        let having = readable.iter().filter(|(_, answer)| has(answer)).count();
        if readable.is_empty() {
            report.silent.push(key);
        } else if having == 0 {
            let theirs = readable.iter().take(3).map(|(operation, answer)| shown(operation, answer));
            report.wrong(key, path, listed(theirs));
        } else {
            report.found.push((key, format!("`{path}` at {having} of {} lists", readable.len())));
            whole.retain(|(_, answer)| has(answer));
        }
    }
    if readable.is_empty() { lists.len() } else { whole.len() }
}

/// Returns whether the records of an answer have a name. Without a path, any list of the answer may hold the records.
fn has_identifier(answer: &BTreeSet<String>, records: Option<&str>, name: &str) -> bool {
    match records {
        Some(records) => answer.contains(&format!("{records}[].{name}")),
        None => answer.iter().any(|path| path.split_once("[].").is_some_and(|(_, inner)| inner == name)),
    }
}

/// Returns the parameters that most lists take.
fn common(all: &Operations<'_>) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for operation in all.operations().filter(|operation| operation.method == "GET") {
        for name in &operation.query {
            *counts.entry(name).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    listed(counts.into_iter().map(|(name, count)| format!("{name} ({count})")))
}

fn shown(operation: &Operation, answer: &BTreeSet<String>) -> String {
    let names: Vec<_> = answer.iter().filter(|path| !path.contains("[].")).take(12).map(String::as_str).collect();
    format!("{} with {}", operation.path, names.join(", "))
}

/// Joins the first few texts.
fn listed(all: impl Iterator<Item = impl Display>) -> String {
    const MOST: usize = 8;
    let texts: Vec<_> = all.take(MOST + 1).map(|one| one.to_string()).collect();
    match texts.len() {
        0 => "nothing like it".to_owned(),
        count if count > MOST => texts[..MOST].join("; ") + "; …",
        _ => texts.join("; "),
    }
}
