//! Names and providers of a mock.

use crate::{
    declare::FunctionKind,
    provider::{AuthMode, Catalogue, Provider},
    store::{BASE_VARIANT, FunctionKey},
};

/// Base URL of the mock's provider.
pub(super) const BASE_URL: &str = "https://api.mock.test";
/// Name of the integration and of the connection of a mock.
pub(super) const NAME: &str = "mock";

/// Returns the key of direct calls.
pub(super) fn direct_key() -> FunctionKey {
    let name = || NAME.to_owned();
    let variant = BASE_VARIANT.to_owned();
    FunctionKey { kind: FunctionKind::Sync, integration: name(), connection: name(), function: name(), variant }
}

/// Returns an entry of the built-in catalogue.
pub(super) fn builtin_provider(name: &str) -> Provider {
    Catalogue::builtin().find(name).cloned().unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a provider that sends its requests to the mock, without credentials.
pub(super) fn unauthenticated(provider: Option<Provider>) -> Provider {
    let mut provider = provider.unwrap_or_else(plain_provider);
    provider.accepted_modes = vec![AuthMode::None];
    let overridden = provider.apply_overrides(Some(BASE_URL), []);
    overridden.unwrap_or_else(|error| panic!("a constant: {error}"));
    provider
}

/// Returns a provider without pagination and without rules for retries.
pub(super) fn plain_provider() -> Provider {
    Provider::from_base_url(NAME, BASE_URL).unwrap_or_else(|error| panic!("a constant: {error}"))
}
