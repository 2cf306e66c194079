//! Integrations of the source compared with those of the program: what is missing, as text for the configuration file.

use std::fmt::Write as _;

use crate::{
    auth::App,
    run::Runtime,
    wire::{ImportedIntegration, SourceApp, SourceIntegration},
};

/// Compares an integration of the source with the one of the same key here.
pub(super) fn compare(runtime: &Runtime, source: &SourceIntegration) -> ImportedIntegration {
    let key = source.unique_key.as_str();
    let local = runtime.config.app(key);
    let (mut problems, mut environment) = (Vec::new(), Vec::new());
    if runtime.registry.of(key).next().is_none() {
        problems.push("the program declares no function of it".to_owned());
    }
    if let Some(problem) = provider_problem(runtime, key, &source.provider) {
        problems.push(problem);
    }
    let default = SourceApp::default();
    let app = source.app.as_ref().unwrap_or(&default);
    if let Some(id) = app.id() {
        match &local.client_id {
            None => problems.push("its app is not configured".to_owned()),
            Some(other) if *other != id => {
                problems.push("its app is another one, which cannot refresh the tokens of the source".to_owned());
            }
            Some(_) => {}
        }
    }
    let secrets = [
        ("CLIENT_SECRET", app.has_secret, local.client_secret.is_some()),
        ("PRIVATE_KEY", app.has_private_key, local.private_key.is_some()),
    ];
    for (part, is_needed, is_set) in secrets {
        if is_needed && !is_set {
            let variable = App::variable(key, part);
            problems.push(format!("the environment variable {variable} is not set"));
            environment.push(variable);
        }
    }
    let only_code =
        runtime.has_integration(key) && problems.iter().all(|problem| problem.starts_with("the program declares"));
    let configuration = (!problems.is_empty() && !only_code).then(|| entry(source, app, &environment));
    ImportedIntegration {
        unique_key: key.to_owned(),
        provider: source.provider.clone(),
        ready: problems.is_empty(),
        problems,
        configuration,
        environment,
    }
}

/// Returns the reason why connections of an integration of the source cannot be used here: the integration does not
/// exist, or has another provider, whose API must not receive the credentials.
pub(super) fn provider_problem(runtime: &Runtime, key: &str, provider: &str) -> Option<String> {
    if !runtime.has_integration(key) {
        return Some(format!("the integration `{key}` does not exist here"));
    }
    let here = runtime.config.provider_of(key);
    match crate::run::provider_of(runtime, key) {
        Err(_) => Some(format!("its provider `{here}` is unknown here; add an entry to a file of providers")),
        Ok(_) if here != provider && runtime.catalogue.get(here).is_some() => {
            Some(format!("its provider is `{provider}` at the source and `{here}` here"))
        }
        Ok(_) => None,
    }
}

/// Returns the entry of an integration in the configuration file. Secrets are named, never written.
fn entry(source: &SourceIntegration, app: &SourceApp, environment: &[String]) -> String {
    let key = source.unique_key.as_str();
    let mut text = format!("[integrations.{}]\n", toml_key(key));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name} = {value}");
    };
    line("provider", toml_text(&source.provider));
    if let Some(id) = app.id() {
        line("client_id", toml_text(&id));
    }
    if !app.scopes.is_empty() {
        let scopes: Vec<String> = app.scopes.iter().map(|scope| toml_text(scope)).collect();
        line("scopes", format!("[{}]", scopes.join(", ")));
    }
    for variable in environment {
        let _ = writeln!(text, "# Secrets are not read from this file: set the environment variable {variable}");
    }
    text
}

/// Returns a key of TOML, in quotes unless all its characters may stand alone.
fn toml_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { toml_text(key) }
}

/// Returns a basic string of TOML. It has the escapes of JSON, and one more for DEL.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        cli::import::transfer::tests::runtime_with,
        config::{Config, Sources},
    };

    fn source(value: Value) -> SourceIntegration {
        serde_json::from_value(value).unwrap()
    }

    #[tokio::test]
    async fn missing_integration_has_an_entry_that_can_be_read() {
        let runtime = runtime_with("", &[]).await;
        let missing = source(json!({
            "unique_key": "acme.eu \u{7f}\"", "provider": "acme", "credentials": {
                "type": "OAUTH2", "client_id": "c\"1", "client_secret": "hush", "scopes": "a,b",
            },
        }));
        let compared = compare(&runtime, &missing);
        let file = compared.configuration.unwrap();
        assert!(!compared.ready && !file.contains("hush"), "{file}");
        assert_eq!(compared.environment, ["NANGO_APP_ACME_EU____CLIENT_SECRET"]);
        assert!(file.contains("# Secrets are not read from this file: set the environment variable NANGO_APP_"));
        let file = Some(("nango.toml".into(), file));
        let config = Config::load(Sources { file, ..Sources::default() }).unwrap();
        let read = &config.integrations["acme.eu \u{7f}\""];
        assert_eq!((read.provider.as_deref(), read.client_id.as_deref()), (Some("acme"), Some("c\"1")));
        assert_eq!(read.scopes, ["a", "b"]);
    }

    #[tokio::test]
    async fn integration_lacks_what_its_app_needs_here() {
        let app = json!({ "client_id": "c", "client_secret": "hush" });
        let given = source(json!({ "unique_key": "acme-eu", "provider": "acme", "credentials": app }));
        let problems = |runtime: &Runtime| compare(runtime, &given).problems.join("; ");
        let file = "[integrations.acme-eu]\nprovider = 'acme'\n";
        let text = problems(&*runtime_with(file, &[]).await);
        assert!(
            text.contains("its app is not configured") && text.contains("NANGO_APP_ACME_EU_CLIENT_SECRET"),
            "{text}"
        );
        let secret = [("NANGO_APP_ACME_EU_CLIENT_SECRET", "s")];
        let text = problems(&*runtime_with(&format!("{file}client_id = 'x'\n"), &secret).await);
        assert!(text.contains("its app is another one") && !text.contains("environment"), "{text}");
        let runtime = runtime_with(&format!("{file}client_id = 'c'\n"), &secret).await;
        let compared = compare(&runtime, &given);
        assert_eq!(compared.problems, ["the program declares no function of it"]);
        assert_eq!(compared.configuration, None);
        let other = runtime_with("[integrations.acme-eu]\nprovider = 'shop'\n", &[]).await;
        assert!(problems(&other).contains("its provider is `acme` at the source and `shop` here"));
        let unknown = runtime_with("[integrations.acme-eu]\nprovider = 'none'\n", &[]).await;
        assert!(problems(&unknown).contains("its provider `none` is unknown here"));
    }
}
