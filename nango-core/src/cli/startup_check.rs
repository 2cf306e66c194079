//! Consistency check of functions, catalogue and configuration at startup.
//!
//! The compiler and the configuration parser each see only one of the three.

use super::lookup::unknown_name;
use crate::{
    config::Config,
    declare::{Registry, SyncRun, suggest},
    provider::{Catalogue, CatalogueError},
};

/// Returns one sentence with the remedy for each inconsistency. An empty list means that there is none.
///
/// - A sync with a bare `paginate` needs a provider with a declared pagination.
/// - A provider that the configuration names must be in the catalogue.
/// - The catalogue entry of an integration's provider, if there is one, must be readable.
/// - An integration that the configuration names must be defined in the program or in the catalogue.
///
/// A missing base URL is reported only when the integration runs, so that one unfinished integration does not stop the
/// others.
pub(crate) fn check(registry: &Registry, catalogue: &Catalogue, config: &Config) -> Vec<String> {
    let mut problems = check_config_names(registry, catalogue, config);
    for (entry, sync) in registry.syncs() {
        let SyncRun::Mapper(mapper) = &sync.run else { continue };
        // The position of a feed with `end` is the cursor of its pages.
        let has_feed_pages = mapper.delta.is_some_and(|delta| delta.end.is_some());
        if has_feed_pages || mapper.paginate.as_ref().is_none_or(|paginate| paginate.kind.is_some()) {
            continue;
        }
        let integration = entry.integration();
        let provider = config.provider_of(integration);
        if catalogue.get(provider).is_none_or(|provider| provider.proxy.paginate.is_none()) {
            problems.push(format!(
                "sync `{}` of `{integration}` ({}): a bare `paginate` uses the pagination of the provider's entry, and \
                 `{provider}` declares none. Declare it here: `paginate(link(rel = \"next\"))`, `paginate(cursor(name \
                 = \"…\", path = \"…\"))` or `paginate(offset(name = \"…\"))`",
                sync.name,
                entry.at(),
            ));
        }
    }
    problems
}

fn check_config_names(registry: &Registry, catalogue: &Catalogue, config: &Config) -> Vec<String> {
    let known = registry.integrations();
    let mut problems = Vec::new();
    let unnamed =
        |integration: &&&str| config.integrations.get(**integration).is_none_or(|settings| settings.provider.is_none());
    for integration in known.iter().filter(unnamed) {
        if let Err(error @ CatalogueError::Entry { .. }) = catalogue.find(integration) {
            problems.push(format!("the integration `{integration}`: {error}"));
        }
    }
    for (integration, settings) in &config.integrations {
        match settings.provider.as_deref().map(|name| catalogue.find(name)) {
            Some(Err(CatalogueError::Unknown { name, .. })) => {
                let names: Vec<&str> = catalogue.names().collect();
                let sentence = unknown_name("provider", &name, &names);
                problems.push(format!("`[integrations.{integration}]` in the configuration: {sentence}"));
            }
            Some(Err(error)) => problems.push(format!("`[integrations.{integration}]` in the configuration: {error}")),
            Some(Ok(_)) | None => {}
        }
        let is_known = known.contains(&integration.as_str()) || catalogue.get(integration).is_some();
        if !is_known && settings.provider.is_none() {
            let near = suggest::nearest(integration, known.iter().copied());
            let hint = suggest::hint(near);
            let list = suggest::list(known.iter().copied());
            problems.push(format!(
                "`[integrations.{integration}]` in the configuration: unknown integration; available: {list}{hint} \
                 (for an API without functions, set its `provider`)"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::lookup::tests::{mapper, registry_of},
        config::IntegrationConfig,
        declare::Paginate,
    };

    fn settings(integration: &str, provider: Option<&str>) -> Config {
        let settings = IntegrationConfig { provider: provider.map(str::to_owned), ..IntegrationConfig::default() };
        Config { integrations: [(integration.to_owned(), settings)].into(), ..Config::default() }
    }

    #[test]
    fn bare_paginate_requires_provider_pagination() {
        let catalogue = Catalogue::builtin();
        let bare = registry_of(&[mapper("shop", "orders", Some(Paginate::provider()))]);
        let wrong = check(&bare, &catalogue, &Config::default());
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        for part in ["sync `orders` of `shop` (src/x.rs:3)", "paginate(link(", "paginate(cursor(", "paginate(offset("] {
            assert!(wrong[0].contains(part), "`{part}` in: {}", wrong[0]);
        }
        assert_eq!(check(&bare, &catalogue, &settings("shop", Some("github"))), [""; 0]);
        let own = registry_of(&[mapper("shop", "orders", Some(Paginate::link("next"))), mapper("shop", "one", None)]);
        assert_eq!(check(&own, &catalogue, &Config::default()), [""; 0]);
        assert_eq!(
            check(&registry_of(&[mapper("github", "x", Some(Paginate::provider()))]), &catalogue, &Config::default()),
            [""; 0]
        );
    }

    #[test]
    fn unknown_names_in_configuration_are_reported() {
        let (registry, catalogue) = (registry_of(&[mapper("shop", "orders", None)]), Catalogue::builtin());
        let of = |config: Config| check(&registry, &catalogue, &config).concat();
        assert_eq!(of(settings("shop", None)), "");
        assert_eq!(of(settings("github", None)), "");
        assert_eq!(of(settings("anything", Some("github"))), "");
        let wrong = of(settings("shpo", None));
        assert!(wrong.contains("`[integrations.shpo]`") && wrong.contains("did you mean `shop`?"), "{wrong}");
        let wrong = of(settings("shop", Some("gihub")));
        assert!(wrong.contains("unknown provider `gihub`; available: "), "{wrong}");
        assert!(wrong.ends_with("; did you mean `github`?"), "{wrong}");
    }
}
