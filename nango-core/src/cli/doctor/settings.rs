//! Checks that need no database: providers, apps, addresses and the encryption key.

use super::Finding;
use crate::{
    auth::{App, KeyRing, Secret},
    cli::{Context, exposed_files::ExposedFiles, table::pluralized},
    config::{Config, ServerConfig},
    declare::{Registry, suggest},
    error::Chain,
    http::is_local_url,
    provider::Catalogue,
};

/// Parts of an app in environment variables.
const APP_PARTS: [&str; 3] = ["CLIENT_ID", "CLIENT_SECRET", "PRIVATE_KEY"];

/// Returns the findings about the settings.
pub(super) fn check(context: &Context) -> Vec<Finding> {
    let config = context.config();
    let mut findings = vec![providers(config, context.catalogue())];
    findings.extend(apps(context.registry(), config));
    findings.push(key(config));
    findings.extend(server(&config.server));
    findings.extend(files(config));
    findings
}

fn providers(config: &Config, catalogue: &Catalogue) -> Finding {
    let Some(file) = &config.providers else { return Finding::ok("providers", "the built-in entries are used") };
    let own = catalogue.custom_entries().count() as u64;
    let unread = catalogue.custom_entries().filter(|(_, entry)| entry.provider.is_err()).count() as u64;
    let partly = catalogue.custom_entries().filter(|(_, entry)| !entry.problems.is_empty()).count() as u64;
    let file = file.display();
    if unread + partly == 0 {
        return Finding::ok("providers", format!("{} of {file} can be read", pluralized(own, "provider")));
    }
    let message = format!("{} of {file} cannot be read as a whole", pluralized(unread + partly, "provider"));
    Finding::warning("providers", message, "run `registry providers check`")
}

fn apps(registry: &Registry, config: &Config) -> Vec<Finding> {
    let mut names: Vec<&str> = registry.integrations().clone();
    names.extend(config.integrations.keys().map(String::as_str).filter(|name| !registry.integrations().contains(name)));
    let mut findings = Vec::new();
    let known: Vec<String> = names.iter().flat_map(|name| APP_PARTS.map(|part| App::variable(name, part))).collect();
    for variable in config.apps.keys().filter(|variable| !known.contains(variable)) {
        let near = suggest::nearest(variable, known.iter().map(String::as_str));
        findings.push(Finding::warning(
            "apps",
            format!("the environment variable {variable} belongs to no integration{}", suggest::hint(near)),
            "correct its name, or remove it; `registry list` lists the integrations",
        ));
    }
    let mut complete = 0;
    for name in names {
        let app = config.app(name);
        match (&app.client_id, &app.client_secret, &app.private_key) {
            (Some(_), None, None) => findings.push(Finding::warning(
                "apps",
                format!("the app of `{name}` has a client id and no secret"),
                format!(
                    "set {}, unless the app is a public client without a secret",
                    App::variable(name, "CLIENT_SECRET")
                ),
            )),
            (None, Some(_), _) | (None, _, Some(_)) => findings.push(Finding::warning(
                "apps",
                format!("the app of `{name}` has a secret and no client id"),
                format!("set `client_id` under `[integrations.{name}]` in nango.toml"),
            )),
            (Some(_), _, _) => complete += 1,
            (None, None, None) => {}
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("apps", format!("{} configured", pluralized(complete, "app"))));
    }
    findings
}

fn key(config: &Config) -> Finding {
    const CHECK: &str = "encryption key";
    if let Some(key) = &config.encryption_key {
        return match KeyRing::from_key(Secret::expose(key)) {
            Ok(_) => Finding::ok(CHECK, "the key of NANGO_ENCRYPTION_KEY is valid"),
            Err(error) => Finding::error(CHECK, format!("NANGO_ENCRYPTION_KEY: {}", Chain(&error))),
        };
    }
    if config.is_in_memory() {
        return Finding::ok(CHECK, "a database in memory needs none");
    }
    let file = config.key_file.display();
    match KeyRing::from_file_if_exists(&config.key_file) {
        Ok(_) if config.key_file.exists() => Finding::ok(CHECK, format!("{file} is valid and not readable by others")),
        Ok(_) => Finding::ok(CHECK, format!("{file} does not exist; it is created when something is encrypted")),
        Err(error) => Finding::error(CHECK, Chain(&error).to_string()),
    }
}

fn server(server: &ServerConfig) -> Vec<Finding> {
    const CHECK: &str = "addresses";
    let mut findings = Vec::new();
    let is_open = !server.listen.ip().is_loopback();
    match &server.public_url {
        None if is_open && server.allowed_hosts.is_empty() => findings.push(Finding::warning(
            CHECK,
            format!("the API listens on {} and accepts any name of the server", server.listen),
            "set `public_url` under `[server]` in nango.toml to the URL of the proxy with TLS",
        )),
        Some(url) if url.scheme() == "http" && !is_local_url(url) => findings.push(Finding::warning(
            CHECK,
            format!("`public_url` is {url}: keys are sent without encryption"),
            "put a proxy with TLS in front of the server, and set its https URL",
        )),
        _ => {}
    }
    if let Some(address) = server.operations_listen.filter(|address| !address.ip().is_loopback()) {
        findings.push(Finding::warning(
            CHECK,
            format!("everyone who reaches {address} (`operations_listen`) reads the metrics without a key"),
            "use an address of this machine or of a private network only",
        ));
    }
    if findings.is_empty() {
        let public = server.public_url.as_ref().map(|url| format!(", its URL is {url}")).unwrap_or_default();
        findings.push(Finding::ok(CHECK, format!("the API listens on {}{public}", server.listen)));
    }
    findings
}

/// Checks the permissions of the files of an embedded database that exist.
fn files(config: &Config) -> Option<Finding> {
    let file = config.database_file().filter(|file| file.exists())?;
    Some(match ExposedFiles::of(config) {
        None => Finding::ok("files", format!("other users cannot read {}", file.display())),
        Some(ExposedFiles { message, command }) => Finding::warning("files", message, format!("run `{command}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        doctor::Status,
        lookup::tests::{mapper, registry_of},
    };

    fn statuses(findings: &[Finding]) -> Vec<Status> {
        findings.iter().map(|finding| finding.status).collect()
    }

    #[test]
    fn incomplete_app_and_unknown_variable_are_warnings_without_secrets() {
        let registry = registry_of(&[mapper("shop", "orders", None)]);
        let of = |variables: &[&str]| {
            let apps = variables.iter().map(|name| ((*name).to_owned(), Secret::from("hush"))).collect();
            apps_text(&super::apps(&registry, &Config { apps, ..Config::default() }))
        };
        assert_eq!(of(&[]), "0 apps configured");
        assert_eq!(of(&["NANGO_APP_SHOP_CLIENT_ID", "NANGO_APP_SHOP_CLIENT_SECRET"]), "1 app configured");
        let wrong = of(&["NANGO_APP_SHOP_CLIENT_SECRET"]);
        assert!(wrong.contains("`shop` has a secret and no client id"), "{wrong}");
        let wrong = of(&["NANGO_APP_SHOP_CLIENT_ID"]);
        assert!(wrong.contains("set NANGO_APP_SHOP_CLIENT_SECRET"), "{wrong}");
        let wrong = of(&["NANGO_APP_SHPO_CLIENT_ID"]);
        assert!(wrong.contains("did you mean `NANGO_APP_SHOP_CLIENT_ID`?"), "{wrong}");
        assert!(!wrong.contains("hush"), "{wrong}");
    }

    fn apps_text(findings: &[Finding]) -> String {
        let text = |finding: &Finding| format!("{}{}", finding.message, finding.next_step.clone().unwrap_or_default());
        findings.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn open_address_without_name_and_unencrypted_url_are_warnings() {
        let of = |listen: &str, operations: Option<&str>, url: Option<&str>| {
            statuses(&server(&ServerConfig {
                listen: listen.parse().unwrap(),
                operations_listen: operations.map(|address| address.parse().unwrap()),
                public_url: url.map(|url| url.parse().unwrap()),
                ..ServerConfig::default()
            }))
        };
        assert_eq!(of("127.0.0.1:1", Some("127.0.0.1:2"), None), [Status::Ok]);
        assert_eq!(of("0.0.0.0:1", None, Some("https://a.example")), [Status::Ok]);
        assert_eq!(of("0.0.0.0:1", None, Some("http://localhost:1")), [Status::Ok]);
        assert_eq!(of("0.0.0.0:1", None, None), [Status::Warning]);
        assert_eq!(of("127.0.0.1:1", Some("0.0.0.0:2"), Some("http://a.example")), [Status::Warning; 2]);
    }

    #[test]
    fn invalid_key_is_an_error_without_its_text() {
        let config = Config { encryption_key: Some(Secret::from("no key at all")), ..Config::default() };
        let found = key(&config);
        assert_eq!(found.status, Status::Error);
        assert!(!found.message.contains("no key at all"), "{}", found.message);
    }
}
