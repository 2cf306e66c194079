//! Providers: what the catalogue knows.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    declare::PaginateKind,
    provider::{Check, Finding, Listed, Provider},
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
}

impl<'a> ProviderRow<'a> {
    /// The row of an entry.
    pub fn new(provider: &'a Provider, listed: &Listed) -> Self {
        Self {
            name: &provider.name,
            display_name: &provider.display_name,
            categories: &provider.categories,
            auth_mode: provider.mode.stored_name(),
            accepts: provider.auth.iter().map(|mode| mode.stored_name()).collect(),
            pagination: provider.proxy.paginate.as_ref().and_then(|pages| pages.kind.as_ref()).map(PaginateKind::name),
            docs: provider.docs.as_deref(),
            file: listed.origin.file.as_ref().map(|file| file.display().to_string()),
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
    pub fn new(provider: &'a Provider, listed: &Listed) -> Self {
        let (problems, warnings) = listed.findings();
        Self {
            row: ProviderRow::new(provider, listed),
            required_config: provider.needed_config(),
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
    problems: Vec<ProblemJson<'a>>,
    /// What was passed over.
    warnings: Vec<ProblemJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ProblemJson<'a> {
    provider: &'a str,
    reason: &'a str,
}

impl<'a> ProviderCheckJson<'a> {
    /// The JSON of a check.
    pub fn new(check: &'a Check) -> Self {
        let all = |findings: &'a [Finding]| {
            findings.iter().map(|found| ProblemJson { provider: &found.provider, reason: &found.reason }).collect()
        };
        Self {
            total: check.total,
            usable: check.usable,
            problems: all(&check.problems),
            warnings: all(&check.warnings),
        }
    }
}
