//! JSON of providers, from the catalogue.

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    declare::PaginateKind,
    provider::{CatalogueEntry, CatalogueReport, FactCounts, Facts, Finding, Lifecycle, Provider},
};

/// Provider as an entry of a list.
#[derive(Debug, Serialize)]
pub(crate) struct ProviderRow<'a> {
    /// Name in the catalogue.
    pub name: &'a str,
    /// Display name.
    pub display_name: &'a str,
    /// Categories in the catalogue.
    pub categories: &'a [String],
    /// Auth mode that the entry describes, such as `OAUTH2`.
    pub auth_mode: &'static str,
    /// Auth modes that it accepts, the default first.
    pub accepts: Vec<&'static str>,
    /// Pagination of its lists: `link`, `cursor` or `offset`; `None` if they have no common one.
    pub pagination: Option<&'static str>,
    /// URL of its documentation.
    pub docs: Option<&'a str>,
    /// File of the entry; `None` if it is built in.
    pub file: Option<String>,
    facts: FactsJson<'a>,
    lifecycle: Option<LifecycleJson<'a>>,
}

/// Evidence for the facts of an entry: `state` is `machine_checked`, `source_read` or `unconfirmed`.
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

/// End of support of an entry: `until` is the last day on which it works, and `days_left` is `null` after that day.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Lifecycle")]
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
    /// Creates the row of an entry.
    pub(crate) fn new(provider: &'a Provider, listed: &CatalogueEntry, today: Date) -> Self {
        Self {
            name: &provider.name,
            display_name: &provider.display_name,
            categories: &provider.categories,
            auth_mode: provider.auth_mode.stored_name(),
            accepts: provider.accepted_modes.iter().map(|mode| mode.stored_name()).collect(),
            pagination: provider.proxy.paginate.as_ref().and_then(|pages| pages.kind.as_ref()).map(PaginateKind::name),
            docs: provider.docs.as_deref(),
            file: listed.origin.file.as_ref().map(|file| file.display().to_string()),
            facts: FactsJson::new(&provider.facts),
            lifecycle: provider.lifecycle.as_ref().map(|lifecycle| LifecycleJson::new(lifecycle, today)),
        }
    }
}

/// Details of a single provider.
#[derive(Debug, Serialize)]
pub(crate) struct ProviderDetail<'a> {
    #[serde(flatten)]
    row: ProviderRow<'a>,
    /// Configuration values that a connection requires, beside its credentials.
    required_config: Vec<&'a str>,
    /// Reasons why it cannot be used.
    problems: Vec<String>,
    /// Parts of the entry that are ignored.
    warnings: Vec<String>,
    /// Fields of the entry as written, merged with those of its alias.
    entry: &'a Map<String, Value>,
}

impl<'a> ProviderDetail<'a> {
    /// Creates the details of an entry.
    pub(crate) fn new(provider: &'a Provider, listed: &CatalogueEntry, today: Date) -> Self {
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

/// Result of a check of the catalogue.
#[derive(Debug, Serialize)]
pub(crate) struct ProviderCheckJson<'a> {
    /// Number of entries.
    total: usize,
    /// Number of entries that can be used.
    usable: usize,
    /// Reasons why the others cannot be used.
    problems: Vec<FindingJson<'a>>,
    /// Parts of entries that are ignored.
    warnings: Vec<FindingJson<'a>>,
    /// Number of entries per state of evidence.
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
    /// Creates the JSON of a check.
    pub(crate) fn new(check: &'a CatalogueReport) -> Self {
        let to_json = |findings: &'a [Finding]| {
            findings.iter().map(|found| FindingJson { provider: &found.provider, reason: &found.reason }).collect()
        };
        Self {
            total: check.total,
            usable: check.usable,
            problems: to_json(&check.problems),
            warnings: to_json(&check.warnings),
            facts: FactCountsJson::new(check.facts),
        }
    }
}
