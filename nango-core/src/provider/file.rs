//! The file format of the catalogue: Nango's.
//!
//! A text becomes entries with places ([`yaml`]), an entry that refers to another takes its keys over ([`alias`]), and
//! its keys become a [`Provider`]. A mistake in a URL, a header or a token request makes the entry unreadable: used
//! without, it would send something else than it says. A mistake in what can be left out (pagination, retries,
//! verification) is a problem that is told. A key that is not known is a warning.
//!
//! Some keys are ours: `accepts`, the kinds of credentials that an entry takes, `proxy.retry.shared`, those of the table
//! below, and in `proxy.paginate` those of the settings of [`Paginate`](crate::declare::Paginate) that Nango's format cannot write:
//!
//! | key | setting |
//! | --- | --- |
//! | `last_item_id` | `id` of a last item, with `type: cursor` |
//! | `has_more_path`, `is_last_path` | `has_more`, `is_last` |
//! | `total_path`, `total_pages_path` | `total`, `total_pages` |
//! | `null_is_empty` | `null_is_empty` |
//! | `end_status` | `end_status`: a list such as `[404]` |
//! | `pagination` | `pagination`: `token` or `position` |
//!
//! | key | meaning |
//! | --- | --- |
//! | `facts.described_by` | the machine-readable description that a test compares the entry with |
//! | `facts.read_on` | the day on which public sources of the entry were read last |
//! | `facts.unconfirmed` | the paths of keys that no public source confirmed |
//! | `lifecycle.until` | the last day on which the entry works |
//! | `lifecycle.note` | the reason and the replacement |
//! | `proxy.retry.limit_wait` | how many seconds to wait after a limit that says no time |
//! | `proxy.verification.error` | an answer of success that is a refusal: `when` is a path, `is` the value there, `message` the path of the provider's message |
//!
//! An alias takes the `lifecycle` of its target over, and not the `facts`.
//!
//! Without `accepts` an entry takes its `auth_mode`, and whatever obtains a token also takes one that somebody else
//! obtained.

mod alias;
mod authorization;
mod facts;
mod field;
mod key_reader;
mod paginate;
mod proxy;
mod token;
mod yaml;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

pub use yaml::SourceLocation;
pub(super) use yaml::{RawEntry, Unreadable, read};

pub(super) use alias::{FACTS, MergedKeys, ResolvedEntries, alias_target, resolve};
use key_reader::{Diagnostics, KeyReader};

use super::{AuthMode, Provider};

/// An entry that could be read, with what was noticed.
pub(super) struct ParsedEntry {
    pub(super) provider: Provider,
    /// What is wrong with it, although it can be used in part.
    pub(super) problems: Vec<String>,
    /// What was passed over.
    pub(super) warnings: Vec<String>,
}

/// Keys that lead to documentation or to code elsewhere, and keys that nothing reads.
const IGNORED_KEYS: [&str; 8] = [
    "alias",
    "auth",
    "decode_url",
    "docs_connect",
    "setup_guide_url",
    "refresh_token_response_metadata",
    "auth_type",
    "availableScopes",
];

/// Keys that name code: what an application does when a connection is made or a webhook comes in.
const HOOK_KEYS: [&str; 6] = [
    "webhook_routing_script",
    "webhook_user_defined_secret",
    "webhook_allowed_query_params",
    "post_connection_script",
    "pre_connection_deletion_script",
    "credentials_verification_script",
];

/// Reads the merged keys of an entry; an error says what is wrong.
pub(super) fn parse_provider(name: &str, map: &Arc<Map<String, Value>>) -> Result<ParsedEntry, String> {
    let notes = Diagnostics::default();
    let mut provider = read_keys(name, map, &notes)?;
    let (problems, warnings) = notes.into_parts();
    provider.raw = Arc::clone(map);
    Ok(ParsedEntry { provider, problems, warnings })
}

fn read_keys(name: &str, map: &Map<String, Value>, notes: &Diagnostics) -> Result<Provider, String> {
    let keys = KeyReader::new("", map, notes);
    keys.ignore(&IGNORED_KEYS);
    let mode: AuthMode = match keys.string("auth_mode")? {
        Some(text) => text.parse().map_err(|error| format!("`auth_mode`: {error}"))?,
        None => return Err("`auth_mode` is missing".to_owned()),
    };
    let mut provider = Provider::new(name, mode);
    provider.display_name = keys.string("display_name")?.unwrap_or_else(|| name.to_owned());
    provider.categories = keys.strings("categories")?;
    provider.docs = keys.string("docs")?;
    let accepts = keys.strings("accepts")?;
    provider.auth = match accepts.as_slice() {
        [] if mode.yields_token() => vec![mode, AuthMode::Bearer],
        [] => vec![mode],
        accepts => {
            let modes = accepts.iter().map(|text| text.parse().map_err(|error| format!("`accepts`: {error}")));
            modes.collect::<Result<_, _>>()?
        }
    };
    provider.token = token::read(&keys, mode)?;
    provider.authorization = authorization::read(&keys, mode)?;
    provider.credentials = field::read(&keys, "credentials");
    provider.config = field::read(&keys, "connection_config");
    provider.integration = field::read(&keys, "integration_config");
    provider.assertion_options = field::read(&keys, "assertion_option");
    let mut learned: BTreeSet<String> = BTreeSet::new();
    for key in ["webhook_response_metadata", "connection_configuration"] {
        learned.extend(keys.strings(key)?);
    }
    learned.extend(provider.token.response.metadata.iter().cloned());
    learned.extend(provider.authorization.redirect_metadata.iter().cloned());
    provider.response_config = learned.into_iter().collect();
    for hook in HOOK_KEYS {
        if let Some(value) = keys.get(hook).filter(|value| value.as_str() != Some("")) {
            provider.hooks.insert(hook.to_owned(), value.clone());
        }
    }
    if let Some(below) = keys.map("proxy")? {
        provider.proxy = proxy::read(below)?;
    }
    let stated = keys.map(FACTS).and_then(|below| below.map(|below| facts::read_facts(below, map)).transpose());
    provider.facts = notes.ok_or_record(stated).flatten().unwrap_or_default();
    let ends = keys.map("lifecycle").and_then(|below| below.map(facts::read_lifecycle).transpose());
    provider.lifecycle = notes.ok_or_record(ends).flatten();
    keys.warn_about_unread();
    Ok(provider)
}
