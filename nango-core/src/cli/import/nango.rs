//! `registry import nango`: imports connections from a server with Nango's API.

use std::{collections::BTreeMap, sync::Arc};

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::Value;

use super::{
    plan,
    source::{ReadFailure, SOURCE, Source},
    transfer::Transfer,
};
use crate::{
    auth::Secret,
    cli::{Command, CommandError, Context, Exit, Terminal, prompt, table::pluralized, values::ValueReader},
    config::parse_api_url,
    error::{Error, ErrorKind},
    http::{NetworkSettings, NetworkTransport, SystemClock, Url, is_local_url},
    run::{Observer, Runtime},
    wire::{ImportJson, ImportStatus, ImportSummary, ImportedConnection, ImportedIntegration, SourceRow},
};

/// `registry import nango --host URL`
#[derive(Debug)]
pub(super) struct Nango;

#[derive(Debug, Args)]
struct Arguments {
    #[arg(long, value_name = "URL", help = HOST)]
    host: String,
    #[arg(long, value_name = "@FILE|-", allow_hyphen_values = true, help = KEY)]
    key: Option<String>,
    /// Imports only connections of this integration; repeat it for several. Default: all integrations
    #[arg(long = "integration", value_name = "KEY")]
    integrations: Vec<String>,
    /// Prints what the import would do, and writes nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrites connections that changed here after their last change at the source
    #[arg(long)]
    overwrite_newer: bool,
}

const HOST: &str = "URL of the API of the source, such as https://api.nango.dev or that of your own server";
const KEY: &str =
    "Secret key of the environment at the source, from a file or stdin. Default: NANGO_IMPORT_KEY, or a prompt";
const ABOUT: &str = "\
Imports connections with their credentials from a server with Nango's API

Run it with --dry-run first. The import can be repeated: connections that are the same are not written, changed ones \
are updated, and those that changed here later are kept. Credentials are stored as the source returns them, without a \
request to the provider; functions on events run as for `registry connection add`. Reading a connection may refresh \
its token at the source.

Of two servers only one may renew a refresh token that the provider replaces: the other one loses the connection. Stop \
the source, and every application that reads connections from it, before `registry serve` or `registry run` uses the \
imported connections.

Exit code 1: a connection was skipped, or the source could not be read to the end. Ctrl-C ends the import after the \
connection that is being written, with exit code 130.";

impl Command for Nango {
    fn clap(&self) -> clap::Command {
        let short = ABOUT.lines().next().unwrap_or_default();
        Arguments::augment_args(clap::Command::new("nango"))
            .about(short)
            .long_about(ABOUT)
            .after_help("Example: registry import nango --host https://api.nango.dev --key @key.txt --dry-run")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let host = checked_host(&arguments.host)?;
        let key = key(arguments.key.as_deref(), context.config().import_key.clone())?;
        if host.scheme() == "http" && !is_local_url(&host) {
            context
                .terminal
                .note("warning: the key and the credentials are sent in clear text: use https, or a tunnel");
        }
        let runtime = open(context, arguments.dry_run)?;
        let progress = context.progress();
        let import = Import {
            transfer: Transfer {
                source: source(context, &host, &key)?,
                runtime,
                providers: BTreeMap::new(),
                dry_run: arguments.dry_run,
                overwrite: arguments.overwrite_newer,
                observer: progress.clone() as Arc<dyn Observer>,
            },
            selected: arguments.integrations,
            host: arguments.host,
        };
        let exit = import.run(context);
        progress.finish();
        exit
    }
}

/// Parses the URL of the source.
fn checked_host(text: &str) -> Result<Url, CommandError> {
    parse_api_url(text).map_err(|_| {
        CommandError::usage(
            "--host: expected an http or https URL without user, query and fragment, such as https://api.nango.dev",
        )
    })
}

/// Returns the key of the source: from the option, the environment, or a prompt.
fn key(given: Option<&str>, configured: Option<Secret>) -> Result<Secret, CommandError> {
    let key = match (given, configured) {
        (Some(given), _) if given == "-" || given.starts_with('@') => {
            match ValueReader::default().credentials("--key", given)? {
                Value::String(text) => Secret::new(text),
                _ => return Err(CommandError::usage("--key: expected the text of the key")),
            }
        }
        (Some(_), _) => {
            return Err(CommandError::usage(
                "--key: other users can read the arguments of a process: pass the key as @FILE, as `-` for stdin, or \
                 in NANGO_IMPORT_KEY",
            ));
        }
        (None, Some(configured)) => configured,
        (None, None) => prompt::secret("Secret key of the source")?.ok_or_else(|| {
            CommandError::usage(
                "the key of the source is missing: pass --key @FILE or --key -, or set NANGO_IMPORT_KEY",
            )
        })?,
    };
    if key.expose().is_empty() { Err(CommandError::usage("--key: the key is empty")) } else { Ok(key) }
}

/// Opens the database. A dry run creates none.
fn open(context: &mut Context, dry_run: bool) -> Result<Arc<Runtime>, CommandError> {
    context.require_database_folder()?;
    if dry_run && context.missing_database().is_some() {
        let mut config = context.config().clone();
        config.set_database("sqlite::memory:");
        return context.open_with(config);
    }
    context.open()
}

/// Creates the client of the source. The operator names its host, so that it may be in a private network.
fn source(context: &mut Context, host: &Url, key: &Secret) -> Result<Source, CommandError> {
    let mut policy = context.config().policy(context.catalogue());
    policy.allow_for(SOURCE, host);
    let settings = NetworkSettings { policy: Arc::new(policy), ..NetworkSettings::default() };
    let transport = NetworkTransport::with_settings(settings)
        .map_err(|error| CommandError::setup(format!("the network cannot be used: {error}")))?;
    Source::new(Arc::new(transport), Arc::new(SystemClock), host, key, context.cancellation())
        .ok_or_else(|| CommandError::usage("--key: the key has characters that a header cannot have"))
}

/// An import with its options.
struct Import {
    transfer: Transfer,
    selected: Vec<String>,
    host: String,
}

impl Import {
    fn run(mut self, context: &mut Context) -> Result<Exit, CommandError> {
        let (integrations, rows) = self.list(context)?;
        for integration in &integrations {
            print_integration(&mut context.terminal, integration)?;
        }
        let stopped = context.cancellation();
        let (mut connections, mut rotating, mut error) = (Vec::new(), 0_u64, None);
        for row in &rows {
            if stopped.is_cancelled() {
                break;
            }
            match context.block_on(self.transfer.connection(row)) {
                Ok(done) => {
                    print_connection(&mut context.terminal, &done.entry, self.transfer.dry_run)?;
                    for warning in done.warnings {
                        context.terminal.note(format_args!("warning: {}: {warning}", row.label()));
                    }
                    let is_here = done.entry.status != ImportStatus::Skipped;
                    rotating += u64::from(is_here && done.has_refresh_token);
                    connections.push(done.entry);
                }
                Err(reason) => {
                    error = Some(reason);
                    break;
                }
            }
        }
        let unread = (rows.len() - connections.len()) as u64;
        let is_interrupted = unread > 0 && stopped.is_cancelled();
        if is_interrupted {
            error = Some("interrupted".to_owned());
        }
        let summary = ImportSummary::of(&connections);
        context.terminal.json(&ImportJson {
            host: &self.host,
            dry_run: self.transfer.dry_run,
            error: error.as_deref(),
            integrations: &integrations,
            connections: &connections,
            summary,
        })?;
        self.print_end(&mut context.terminal, summary, rotating)?;
        let Some(reason) = error else {
            return Ok(if summary.skipped > 0 { Exit::Failed } else { Exit::Success });
        };
        let (cause, exit) = if is_interrupted {
            (format!("{reason}: "), Exit::Interrupted)
        } else {
            (format!("error: {reason}\n"), Exit::Failed)
        };
        context.terminal.note(format_args!(
            "{cause}{} not read; what was imported stays, and the import can be repeated",
            pluralized(unread, "connection")
        ));
        Ok(exit)
    }

    /// Reads the integrations and the list of the selected connections.
    fn list(&mut self, context: &mut Context) -> Result<(Vec<ImportedIntegration>, Vec<SourceRow>), CommandError> {
        let stopped = context.cancellation();
        let failed = |failure: ReadFailure| {
            if stopped.is_cancelled() {
                Error::new(ErrorKind::Interrupted, "the import was interrupted before its first connection").into()
            } else {
                CommandError::failed(failure.into_text())
            }
        };
        let source = &self.transfer.source;
        let mut integrations = context.block_on(source.integrations()).map_err(failed)?;
        for selected in &self.selected {
            if !integrations.iter().any(|integration| integration.unique_key == *selected) {
                return Err(CommandError::not_found(format!("--integration: the source has no `{selected}`")));
            }
        }
        let selected = &self.selected;
        let is_selected = |key: &String| selected.is_empty() || selected.contains(key);
        integrations.retain(|integration| is_selected(&integration.unique_key));
        let mut rows = context.block_on(source.connections()).map_err(failed)?;
        rows.retain(|row| is_selected(&row.integration));
        let compared = integrations.iter().map(|one| plan::compare(&self.transfer.runtime, one)).collect();
        self.transfer.providers = integrations.into_iter().map(|one| (one.unique_key, one.provider)).collect();
        Ok((compared, rows))
    }

    fn print_end(&self, terminal: &mut Terminal, summary: ImportSummary, rotating: u64) -> Result<(), CommandError> {
        let ImportSummary { created, updated, unchanged, newer, skipped } = summary;
        let dry = if self.transfer.dry_run { "dry run, nothing was written: " } else { "" };
        terminal.line(format_args!(
            "{dry}{created} created, {updated} updated, {unchanged} unchanged, {newer} newer here, {skipped} skipped"
        ))?;
        if newer > 0 {
            terminal.note(
                "note: connections that are newer here were kept: --overwrite-newer replaces them with those of the \
                 source",
            );
        }
        if rotating > 0 {
            terminal.note(format_args!(
                "warning: {} with a refresh token: only one server may renew it. Stop the source, and what reads \
                 connections from it, before this program uses them",
                pluralized(rotating, "connection")
            ));
        }
        Ok(())
    }
}

fn print_integration(terminal: &mut Terminal, integration: &ImportedIntegration) -> Result<(), CommandError> {
    if integration.ready {
        return Ok(());
    }
    terminal.line(format_args!("integration {}: {}", integration.unique_key, integration.problems.join("; ")))?;
    if let Some(configuration) = &integration.configuration {
        terminal.line(format_args!("In nango.toml:\n\n{configuration}"))?;
    }
    Ok(())
}

fn print_connection(terminal: &mut Terminal, entry: &ImportedConnection, dry_run: bool) -> Result<(), CommandError> {
    let label = entry.label();
    match (entry.status, dry_run) {
        (ImportStatus::Created, false) => terminal.line(format_args!("created {label}"))?,
        (ImportStatus::Created, true) => terminal.line(format_args!("would create {label}"))?,
        (ImportStatus::Updated, false) => terminal.line(format_args!("updated {label}"))?,
        (ImportStatus::Updated, true) => terminal.line(format_args!("would update {label}"))?,
        (ImportStatus::Newer, _) => terminal.line(format_args!("kept {label}: it is newer here"))?,
        (ImportStatus::Unchanged, _) => {}
        (ImportStatus::Skipped, _) => {
            terminal.line(format_args!("skipped {label}: {}", entry.reason.as_deref().unwrap_or_default()))?;
        }
    }
    if !entry.ignored.is_empty() {
        terminal.note(format_args!("note: {label}: values that cannot be stored here: {}", entry.ignored.join(", ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_an_url_of_an_api() {
        assert_eq!(checked_host("https://n.example/base").unwrap().as_str(), "https://n.example/base");
        for wrong in ["n.example", "ftp://n.example", "https://u:hush@n.example", "https://n.example?x", "https://"] {
            let error = checked_host(wrong).unwrap_err().to_string();
            assert!(error.starts_with("--host: expected") && !error.contains("hush"), "{wrong}: {error}");
        }
        assert!(is_local_url(&checked_host("http://127.0.0.1:3003").unwrap()));
        assert!(!is_local_url(&checked_host("http://10.0.0.1").unwrap()));
    }

    #[test]
    fn key_is_not_accepted_on_the_command_line() {
        let error = key(Some("hush"), None).unwrap_err().to_string();
        assert!(error.contains("NANGO_IMPORT_KEY") && !error.contains("hush"), "{error}");
        assert_eq!(key(None, Some("k".into())).unwrap().expose(), "k");
    }
}
