//! Providers: what the catalogue knows.

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    declare::PaginateKind,
    provider::{CatalogueEntry, CatalogueReport, FactCounts, Facts, Finding, Lifecycle, Provider},
};

/// A provider in a list.
#[derive(Debug, Serialize)]
pub struct ProviderRow<'a> {
    /// The name in the catalogue.
    pub name: &'a str,
    /// The name for people.
    pub display_name: &'a str,
    /// What it is about.
    pub categories: &'a [String],
    /// The kind of credentials that the entry describes: `OAUTH2`.
    pub auth_mode: &'static str,
    /// The kinds that it takes, the usual one first.
    pub accepts: Vec<&'static str>,
    /// How pages are found: `link`, `cursor` or `offset`; `None`: lists have no way in common.
    pub pagination: Option<&'static str>,
    /// Where its documentation is.
    pub docs: Option<&'a str>,
    /// The file that it comes from; `None`: it is built in.
    pub file: Option<String>,
    facts: FactsJson<'a>,
    lifecycle: Option<LifecycleJson<'a>>,
}

/// The sources of an entry: `state` is `machine_checked`, `source_read` or `unconfirmed`.
#[derive(Debug, Serialize)]
struct FactsJson<'a> {
    state: &'static str,
    described_by: Option<&'a str>,
    read_on: Option<String>,
    unconfirmed: &'a [String],
}

impl<'a> FactsJson<'a> {
    fn new(facts: &'a Facts) -> Self {
        Self {
            state: facts.evidence().name(),
            described_by: facts.described_by.as_deref(),
            read_on: facts.read_on.map(|day| day.to_string()),
            unconfirmed: &facts.unconfirmed,
        }
    }
}

/// When an entry stops working: `days_left` is `null` once it has ended.
#[derive(Debug, Serialize)]
pub(super) struct LifecycleJson<'a> {
    until: String,
    note: &'a str,
    ended: bool,
    days_left: Option<u32>,
}

impl<'a> LifecycleJson<'a> {
    pub(super) fn new(lifecycle: &'a Lifecycle, today: Date) -> Self {
        Self {
            until: lifecycle.until.to_string(),
            note: &lifecycle.note,
            ended: lifecycle.has_ended(today),
            days_left: lifecycle.days_left(today),
        }
    }
}

impl<'a> ProviderRow<'a> {
    /// The row of an entry.
    pub fn new(provider: &'a Provider, listed: &CatalogueEntry, today: Date) -> Self {
        Self {
            name: &provider.name,
            display_name: &provider.display_name,
            categories: &provider.categories,
            auth_mode: provider.auth_mode.stored_name(),
            accepts: provider.auth.iter().map(|mode| mode.stored_name()).collect(),
            pagination: provider.proxy.paginate.as_ref().and_then(|pages| pages.kind.as_ref()).map(PaginateKind::name),
            docs: provider.docs.as_deref(),
            file: listed.origin.file.as_ref().map(|file| file.display().to_string()),
            facts: FactsJson::new(&provider.facts),
            lifecycle: provider.lifecycle.as_ref().map(|lifecycle| LifecycleJson::new(lifecycle, today)),
        }
    }
}

/// A provider alone.
#[derive(Debug, Serialize)]
pub struct ProviderDetail<'a> {
    #[serde(flatten)]
    row: ProviderRow<'a>,
    /// What a connection cannot do without, beside its credentials.
    required_config: Vec<&'a str>,
    /// What keeps it from being used.
    problems: Vec<String>,
    /// What was passed over.
    warnings: Vec<String>,
    /// The entry as it is written, with what its alias brought.
    entry: &'a Map<String, Value>,
}

impl<'a> ProviderDetail<'a> {
    /// The detail of an entry.
    pub fn new(provider: &'a Provider, listed: &CatalogueEntry, today: Date) -> Self {
        let (problems, warnings) = listed.findings();
        Self {
            row: ProviderRow::new(provider, listed, today),
            required_config: provider.required_config(),
            problems,
            warnings,
            entry: &provider.raw,
        }
    }
}

/// What a check of the catalogue found.
#[derive(Debug, Serialize)]
pub struct ProviderCheckJson<'a> {
    /// How many entries there are.
    total: usize,
    /// How many of them can be used.
    usable: usize,
    /// Why the others cannot.
    problems: Vec<FindingJson<'a>>,
    /// What was passed over.
    warnings: Vec<FindingJson<'a>>,
    /// How well the facts of the entries are supported.
    facts: FactCountsJson,
}

#[derive(Debug, Serialize)]
struct FactCountsJson {
    machine_checked: usize,
    source_read: usize,
    unconfirmed: usize,
    keys_unconfirmed: usize,
}

impl FactCountsJson {
    fn new(counts: FactCounts) -> Self {
        let FactCounts { machine_checked, source_read, unconfirmed, keys_unconfirmed } = counts;
        Self { machine_checked, source_read, unconfirmed, keys_unconfirmed }
    }
}

#[derive(Debug, Serialize)]
struct FindingJson<'a> {
    provider: &'a str,
    reason: &'a str,
}

impl<'a> ProviderCheckJson<'a> {
    /// The JSON of a check.
    pub fn new(check: &'a CatalogueReport) -> Self {
        let all = |findings: &'a [Finding]| {
            findings.iter().map(|found| FindingJson { provider: &found.provider, reason: &found.reason }).collect()
        };
        Self {
            total: check.total,
            usable: check.usable,
            problems: all(&check.problems),
            warnings: all(&check.warnings),
            facts: FactCountsJson::new(check.facts),
        }
    }
}
