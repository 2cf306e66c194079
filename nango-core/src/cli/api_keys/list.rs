//! `registry api-keys list`: all keys as a table, without the keys themselves.

use clap::ArgMatches;

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        table::{table, truncated, utc_time},
    },
    time::Timestamp,
    wire::ApiKeyRow,
};

/// Command `registry api-keys list`.
#[derive(Debug)]
pub(super) struct List;

impl Command for List {
    fn clap(&self) -> clap::Command {
        clap::Command::new("list")
            .about("Lists the keys of the HTTP API, including revoked and expired ones")
            .after_help("Example: registry api-keys list")
    }

    fn run(&self, _: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        context.require_database_folder()?;
        let (keys, now) = if let Some(file) = context.missing_database() {
            let missing = format!("note: there is no database {} yet", file.display());
            context.terminal.note(missing);
            (Vec::new(), Timestamp::UNIX_EPOCH)
        } else {
            let runtime = context.open()?;
            (context.block_on(runtime.store.api_keys())?, runtime.store.now())
        };
        context.terminal.json(&keys.iter().map(|key| ApiKeyRow::new(key, now)).collect::<Vec<_>>())?;
        if keys.is_empty() {
            context.terminal.hint("No key yet. Create one:\n  registry api-keys create --name app");
            return Ok(Exit::Success);
        }
        let headings = ["name", "state", "scopes", "integrations", "created", "expires", "last used", "id"];
        let mut shown = table(&headings, context.terminal.width());
        let time = |at: Option<Timestamp>| at.map(utc_time).unwrap_or_default();
        for key in &keys {
            shown.add_row([
                &truncated(&key.name, 60),
                ApiKeyRow::status(key, now),
                &key.scopes.join("\n"),
                &key.integrations.as_ref().map_or_else(|| "all".to_owned(), |names| names.join("\n")),
                &utc_time(key.created_at),
                &time(key.expires_at),
                &time(key.last_used_at),
                &key.id.to_string(),
            ]);
        }
        context.terminal.line(shown)?;
        Ok(Exit::Success)
    }
}
