//! Names on the command line, and what they mean. A name that is not there is told with the nearest one and the list.

use super::{CommandError, startup_check::provider_of};
use crate::{
    auth::{AuthMode, Credentials},
    config::Config,
    declare::{Entry, FunctionKind, Registry, suggest},
    model::ModelInfo,
    provider::{Catalogue, Provider},
    run::Runtime,
    store::Connection,
};

/// A list that is longer than this is cut: nobody reads further.
const MAX_LISTED_NAMES: usize = 30;

/// An integration.
///
/// # Errors
///
/// There is none of this name.
pub fn integration<'a>(registry: &'a Registry, name: &str) -> Result<&'a str, CommandError> {
    let names = registry.integrations();
    names
        .iter()
        .find(|known| **known == name)
        .copied()
        .ok_or_else(|| CommandError::not_found(unknown_name("integration", name, &names)))
}

/// A function. Of several with this name: the one of the first kind of `prefer`.
///
/// # Errors
///
/// There is none of this name, or none of the kinds.
pub fn function<'a>(
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

/// A model that a sync of the integration writes.
///
/// # Errors
///
/// There is none of this name.
pub fn model(registry: &Registry, integration_name: &str, name: &str) -> Result<&'static ModelInfo, CommandError> {
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

/// A connection of an integration.
///
/// # Errors
///
/// There is none of this name, with the line that adds one; or the database failed.
pub async fn connection(runtime: &Runtime, integration: &str, id: &str) -> Result<Connection, CommandError> {
    if let Some(found) = runtime.store.connection(integration, id).await? {
        return Ok(found);
    }
    let all = runtime.store.connections(Some(integration)).await?;
    let ids: Vec<&str> = all.iter().map(|connection| connection.id.as_str()).collect();
    Err(CommandError::not_found(if ids.is_empty() {
        let line = add_command(&runtime.catalogue, &runtime.config, integration, id);
        format!("`{integration}` has no connection yet. Add one:\n  {line}")
    } else {
        unknown_name(&format!("connection of `{integration}` named"), id, &ids)
    }))
}

/// The line that adds a connection, with the simplest credentials that the provider takes.
pub fn add_command(catalogue: &Catalogue, config: &Config, integration: &str, id: &str) -> String {
    let provider = catalogue.get(provider_of(config, integration));
    let mode = provider.map_or(AuthMode::None, simplest_auth_mode);
    let arguments = auth_arguments(mode, provider);
    format!("registry connection add {integration} {}{arguments}", shell_quoted(id))
}

/// The kind of credentials that a person has at hand: none, or one that nothing has to be obtained for.
pub(super) fn simplest_auth_mode(provider: &Provider) -> AuthMode {
    let plain = [AuthMode::ApiKey, AuthMode::Bearer, AuthMode::Basic];
    if provider.accepts(AuthMode::None) {
        return AuthMode::None;
    }
    let supported = || provider.auth.iter().copied().filter(|mode| mode.is_supported());
    supported().find(|mode| plain.contains(mode)).or_else(|| supported().next()).unwrap_or(AuthMode::None)
}

/// What `connection add` is told of credentials: ` --auth basic --credentials '{"username": "…", …}'`.
pub(super) fn auth_arguments(mode: AuthMode, provider: Option<&Provider>) -> String {
    match mode {
        AuthMode::None => " --auth none".to_owned(),
        mode => format!(" --auth {mode} --credentials {}", shell_quoted(&Credentials::example(mode, provider))),
    }
}

/// A word as a shell takes it.
pub fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A sentence for a name that is not there: the nearest one, and the list as far as somebody reads it.
pub(super) fn unknown_name(what: &str, wrong: &str, valid: &[&str]) -> String {
    if valid.len() <= MAX_LISTED_NAMES {
        return Registry::unknown_message(what, wrong, valid);
    }
    let hint = suggest::nearest(wrong, valid.iter().copied())
        .map_or_else(|| ".".to_owned(), |name| format!(", did you mean `{name}`?"));
    let first: Vec<String> = valid.iter().take(MAX_LISTED_NAMES).map(|name| format!("`{name}`")).collect();
    let more = valid.len() - MAX_LISTED_NAMES;
    format!("there is no {what} `{wrong}`{hint} There is {} and {more} more", first.join(", "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::declare::{
        ActionDef, Endpoint, Item, Location, MapRecord, Mapper, Merging, OnInvalid, Paginate, SyncDef, SyncRun,
    };

    static ISSUE: ModelInfo =
        ModelInfo { name: "Issue", schema: schemars::SchemaGenerator::subschema_for::<String>, type_name: || "Issue" };

    static MODELS: &[&ModelInfo] = &[&ISSUE];

    /// A mapper sync of the model `Issue`. It lives as long as the test.
    pub(in crate::cli) fn mapper(integration: &'static str, name: &'static str, paginate: Option<Paginate>) -> Item {
        let mapper = Box::leak(Box::new(Mapper {
            endpoint: Endpoint::Fixed("/x"),
            paginate,
            retries: 0,
            since: None,
            on_invalid: OnInvalid::Fail,
            map: MapRecord::Plain(|_, _| Ok(())),
        }));
        Item::Sync(Box::leak(Box::new(SyncDef {
            at: Location { file: "src/x.rs", line: 3 },
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

    /// An action without input.
    pub(in crate::cli) fn action(integration: &'static str, name: &'static str) -> Item {
        Item::Action(Box::leak(Box::new(ActionDef {
            at: Location { file: "src/x.rs", line: 9 },
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
            "there is no integration `gihub`, did you mean `github`? There is `github` and `jira`"
        );
        assert_eq!(
            text(function(&registry, "github", "isues", all)),
            "there is no function of `github` named `isues`, did you mean `issues`? There is `issues`"
        );
        assert_eq!(
            text(function(&registry, "jira", "x", &[FunctionKind::Action])),
            "there is no action of `jira` named `x`. There is `create-issue`"
        );
        assert_eq!(
            model(&registry, "github", "Isue").unwrap_err().to_string(),
            "there is no model of `github` named `Isue`, did you mean `Issue`? There is `Issue`"
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
        assert!(text.starts_with("there is no thing `nmae-3`, did you mean `name-3`? There is `name-0`, "), "{text}");
        assert!(text.ends_with("`name-29` and 10 more"), "{text}");
    }

    #[test]
    fn word_is_quoted_when_shell_would_split_it() {
        assert_eq!(shell_quoted("acme-1"), "acme-1");
        assert_eq!(shell_quoted("it's me"), r"'it'\''s me'");
        assert_eq!(shell_quoted(""), "''");
    }
}
