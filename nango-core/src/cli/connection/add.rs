//! `registry connection add`: adds a connection, or replaces the credentials of an existing one.

use std::sync::Arc;

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::{Map, Value};

use crate::{
    auth::{AuthMode, Credentials, InjectError},
    cli::{
        Command, CommandError, Context, Exit, Terminal, lifecycle,
        lookup::{self, shell_quoted},
        prompt, remedy, report, value_check,
        values::{ValueReader, key_value},
    },
    declare::suggest,
    error::Error,
    http::{Clock, SystemClock},
    provider::{ConnectionConfigError, Provider, ResolveError},
    run::{AddConnection, Observer, RunReport, add_connection, check_connection_id},
    store::{Connection, ProfileChange},
    wire::{AddedJson, ConnectionDetail},
};

/// `registry connection add <integration> <id>`
#[derive(Debug)]
pub(super) struct Add;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the integration
    integration: String,
    /// Id of the connection, chosen by your application, such as the id of its customer
    id: String,
    /// Auth mode, such as api-key, basic, bearer, oauth2 or oauth2-cc; inferred from the credentials if omitted
    #[arg(long, value_name = "MODE", value_parser = parse_auth_mode)]
    auth: Option<AuthMode>,
    /// Credentials; prompted for on a terminal if omitted. A file or stdin keeps them out of the process list and the
    /// shell history
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    credentials: Option<String>,
    /// Configuration value for the provider's URLs or headers, such as subdomain=acme; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Like --set, with the value read from a file or from stdin (`-`), for secret values; repeatable
    #[arg(long, value_name = "KEY=PATH", value_parser = key_value)]
    set_file: Vec<(String, String)>,
    /// Deprecated name of `--set`
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value, hide = true)]
    config: Vec<(String, String)>,
    /// Metadata for your functions
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    metadata: Option<String>,
    /// Stores the credentials without verifying them first
    #[arg(long)]
    no_verify: bool,
    /// Shows the credentials in the output
    #[arg(long)]
    show_secrets: bool,
}

fn parse_auth_mode(text: &str) -> Result<AuthMode, String> {
    text.parse::<AuthMode>().map_err(|error| error.to_string())
}

impl Command for Add {
    fn clap(&self) -> clap::Command {
        let about = "Adds a connection, or replaces the credentials of one";
        Arguments::augment_args(clap::Command::new("add").about(about))
            .after_help("Example: registry connection add hubspot acme --auth bearer --credentials @token.json")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        lookup::integration(context.registry(), &arguments.integration)?;
        check_connection_id(&arguments.id).map_err(CommandError::usage)?;
        let mut values = ValueReader::default();
        let mut given =
            arguments.credentials.as_deref().map(|text| values.credentials("--credentials", text)).transpose()?;
        let config = configuration(&arguments, &mut values, &mut context.terminal)?;
        let metadata = arguments.metadata.as_deref().map(|text| values.object("--metadata", text)).transpose()?;
        if let Some(metadata) = &metadata {
            for warning in value_check::check_metadata(context.registry(), &arguments.integration, metadata)? {
                context.terminal.note(warning);
            }
        }
        if arguments.auth.is_none() && given.is_none() {
            refuse_to_clear_credentials(context, &arguments.integration, &arguments.id)?;
        }
        warn_of_lifecycle_end(context, &arguments.integration);
        let known = context.catalogue().get(context.config().provider_of(&arguments.integration));
        let mode = match arguments.auth {
            Some(mode) => mode,
            None => infer_auth_mode(given.as_ref(), known)?,
        };
        if given.is_none() {
            given = prompt::credentials(mode, known)?;
        }
        let credentials = Credentials::import(mode, given.as_ref().unwrap_or(&Value::Null), known, SystemClock.now())
            .map_err(|error| CommandError::usage(format!("--credentials: {error}")))?;
        let shown = credentials.to_json(arguments.show_secrets);
        let new = AddConnection {
            integration: arguments.integration,
            id: arguments.id,
            credentials,
            config,
            metadata,
            profile: ProfileChange::default(),
            verify: !arguments.no_verify,
        };
        add(context, new, shown)
    }
}

/// Warns of a provider that has ended or will end. The connection is still accepted: the provider may grant a delay.
fn warn_of_lifecycle_end(context: &mut Context, integration: &str) {
    let name = context.config().provider_of(integration);
    let lifecycle = context.catalogue().get(name).and_then(|provider| provider.lifecycle.as_ref());
    let warning = lifecycle.map(|lifecycle| lifecycle::end_warning(name, lifecycle, context.today()));
    if let Some(warning) = warning {
        context.terminal.note(warning);
    }
}

/// Collects the configuration from `--set`, `--set-file` and the deprecated `--config`.
fn configuration(
    arguments: &Arguments,
    values: &mut ValueReader,
    terminal: &mut Terminal,
) -> Result<Map<String, Value>, CommandError> {
    if !arguments.config.is_empty() {
        terminal.note(
            "warning: `--config KEY=VALUE` of `connection add` is deprecated; use `--set KEY=VALUE`. The next release \
             removes the old name",
        );
    }
    let mut config = Map::new();
    let mut insert = |key: &str, value: String| match config.insert(key.to_owned(), Value::String(value)) {
        None => Ok(()),
        Some(_) => Err(CommandError::usage(format!("`{key}` is set twice"))),
    };
    for (key, value) in arguments.set.iter().chain(&arguments.config) {
        insert(key, value.clone())?;
    }
    for (key, path) in &arguments.set_file {
        insert(key, values.file(&format!("--set-file {key}"), path)?)?;
    }
    Ok(config)
}

/// Refuses to replace stored credentials with none unless `--auth none` is given: a user who changes only another
/// setting would lose them.
fn refuse_to_clear_credentials(context: &mut Context, integration: &str, id: &str) -> Result<(), CommandError> {
    if context.missing_database().is_some() {
        return Ok(());
    }
    let runtime = context.open()?;
    let stored = context.block_on(runtime.store.connection(integration, id))?;
    match stored.filter(|connection| connection.auth != AuthMode::None.stored_name()) {
        Some(connection) => Err(CommandError::usage(format!(
            "connection `{id}` of `{integration}` already exists with {} credentials: replace them with --credentials, \
             remove them with --auth none, or change only its metadata with `registry connection set-metadata`",
            connection.auth
        ))),
        None => Ok(()),
    }
}

fn add(context: &mut Context, new: AddConnection, credentials: Value) -> Result<Exit, CommandError> {
    let runtime = context.open()?;
    let progress = context.progress();
    let observer: Arc<dyn Observer> = progress.clone();
    let added = context.block_on(add_connection(&runtime, new, observer));
    progress.finish();
    let added = added.map_err(add_error)?;
    let connection = &added.connection;
    let detail =
        ConnectionDetail::new(connection, runtime.config.provider_of(&connection.integration), Some(credentials));
    context.terminal.json(&AddedJson::new(detail, added.is_new, &added.events))?;
    print_human(context, connection, added.is_new, &added.events)
}

/// Converts the error of a connection that was not stored. Input that does not fit the provider is a usage error.
fn add_error(error: Error) -> CommandError {
    let is_usage_error = error.downcast_ref::<InjectError>().is_some()
        || error.downcast_ref::<ResolveError>().is_some()
        || error.downcast_ref::<ConnectionConfigError>().is_some();
    if is_usage_error { CommandError::usage(remedy::message(&error)) } else { error.into() }
}

fn print_human(
    context: &mut Context,
    connection: &Connection,
    new: bool,
    events: &[RunReport],
) -> Result<Exit, CommandError> {
    let Connection { integration, id, auth, .. } = connection;
    let done = if new { "added" } else { "replaced the credentials of" };
    context.terminal.line(format_args!("{done} connection {id} of {integration} ({auth})"))?;
    for event in events {
        context.terminal.line(report::headline(event))?;
        if let Some(error) = &event.error {
            context.terminal.note(format_args!("error: `{}` failed: {}", event.key.function, remedy::message(error)));
        }
    }
    let next = context.registry().syncs().find(|(entry, _)| entry.integration() == integration);
    if let Some((_, sync)) = next {
        let line = format!("Next: registry run {integration} {} --connection {}", sync.name, shell_quoted(id));
        context.terminal.hint(line);
    }
    Ok(Exit::Success)
}

/// Infers the auth mode from the credentials and the modes that the provider accepts.
fn infer_auth_mode(given: Option<&Value>, provider: Option<&Provider>) -> Result<AuthMode, CommandError> {
    let all: Vec<AuthMode> = AuthMode::all().collect();
    let accepted = provider.map_or(all.as_slice(), |provider| provider.accepted_modes.as_slice());
    let unclear = || {
        let modes = suggest::list(accepted.iter().map(|mode| mode.name()));
        CommandError::usage(format!("the auth mode cannot be inferred: set it with --auth; available: {modes}"))
    };
    match given {
        None if accepted.contains(&AuthMode::None) => Ok(AuthMode::None),
        // The only mode, so its credentials can be prompted for.
        None if accepted.len() == 1 && prompt::is_interactive() => Ok(accepted[0]),
        None => Err(unclear()),
        Some(Value::Object(object)) => infer_from_object(object, accepted).ok_or_else(unclear),
        Some(_) => {
            match accepted.iter().filter(|mode| matches!(mode, AuthMode::ApiKey | AuthMode::Bearer)).collect::<Vec<_>>()
                [..]
            {
                [only] => Ok(*only),
                _ => Err(unclear()),
            }
        }
    }
}

/// Keys of credentials, and the auth modes that they indicate. The first mode that the provider accepts wins.
const MODE_KEYS: [(&str, &[AuthMode]); 11] = [
    ("apiKey", &[AuthMode::ApiKey, AuthMode::TwoStep]),
    ("refresh_token", &[AuthMode::OAuth2, AuthMode::McpOAuth2, AuthMode::TwoStep]),
    // Part of the response of a token endpoint.
    ("token_type", &[AuthMode::OAuth2, AuthMode::McpOAuth2, AuthMode::Bearer]),
    ("access_token", &[AuthMode::Bearer, AuthMode::OAuth2, AuthMode::App]),
    ("client_id", &[AuthMode::OAuth2Cc, AuthMode::TwoStep]),
    ("oauth_token", &[AuthMode::OAuth1]),
    ("token_id", &[AuthMode::Tba]),
    ("installation_id", &[AuthMode::App, AuthMode::Custom]),
    ("access_key_id", &[AuthMode::AwsSigV4]),
    ("username", &[AuthMode::Basic, AuthMode::Signature, AuthMode::Bill, AuthMode::TwoStep, AuthMode::Jwt]),
    ("token", &[AuthMode::Bearer, AuthMode::TwoStep]),
];

fn infer_from_object(object: &Map<String, Value>, accepted: &[AuthMode]) -> Option<AuthMode> {
    if let Some(mode) = object.get("type").and_then(Value::as_str) {
        return mode.parse().ok();
    }
    let inferred = MODE_KEYS.iter().filter(|(key, _)| object.contains_key(*key));
    let inferred = inferred.flat_map(|(_, modes)| modes.iter()).find(|mode| accepted.contains(mode)).copied();
    inferred.or_else(|| object.is_empty().then_some(AuthMode::None)).or_else(|| {
        // The keys of two-step and JWT credentials are defined by the provider.
        let open = |mode: &&AuthMode| matches!(mode, AuthMode::TwoStep | AuthMode::Jwt);
        accepted.first().filter(open).copied()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn auth_mode_is_inferred_from_credentials() {
        let of = |value: Value| infer_auth_mode(Some(&value), None).map_err(|error| error.exit());
        assert_eq!(of(json!({ "apiKey": "k" })), Ok(AuthMode::ApiKey));
        assert_eq!(of(json!({ "username": "u" })), Ok(AuthMode::Basic));
        assert_eq!(of(json!({ "token": "t" })), Ok(AuthMode::Bearer));
        assert_eq!(of(json!({ "type": "BASIC", "username": "u" })), Ok(AuthMode::Basic));
        assert_eq!(of(json!({})), Ok(AuthMode::None));
        assert_eq!(of(json!({ "access_token": "t", "refresh_token": "r" })), Ok(AuthMode::OAuth2));
        assert_eq!(of(json!({ "client_id": "c", "client_secret": "s" })), Ok(AuthMode::OAuth2Cc));
        assert_eq!(of(json!({ "kee": "k" })), Err(Exit::Usage));
        assert_eq!(of(json!("bare")), Err(Exit::Usage));
        assert_eq!(infer_auth_mode(None, None), Ok(AuthMode::None));
    }

    #[test]
    fn usage_errors_differ_from_setup_errors() {
        let exit = |error: Error| add_error(error.context("connection `acme`")).exit();
        let mode = InjectError::NoApiKeyPlacement { provider: "github".into(), others: String::new() };
        let missing = ResolveError::MissingConfig { integration: "jira".into(), name: "subdomain".into() };
        assert_eq!(exit(Error::new(ErrorKind::Connection, mode)), Exit::Usage);
        assert_eq!(exit(Error::new(ErrorKind::Connection, missing)), Exit::Usage);
        assert_eq!(exit(Error::new(ErrorKind::Connection, "its base URL is not known")), Exit::Setup);
        assert_eq!(exit(Error::msg("refused")), Exit::Failed);
    }

    #[test]
    fn connection_id_is_one_short_line() {
        assert_eq!(check_connection_id("acme"), Ok(()));
        for wrong in [String::new(), "a\nb".to_owned(), "x".repeat(256)] {
            assert!(check_connection_id(&wrong).is_err(), "{wrong:?}");
        }
    }
}
