//! What neither the compiler nor the configuration file can see alone: do the functions, the catalogue and the
//! configuration fit together?

use crate::{
    config::Config,
    declare::{Registry, SyncRun, suggest},
    provider::{Catalogue, CatalogueError},
};

/// Everything that does not fit, each in a sentence that says what to do. Empty: all is well.
///
/// - A sync with a bare `paginate` needs a provider whose pagination is known.
/// - A provider that the configuration names must be in the catalogue.
/// - The entry of an integration's provider, where there is one, can be read.
/// - An integration that the configuration names must be one of the program's, or one of the catalogue.
///
/// Whether an integration has a base URL at all is asked when it is run, so that one unfinished integration does not
/// stop the others.
pub fn check(registry: &Registry, catalogue: &Catalogue, config: &Config) -> Vec<String> {
    let mut wrong = check_config_names(registry, catalogue, config);
    for (entry, sync) in registry.syncs() {
        let SyncRun::Mapper(mapper) = &sync.run else { continue };
        if mapper.paginate.as_ref().is_none_or(|paginate| paginate.kind.is_some()) {
            continue;
        }
        let integration = entry.integration();
        let provider = provider_of(config, integration);
        if catalogue.get(provider).is_none_or(|provider| provider.proxy.paginate.is_none()) {
            wrong.push(format!(
                "sync `{}` of `{integration}` ({}): a bare `paginate` goes by the provider's entry, and `{provider}` has \
                 no pagination there. Write how pages are found: `paginate(link(rel = \"next\"))`, `paginate(cursor(name \
                 = \"…\", path = \"…\"))` or `paginate(offset(name = \"…\"))`",
                sync.name,
                entry.at(),
            ));
        }
    }
    wrong
}

fn check_config_names(registry: &Registry, catalogue: &Catalogue, config: &Config) -> Vec<String> {
    let known = registry.integrations();
    let mut wrong = Vec::new();
    let unnamed =
        |integration: &&&str| config.integrations.get(**integration).is_none_or(|settings| settings.provider.is_none());
    for integration in known.iter().filter(unnamed) {
        if let Err(error @ CatalogueError::Entry { .. }) = catalogue.find(integration) {
            wrong.push(format!("the integration `{integration}`: {error}"));
        }
    }
    for (integration, settings) in &config.integrations {
        match settings.provider.as_deref().map(|name| catalogue.find(name)) {
            Some(Err(CatalogueError::Unknown { name, .. })) => {
                let names: Vec<&str> = catalogue.names().collect();
                let sentence = super::lookup::unknown_name("provider", &name, &names);
                wrong.push(format!("`[integrations.{integration}]` in the configuration: {sentence}"));
            }
            Some(Err(error)) => wrong.push(format!("`[integrations.{integration}]` in the configuration: {error}")),
            Some(Ok(_)) | None => {}
        }
        let is_known = known.contains(&integration.as_str()) || catalogue.get(integration).is_some();
        if !is_known && settings.provider.is_none() {
            let hint = suggest::nearest(integration, known.iter().copied())
                .map_or_else(|| ".".to_owned(), |name| format!(", did you mean `{name}`?"));
            let list = suggest::list(known.iter().copied());
            wrong.push(format!(
                "`[integrations.{integration}]` in the configuration: the program has no such integration{hint} There is \
                 {list}. (For an API without functions, name its `provider`.)"
            ));
        }
    }
    wrong
}

/// The name of an integration's provider: its own, unless the configuration names another.
pub(super) fn provider_of<'a>(config: &'a Config, integration: &'a str) -> &'a str {
    config.integrations.get(integration).and_then(|settings| settings.provider.as_deref()).unwrap_or(integration)
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
        assert!(wrong.contains("there is no provider `gihub`, did you mean `github`?"), "{wrong}");
    }
}
