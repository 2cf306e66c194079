//! Effective configuration of a server, as it prints it at its start. It has no secret.

use std::time::Duration;

use crate::{config::Config, time::format_span};

/// Returns the names and values of the settings, as the server uses them.
pub(super) fn effective(config: &Config) -> Vec<(&'static str, String)> {
    let Config { retention, limits, server, .. } = config;
    let key = match &config.encryption_key {
        Some(_) => "NANGO_ENCRYPTION_KEY".to_owned(),
        None if config.is_in_memory() => "in memory".to_owned(),
        None => config.key_file.display().to_string(),
    };
    let providers = config.providers.as_ref().map_or("built-in".to_owned(), |file| file.display().to_string());
    let operations = server.operations_listen.map_or("none".to_owned(), |address| address.to_string());
    let public_url = server.public_url.as_ref().map_or("the address".to_owned(), ToString::to_string);
    let api_key = if config.api_key.is_some() { "NANGO_API_KEY and stored ones" } else { "stored ones" };
    let concurrency = limits.concurrency;
    let mut settings = vec![
        ("database", config.database_name()),
        ("encryption key", key),
        ("API keys", api_key.to_owned()),
        ("providers", providers),
        ("integrations", list(config.integrations.keys())),
        ("apps", list(config.apps.keys())),
        ("environment", list(config.environment.keys())),
        ("listen", server.listen.to_string()),
        ("operations_listen", operations),
        ("public_url", public_url),
        ("allowed_hosts", list(server.allowed_hosts.iter())),
        ("runs", format!("{} of this process", concurrency.runs)),
        ("runs_per_connection", concurrency.runs_per_connection.to_string()),
        ("runs_per_integration", concurrency.runs_per_integration.to_string()),
        ("actions", concurrency.actions.to_string()),
        ("delete_runs_after", age(retention.delete_runs_after)),
        ("lease", format_span(config.lease)),
        ("stop_timeout", format_span(server.stop_timeout)),
    ];
    if config.egress.allow_private {
        settings.push(("egress", "private networks are reachable".to_owned()));
    }
    settings
}

fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.map(|name| name.as_ref().to_owned()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn age(age: Option<Duration>) -> String {
    age.map_or("off".to_owned(), |age| format!("{} h", age.as_secs() / 3_600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Secret;

    #[test]
    fn settings_name_secrets_and_have_none_of_their_values() {
        let mut config = Config {
            encryption_key: Some(Secret::from("hush")),
            api_key: Some(Secret::from("hush")),
            apps: [("NANGO_APP_SHOP_CLIENT_SECRET".to_owned(), Secret::from("hush"))].into(),
            environment: [("REGION".to_owned(), "hush".to_owned())].into(),
            ..Config::default()
        };
        config.set_database("postgres://user:hush@db.example/nango?password=hush");
        let lines = effective(&config).into_iter().map(|(name, value)| format!("{name}: {value}"));
        let text = lines.collect::<Vec<_>>().join("\n");
        for line in [
            "database: postgres://…@db.example/nango?…",
            "encryption key: NANGO_ENCRYPTION_KEY",
            "apps: NANGO_APP_SHOP_CLIENT_SECRET",
            "environment: REGION",
            "listen: 127.0.0.1:3003",
            "delete_runs_after: 360 h",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}` in:\n{text}");
        }
        assert!(!text.contains("hush"), "{text}");
    }
}
