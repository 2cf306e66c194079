//! Lookup of the names on the command line.
//!
//! An unknown name is reported with the available names and the nearest one. The lookups are public, so that an added
//! command reports unknown names like the built-in ones.

use super::CommandError;
pub(crate) use super::shell::shell_quoted;
use crate::{
    auth::{AuthMode, Credentials},
    config::Config,
    declare::{Entry, FunctionKind, Registry, suggest},
    error::Error,
    model::ModelInfo,
    provider::{Catalogue, Provider},
    run::{Runtime, UnknownConnection, find_connection},
    store::{Connection, ConnectionKey},
};

/// Maximum number of names of a list that are printed; a longer list ends with the number of the remaining names.
const MAX_LISTED_NAMES: usize = 30;

/// Returns the name of an integration as it is registered.
///
/// # Errors
///
/// Fails if the integration is unknown.
pub(crate) fn integration<'a>(registry: &'a Registry, name: &str) -> Result<&'a str, CommandError> {
    let names = registry.integrations();
    names
        .iter()
        .find(|known| **known == name)
        .copied()
        .ok_or_else(|| CommandError::not_found(unknown_name("integration", name, &names)))
}

/// Returns a function of an integration. If several types have a function of this name, the first type in `prefer`
/// wins.
///
/// # Errors
///
/// Fails if the integration is unknown, or none of the types in `prefer` has a function of this name.
pub(crate) fn function<'a>(
    registry: &'a Registry,
    integration_name: &str,
    name: &str,
    prefer: &[FunctionKind],
) -> Result<&'a Entry, CommandError> {
    let integration = integration(registry, integration_name)?;
    if let Some(entry) = prefer.iter().find_map(|kind| registry.find(integration, *kind, name)) {
        return Ok(entry);
    }
    let mut names: Vec<&str> =
        registry.of(integration).filter(|entry| prefer.contains(&entry.kind())).map(Entry::name).collect();
    names.sort_unstable();
    names.dedup();
    let what = match prefer {
        [one] => one.name(),
        _ => "function",
    };
    Err(CommandError::not_found(unknown_name(&format!("{what} of `{integration}` named"), name, &names)))
}

/// Returns a model that a sync of the integration writes.
///
/// # Errors
///
/// Fails if the integration or the model is unknown.
pub(crate) fn model(
    registry: &Registry,
    integration_name: &str,
    name: &str,
) -> Result<&'static ModelInfo, CommandError> {
    let integration = integration(registry, integration_name)?;
    registry.model(integration, name).ok_or_else(|| {
        let models = registry.models(integration);
        let names: Vec<&str> = models.iter().map(|model| model.name).collect();
        let what = format!("model of `{integration}` named");
        CommandError::not_found(match names.as_slice() {
            [] => format!("`{integration}` has no sync, so it has no records"),
            names => unknown_name(&what, name, names),
        })
    })
}

/// Reads a connection of an integration from the database.
///
/// # Errors
///
/// Fails if the connection is unknown, or the database failed. If the integration has no connection at all, the message
/// contains the command that adds one.
pub(crate) async fn connection(runtime: &Runtime, integration: &str, id: &str) -> Result<Connection, CommandError> {
    let found = find_connection(runtime, ConnectionKey::new(integration, id)).await;
    found.map_err(|error| run_error(runtime, error))
}

/// Converts the error of a run that could not start. If the connection is unknown, the message contains the available
/// ones, or the command that adds the first one.
pub(super) fn run_error(runtime: &Runtime, error: Error) -> CommandError {
    let Some(UnknownConnection { key, available }) = error.find() else { return error.into() };
    let ConnectionKey { integration, connection } = key;
    CommandError::not_found(if available.is_empty() {
        let line = add_command(&runtime.catalogue, &runtime.config, integration, connection);
        format!("`{integration}` has no connection yet. Add one:\n  {line}")
    } else {
        let ids: Vec<&str> = available.iter().map(String::as_str).collect();
        unknown_name(&format!("connection of `{integration}` named"), connection, &ids)
    })
}

/// Returns the command that adds a connection with the simplest credentials that the provider accepts.
pub(crate) fn add_command(catalogue: &Catalogue, config: &Config, integration: &str, id: &str) -> String {
    let provider = catalogue.get(config.provider_of(integration));
    let mode = provider.map_or(AuthMode::None, simplest_auth_mode);
    let arguments = auth_arguments(mode, provider);
    format!("registry connection add {integration} {}{arguments}", shell_quoted(id))
}

/// Returns the auth mode that a user can provide most easily: none, then a key, token or password, then the first
/// supported one.
pub(super) fn simplest_auth_mode(provider: &Provider) -> AuthMode {
    let plain = [AuthMode::ApiKey, AuthMode::Bearer, AuthMode::Basic];
    if provider.accepts(AuthMode::None) {
        return AuthMode::None;
    }
    let supported = || provider.accepted_modes.iter().copied().filter(|mode| mode.is_supported());
    supported().find(|mode| plain.contains(mode)).or_else(|| supported().next()).unwrap_or(AuthMode::None)
}

/// Returns the options of `connection add` for an auth mode: ` --auth basic --credentials '{"username": "…", …}'`.
pub(super) fn auth_arguments(mode: AuthMode, provider: Option<&Provider>) -> String {
    match mode {
        AuthMode::None => " --auth none".to_owned(),
        mode => format!(" --auth {mode} --credentials {}", shell_quoted(&Credentials::example(mode, provider))),
    }
}

/// Returns the message for an unknown name: the available names, at most [`MAX_LISTED_NAMES`], and the nearest one.
pub(super) fn unknown_name(what: &str, wrong: &str, valid: &[&str]) -> String {
    if valid.len() <= MAX_LISTED_NAMES {
        return Registry::unknown_message(what, wrong, valid);
    }
    let hint = suggest::hint(suggest::nearest(wrong, valid.iter().copied()));
    let first: Vec<String> = valid.iter().take(MAX_LISTED_NAMES).map(|name| format!("`{name}`")).collect();
    let more = valid.len() - MAX_LISTED_NAMES;
    format!("unknown {what} `{wrong}`; available: {} and {more} more{hint}", first.join(", "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::declare::{
        ActionDef, Endpoint, Item, Location, MapRecord, Mapper, Merging, OnInvalid, Paginate, SyncDef, SyncRun,
    };

    static ISSUE: ModelInfo =
        ModelInfo { name: "Issue", schema: schemars::SchemaGenerator::subschema_for::<String>, type_name: || "Issue" };

    pub(in crate::cli) static MODELS: &[&ModelInfo] = &[&ISSUE];

    /// Returns a mapper sync of the model `Issue`, leaked so that it is `'static`.
    pub(in crate::cli) fn mapper(integration: &'static str, name: &'static str, paginate: Option<Paginate>) -> Item {
        let mapper = Box::leak(Box::new(Mapper {
            endpoint: Endpoint::Fixed("/x"),
            request: crate::declare::ListRequest::GET,
            paginate,
            retries: 0,
            since: None,
            errors: &[],
            on_invalid: OnInvalid::Fail,
            each: None,
            delta: None,
            map: MapRecord::Plain(|_, _| Ok(())),
        }));
        Item::Sync(Box::leak(Box::new(SyncDef {
            at: Location { file: "src/x.rs", line: 3, function: "" },
            integration,
            name,
            description: "What it does.",
            version: "0.0.1",
            frequency: None,
            auto_start: true,
            track_deletes: false,
            deletes: crate::declare::Deletes::standard(),
            merging: Merging::Newer,
            scopes: &[],
            models: MODELS,
            checkpoint: None,
            metadata: None,
            run: SyncRun::Mapper(mapper),
        })))
    }

    /// Returns an action without input.
    pub(in crate::cli) fn action(integration: &'static str, name: &'static str) -> Item {
        Item::Action(Box::leak(Box::new(ActionDef {
            at: Location { file: "src/x.rs", line: 9, function: "" },
            integration,
            name,
            description: "",
            version: "0.0.1",
            scopes: &[],
            input: None,
            output: schemars::SchemaGenerator::subschema_for::<String>,
            checkpoint: None,
            metadata: None,
            run: |_, _| Box::pin(async { Ok(serde_json::Value::Null) }),
        })))
    }

    pub(in crate::cli) fn registry_of(items: &[Item]) -> Registry {
        Registry::from_items(items.iter().copied()).unwrap()
    }

    #[test]
    fn unknown_name_is_reported_with_suggestion_and_list() {
        let registry = registry_of(&[
            mapper("github", "issues", None),
            action("github", "issues"),
            action("jira", "create-issue"),
        ]);
        let text = |result: Result<&Entry, CommandError>| result.unwrap_err().to_string();
        let all = &[FunctionKind::Sync, FunctionKind::Action];
        assert_eq!(
            text(function(&registry, "gihub", "issues", all)),
            "unknown integration `gihub`; available: `github` and `jira`; did you mean `github`?"
        );
        assert_eq!(
            text(function(&registry, "github", "isues", all)),
            "unknown function of `github` named `isues`; available: `issues`; did you mean `issues`?"
        );
        assert_eq!(
            text(function(&registry, "jira", "x", &[FunctionKind::Action])),
            "unknown action of `jira` named `x`; available: `create-issue`"
        );
        assert_eq!(
            model(&registry, "github", "Isue").unwrap_err().to_string(),
            "unknown model of `github` named `Isue`; available: `Issue`; did you mean `Issue`?"
        );
        assert_eq!(model(&registry, "jira", "X").unwrap_err().to_string(), "`jira` has no sync, so it has no records");
    }

    #[test]
    fn preferred_type_wins_when_names_are_equal() {
        let registry = registry_of(&[mapper("github", "issues", None), action("github", "issues")]);
        let kind = |prefer: &[FunctionKind]| function(&registry, "github", "issues", prefer).map(Entry::kind);
        assert_eq!(kind(&[FunctionKind::Sync, FunctionKind::Action]), Ok(FunctionKind::Sync));
        assert_eq!(kind(&[FunctionKind::Action, FunctionKind::Sync]), Ok(FunctionKind::Action));
    }

    #[test]
    fn add_command_contains_simplest_accepted_credentials() {
        let line = |integration| add_command(&Catalogue::builtin(), &Config::default(), integration, "my acme");
        assert_eq!(line("github"), "registry connection add github 'my acme' --auth none");
        assert_eq!(
            line("hubspot"),
            r#"registry connection add hubspot 'my acme' --auth bearer --credentials '{"access_token": "…"}'"#
        );
        assert_eq!(line("own"), "registry connection add own 'my acme' --auth none");
    }

    #[test]
    fn long_list_of_names_is_truncated() {
        let names: Vec<String> = (0..40).map(|n| format!("name-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = unknown_name("thing", "nmae-3", &names);
        assert!(text.starts_with("unknown thing `nmae-3`; available: `name-0`, "), "{text}");
        assert!(text.ends_with("`name-29` and 10 more; did you mean `name-3`?"), "{text}");
    }
}
