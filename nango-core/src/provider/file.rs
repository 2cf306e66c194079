//! The file format of the catalogue, which is Nango's.
//!
//! A text is parsed into entries with locations ([`yaml`]), an entry inherits the keys of its alias ([`alias`]), and
//! its keys are converted into a [`Provider`]. An error in a URL, a header or a token request makes the entry
//! unreadable, because requests without it would be wrong. An error in an optional part (pagination, retries,
//! verification) is reported as a problem, and the part is omitted. An unknown key is reported as a warning.
//!
//! Extensions of Nango's format are `accepts` (the accepted auth modes), `proxy.retry.shared`, the keys of the second
//! table below, and in `proxy.paginate` the settings of [`Paginate`](crate::declare::Paginate) that Nango's format does
//! not have:
//!
//! | key | setting |
//! | --- | --- |
//! | `last_item_id` | `id` of a last item, with `type: cursor` |
//! | `response_key` | `response_key`, with a `response_path` that ends with `.*` |
//! | `has_more_path`, `is_last_path` | `has_more`, `is_last` |
//! | `total_path`, `total_pages_path` | `total`, `total_pages` |
//! | `null_is_empty` | `null_is_empty` |
//! | `end_status` | `end_status`: a list such as `[404]` |
//! | `pagination` | `pagination`: `token` or `position` |
//!
//! | key | meaning |
//! | --- | --- |
//! | `facts.described_by` | machine-readable description that a test compares with the entry |
//! | `facts.read_on` | day on which public sources of the entry were last read |
//! | `facts.unconfirmed` | paths of keys that no public source confirmed |
//! | `lifecycle.until` | last day on which the entry works |
//! | `lifecycle.note` | reason and replacement |
//! | `proxy.retry.limit_wait` | seconds to wait after a rate limit response without a time |
//! | `proxy.error` | error in a response with a success status, or a list of them: `when` and `is`, or `path`; `message`, `partial` |
//! | `proxy.verification.error` | successful response that is a rejection: `when` is a path, `is` the value there, `message` the path of the provider's message |
//!
//! An alias inherits the `lifecycle` of its target, but not the `facts`.
//!
//! Without `accepts`, an entry accepts its `auth_mode`; if that yields a token, it also accepts a bearer token obtained
//! elsewhere.

mod alias;
mod authorization;
mod errors;
mod facts;
mod field;
mod key_reader;
mod paginate;
mod proxy;
mod token;
mod yaml;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

pub(crate) use yaml::SourceLocation;
pub(super) use yaml::{RawEntry, Unreadable, read};

pub(super) use alias::{FACTS, MergedKeys, ResolvedEntries, alias_target, resolve};
use key_reader::{Diagnostics, KeyReader};

use super::{AuthMode, Provider};

/// A readable entry with its problems and warnings.
pub(super) struct ParsedEntry {
    pub(super) provider: Provider,
    /// Problems that disable parts of the entry.
    pub(super) problems: Vec<String>,
    /// Ignored keys.
    pub(super) warnings: Vec<String>,
}

/// Keys that are ignored without a warning: references to documentation or code elsewhere, and unused keys.
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

/// Keys that name code, which runs when a connection is created or a webhook arrives.
const HOOK_KEYS: [&str; 6] = [
    "webhook_routing_script",
    "webhook_user_defined_secret",
    "webhook_allowed_query_params",
    "post_connection_script",
    "pre_connection_deletion_script",
    "credentials_verification_script",
];

/// Converts the merged keys of an entry into a provider. The error is the reason.
pub(super) fn parse_provider(name: &str, map: &Arc<Map<String, Value>>) -> Result<ParsedEntry, String> {
    let diagnostics = Diagnostics::default();
    let mut provider = read_keys(name, map, &diagnostics)?;
    let (problems, warnings) = diagnostics.into_parts();
    provider.raw = Arc::clone(map);
    Ok(ParsedEntry { provider, problems, warnings })
}

fn read_keys(name: &str, map: &Map<String, Value>, diagnostics: &Diagnostics) -> Result<Provider, String> {
    let keys = KeyReader::new("", map, diagnostics);
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
    provider.accepted_modes = match accepts.as_slice() {
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
    provider.integration_config = field::read(&keys, "integration_config");
    provider.assertion_options = field::read(&keys, "assertion_option");
    let mut from_responses: BTreeSet<String> = BTreeSet::new();
    for key in ["webhook_response_metadata", "connection_configuration"] {
        from_responses.extend(keys.strings(key)?);
    }
    from_responses.extend(provider.token.response.metadata.iter().cloned());
    from_responses.extend(provider.authorization.redirect_metadata.iter().cloned());
    provider.response_config = from_responses.into_iter().collect();
    for hook in HOOK_KEYS {
        if let Some(value) = keys.get(hook).filter(|value| value.as_str() != Some("")) {
            provider.hooks.insert(hook.to_owned(), value.clone());
        }
    }
    if let Some(below) = keys.map("proxy")? {
        provider.proxy = proxy::read(below)?;
    }
    let stated = keys.map(FACTS).and_then(|below| below.map(|below| facts::read_facts(below, map)).transpose());
    provider.facts = diagnostics.ok_or_record(stated).flatten().unwrap_or_default();
    let ends = keys.map("lifecycle").and_then(|below| below.map(facts::read_lifecycle).transpose());
    provider.lifecycle = diagnostics.ok_or_record(ends).flatten();
    keys.warn_about_unread();
    Ok(provider)
}
