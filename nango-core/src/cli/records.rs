//! `registry records`: records of a dataset, in the order of their last change.
//!
//! Prints one page, all pages (`--all`), or all pages and then every change (`--follow`). Each page is printed as soon
//! as it is read, so memory does not grow with the dataset.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};

use super::{
    Command, CommandError, Context, Exit, Terminal,
    dataset::DatasetArguments,
    lookup,
    lookup::shell_quoted,
    record_table, signals,
    table::{truncated, utc_time},
};
use crate::{
    declare::Registry,
    run::Runtime,
    store::{BASE_VARIANT, DatasetKey, FeedPage, FeedRow, Filter, ReadQuery},
    wire::{PageWriter, write_page, write_record},
};

/// Interval at which `--follow` looks for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// `registry records <integration> <Model>`
#[derive(Debug)]
pub(super) struct Records;

#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    dataset: DatasetArguments,
    /// Starts after this position: `next_cursor` of an earlier page, or `cursor` of a record
    #[arg(long)]
    cursor: Option<String>,
    /// Most records to print; with --all and --follow, records per page
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only records with one of these last actions
    #[arg(long, value_enum, value_delimiter = ',', value_name = "added,updated,deleted")]
    filter: Vec<ActionFilter>,
    /// Prints all pages
    #[arg(long)]
    all: bool,
    /// Prints all pages, and then every change until Ctrl-C; with --json, one document per record
    #[arg(long, conflicts_with = "all")]
    follow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ActionFilter {
    Added,
    Updated,
    Deleted,
}

impl Command for Records {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("records").about("Shows the records of a connection"))
            .after_help("Example: registry records github GithubIssue --connection acme --filter deleted")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let dataset = arguments.dataset.key();
        lookup::model(context.registry(), &dataset.integration, &dataset.model)?;
        let runtime = context.open_existing()?;
        context.block_on(lookup::connection(&runtime, &dataset.integration, &dataset.connection))?;
        let mut reader = Reader { runtime: &runtime, dataset, query: query(&arguments) };
        if arguments.follow {
            return reader.follow(context);
        }
        let printed = if arguments.all { reader.print_all(context)? } else { reader.print_page(context)? };
        if printed == 0 {
            let hint = empty_hint(context.registry(), &arguments);
            context.terminal.hint(hint);
        }
        Ok(Exit::Success)
    }
}

fn query(arguments: &Arguments) -> ReadQuery {
    let has = |action| arguments.filter.contains(&action);
    ReadQuery {
        cursor: arguments.cursor.clone(),
        limit: arguments.limit,
        filter: Filter {
            added: has(ActionFilter::Added),
            updated: has(ActionFilter::Updated),
            deleted: has(ActionFilter::Deleted),
        },
        ..ReadQuery::default()
    }
}

struct Reader<'a> {
    runtime: &'a Runtime,
    dataset: DatasetKey,
    query: ReadQuery,
}

impl Reader<'_> {
    async fn page(&self) -> Result<FeedPage, CommandError> {
        Ok(self.runtime.store.read(&self.dataset, self.query.clone()).await?)
    }

    fn print_page(&mut self, context: &mut Context) -> Result<usize, CommandError> {
        let page = context.block_on(self.page())?;
        let terminal = &mut context.terminal;
        if terminal.is_json() {
            let mut json = Vec::new();
            write_page(&page, &mut json);
            json.push(b'\n');
            terminal.bytes(&json)?;
        } else if !page.records.is_empty() {
            let rows = record_table(&page.records, terminal.width());
            terminal.line(rows)?;
        }
        if let Some(cursor) = &page.next_cursor {
            terminal.hint(format_args!("More records follow: add --cursor {}, or --all", shell_quoted(cursor)));
        }
        Ok(page.records.len())
    }

    /// Prints all pages: one document with `--json`, otherwise one table per page. Returns the number of records.
    fn print_all(&mut self, context: &mut Context) -> Result<usize, CommandError> {
        let mut printed = 0;
        let mut document = PageWriter::default();
        loop {
            // The document starts with the first page, so that an earlier error prints only the error document.
            let page = context.block_on(self.page())?;
            let terminal = &mut context.terminal;
            if terminal.is_json() {
                let mut json = Vec::new();
                document.rows(&page.records, &mut json);
                terminal.bytes(&json)?;
            } else if !page.records.is_empty() {
                let rows = record_table(&page.records, terminal.width());
                terminal.line(rows)?;
            }
            printed += page.records.len();
            match page.next_cursor {
                Some(cursor) => self.query.cursor = Some(cursor),
                None => break,
            }
        }
        if context.terminal.is_json() {
            let mut json = Vec::new();
            document.end(None, &mut json);
            json.push(b'\n');
            context.terminal.bytes(&json)?;
        }
        Ok(printed)
    }

    /// Prints all records, and then every change until Ctrl-C or until the reader closes stdout.
    fn follow(&mut self, context: &mut Context) -> Result<Exit, CommandError> {
        let stop = context.cancellation();
        let store = self.runtime.store.clone();
        while !stop.is_cancelled() {
            // Created before the page is read, so that a commit in between is not missed.
            let changed = store.wait_for_change(POLL_INTERVAL);
            let page = context.block_on(self.page())?;
            for row in &page.records {
                print_followed_record(&mut context.terminal, row)?;
            }
            // The last page has no cursor of its own, so the cursor of its last record is used.
            let last = page.records.last().map(|row| row.cursor.clone());
            let more = page.next_cursor.is_some();
            self.query.cursor = page.next_cursor.or(last).or(self.query.cursor.take());
            if !more {
                let reader_closed = context.block_on(async {
                    tokio::select! {
                        changed = changed => changed.map(|()| false).map_err(CommandError::from),
                        () = stop.cancelled() => Ok(false),
                        () = signals::stdout_closed() => Ok(true),
                    }
                })?;
                if reader_closed {
                    return Ok(Exit::Success);
                }
            }
        }
        Ok(Exit::Interrupted)
    }
}

fn print_followed_record(terminal: &mut Terminal, row: &FeedRow) -> Result<(), CommandError> {
    if terminal.is_json() {
        let mut json = Vec::new();
        write_record(row, &mut json);
        json.push(b'\n');
        return terminal.bytes(&json);
    }
    let payload = row.payload.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let max_chars = terminal.width().map_or(usize::MAX - 1, usize::from);
    let line = format!("{} {:<7} {} {payload}", utc_time(row.last_modified_at), row.last_action.name(), row.id);
    terminal.line(truncated(&line, max_chars))
}

/// Returns the next step when no record was printed.
fn empty_hint(registry: &Registry, arguments: &Arguments) -> String {
    let DatasetArguments { integration, model, connection, variant } = &arguments.dataset;
    if arguments.cursor.is_some() {
        return "No changes after this cursor yet. Wait for them with --follow.".to_owned();
    }
    if !arguments.filter.is_empty() {
        return "No record matches the filter.".to_owned();
    }
    let sync = registry
        .syncs()
        .find(|(entry, sync)| entry.integration() == integration && sync.models.iter().any(|m| m.name == model));
    let variant = if variant == BASE_VARIANT { String::new() } else { format!(" --variant {}", shell_quoted(variant)) };
    match sync {
        Some((_, sync)) => format!(
            "No records yet. Fetch them:\n  registry run {integration} {} --connection {}{variant}",
            sync.name,
            shell_quoted(connection)
        ),
        None => "No records yet.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        lookup::tests::{mapper, registry_of},
        record_table::tests::row,
        terminal::tests::captured_terminal,
    };

    #[test]
    fn followed_record_is_one_line() {
        for (json, expect) in
            [(false, "2026-11-22 12:00:00 ADDED   1 {\"id\":1}\n"), (true, "{\"id\":\"1\",\"_nango_m")]
        {
            let (mut terminal, out, _) = captured_terminal(json);
            print_followed_record(&mut terminal, &row("1", r#"{"id":1}"#)).unwrap();
            assert!(out.text().starts_with(expect), "{}", out.text());
            assert_eq!(out.text().lines().count(), 1);
        }
    }

    #[test]
    fn empty_result_hint_names_next_command() {
        let registry = registry_of(&[mapper("github", "issues", None)]);
        let mut arguments = Arguments {
            dataset: DatasetArguments {
                integration: "github".into(),
                model: "Issue".into(),
                connection: "my acme".into(),
                variant: "base".into(),
            },
            cursor: None,
            limit: 100,
            filter: Vec::new(),
            all: false,
            follow: false,
        };
        let expect = "No records yet. Fetch them:\n  registry run github issues --connection 'my acme'";
        assert_eq!(empty_hint(&registry, &arguments), expect);
        arguments.dataset.variant = "v".into();
        assert_eq!(empty_hint(&registry, &arguments), format!("{expect} --variant v"));
        arguments.filter = vec![ActionFilter::Deleted];
        assert_eq!(empty_hint(&registry, &arguments), "No record matches the filter.");
        assert_eq!(query(&arguments).filter, Filter { deleted: true, ..Filter::default() });
    }
}
