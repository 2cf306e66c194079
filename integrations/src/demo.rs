//! `registry demo`: the main use case, offline, against a stand-in of the GitHub API.
//!
//! The demo is the first command that a new user runs, so each step explains what happens and why. Nothing is simulated
//! but the API: the functions are those of this crate, requests are sent over a socket, and records are stored in a
//! database.

mod serving;
pub mod standin;

use std::{net::SocketAddr, sync::Arc};

use nango_core::{
    cli::{Command, CommandError, Context, Exit, clap},
    internal::{
        auth::Credentials,
        cli::record_table,
        cli::report,
        config::{Config, IntegrationConfig, parse_listen},
        run::{AddConnection, NoopObserver, RunReport, RunRequest, Runtime, Target, add_connection},
        store::{BASE_VARIANT, DatasetKey, FeedPage, Filter, ProfileChange, ReadQuery, RunStatus},
    },
};
use serde_json::{Map, Value, json};

use serving::DemoServer;
use standin::{DEMO_REPOSITORY, Standin};

const INTEGRATION: &str = "github";
const CONNECTION: &str = "stand-in";
const SYNC: &str = "repo-issues";
const MODEL: &str = "GithubIssue";
/// Width of tables in characters if stdout is not a terminal.
const WIDTH: u16 = 118;

/// The command `registry demo`.
#[derive(Debug)]
pub(crate) struct Demo;

impl Command for Demo {
    fn clap(&self) -> clap::Command {
        clap::Command::new("demo")
            .about("Shows a connection, a sync and an action, offline against a stand-in of the GitHub API")
            .long_about(
                "Starts a stand-in of the GitHub API on loopback, adds a connection, runs a sync, shows its records, \
                 runs an action, and shows which changes the next syncs find.\n\nThe database is in memory and is \
                 discarded at the end; with --database it is kept. With --serve, the stand-in and the HTTP API stay \
                 available until Ctrl-C, and requests to copy are printed. The API key is printed on a terminal only; \
                 without one, set NANGO_API_KEY.",
            )
            .after_help("Examples:\n  registry demo\n  registry demo --serve")
            .arg(
                clap::Arg::new("serve")
                    .long("serve")
                    .action(clap::ArgAction::SetTrue)
                    .help("Serves the HTTP API on the demo's database until Ctrl-C, and prints requests to it"),
            )
            .arg(
                clap::Arg::new("listen")
                    .long("listen")
                    .value_name("ADDRESS")
                    .requires("serve")
                    .value_parser(parse_listen)
                    .help("Address of the API: IP address and port [default: 127.0.0.1:3003]"),
            )
    }

    fn run(&self, matches: &clap::ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let keep_database = matches.get_one::<String>("database").is_some();
        let standin = context.block_on(Standin::start())?;
        let mut config = context.config().clone();
        if !keep_database {
            config.set_database("sqlite::memory:");
        }
        if let Some(listen) = matches.get_one::<SocketAddr>("listen") {
            config.server.listen = *listen;
        }
        send_to(&standin, &mut config);
        let runtime = context.open_with(config)?;
        let server = if matches.get_flag("serve") { Some(DemoServer::open(context, &runtime)?) } else { None };
        let url = server.as_ref().map(DemoServer::url);
        let result = DemoRun { context, runtime: runtime.clone(), standin: &standin, keep_database, url }.run();
        let result = match (result, server) {
            (Ok(exit), Some(server)) => server.run(context, &runtime).and_then(|()| {
                if keep_database {
                    context.terminal.line(kept_text())?;
                }
                Ok(exit)
            }),
            (result, _) => result,
        };
        context.block_on(standin.stop())?;
        result
    }
}

/// Replaces the settings of the integration by those of the stand-in.
fn send_to(standin: &Standin, config: &mut Config) {
    let settings = IntegrationConfig { base_url: Some(standin.url().to_owned()), ..IntegrationConfig::default() };
    config.integrations.insert(INTEGRATION.to_owned(), settings);
}

struct DemoRun<'a> {
    context: &'a mut Context,
    runtime: Arc<Runtime>,
    standin: &'a Standin,
    /// Whether the database is kept after the demo.
    keep_database: bool,
    /// URL of the server, which runs after the demo.
    url: Option<String>,
}

impl DemoRun<'_> {
    fn run(mut self) -> Result<Exit, CommandError> {
        self.print_line(
            "This demo shows the main use case of this program against a stand-in of the GitHub API on this machine.",
        )?;
        self.connect()?;

        self.print_step(
            "2. A sync",
            "The sync consists of a mapping of one issue; the macro generates pagination, deletes and checkpoints.",
        )?;
        self.print_command(&format!("registry run {INTEGRATION} {SYNC} --connection {CONNECTION}"))?;
        let first = self.sync()?;
        self.print_line("The records are now in the cache:")?;
        let page = self.read(Filter { added: true, updated: true, deleted: false }, None)?;
        self.table(&page)?;

        self.print_step(
            "3. An action",
            "An action is an operation in the customer's account: this one creates an issue.",
        )?;
        self.create_issue()?;

        self.print_step(
            "4. The same sync again",
            "Only changed records are written, so that your application reads only the changes.",
        )?;
        let second = self.sync()?;
        let last_cursor = page.records.last().map(|record| record.cursor.clone());
        let changes = self.read(Filter::default(), last_cursor.clone())?;
        self.table(&changes)?;
        let counts = second.totals.models.get(MODEL).copied().unwrap_or_default();
        let (added, unchanged) = (counts.added, counts.unchanged);
        self.print_line(&format!("Exactly {added} record was added; {unchanged} were unchanged and not written."))?;
        expect(added == 1 && counts.updated == 0, "the second sync adds exactly the created issue")?;

        self.print_step(
            "5. A delete at GitHub",
            "GitHub sends no event: the sync detects the delete because the issue is missing from the complete list.",
        )?;
        let deleted = self.standin.delete_issue(DEMO_REPOSITORY, 3);
        expect(deleted, "the stand-in has an issue number 3")?;
        let third = self.sync()?;
        let deleted = self.read(Filter { deleted: true, ..Filter::default() }, last_cursor)?;
        self.table(&deleted)?;
        self.print_line(
            "The record is marked as deleted and keeps its last content, so that your application can process it.",
        )?;
        let counts = third.totals.models.get(MODEL).copied().unwrap_or_default();
        expect(counts.deleted == 1, "the third sync deletes exactly one record")?;

        self.print_step("6. The schema", "The JSON Schema of the model, for clients in any language:")?;
        self.print_command(&format!(
            "registry schema --format json-schema --integration {INTEGRATION} --model {MODEL}"
        ))?;
        let schema = nango_core::internal::export::model(self.context.registry(), INTEGRATION, MODEL);
        let schema = schema.map_err(|errors| CommandError::failed(format!("{errors:?}")))?.unwrap_or_default();
        self.context.terminal.line(format!("{schema:#}"))?;

        if self.url.is_none() {
            self.next_steps()?;
        }
        let runs = [&first, &second, &third].map(|run| run.run.to_string());
        let mut result = json!({
            "runs": runs,
            "added": second.totals.models.get(MODEL).map(|counts| counts.added),
            "deleted": counts.deleted,
        });
        if let Some(url) = &self.url {
            result["url"] = url.clone().into();
        }
        self.context.terminal.json(&result)?;
        Ok(Exit::Success)
    }

    fn connect(&mut self) -> Result<(), CommandError> {
        let why =
            "A customer's credentials for GitHub, which are encrypted in the database, and the repository to read.";
        self.print_step("1. A connection", why)?;
        let (owner, repo) = DEMO_REPOSITORY.split_once('/').unwrap_or((DEMO_REPOSITORY, ""));
        let metadata = json!({ "owner": owner, "repo": repo });
        self.print_command(&format!(
            "registry connection add {INTEGRATION} {CONNECTION} --auth bearer --credentials @token.json \\\n      \
             --metadata '{metadata}'"
        ))?;
        let new = AddConnection {
            integration: INTEGRATION.to_owned(),
            id: CONNECTION.to_owned(),
            credentials: Credentials::bearer("a-token-of-the-stand-in"),
            config: Map::new(),
            metadata: match metadata {
                Value::Object(metadata) => Some(metadata),
                _ => None,
            },
            profile: ProfileChange::default(),
            verify: false,
        };
        let added = self.context.block_on(add_connection(&self.runtime, new, Arc::new(NoopObserver)))?;
        let checks: Vec<&str> = added.events.iter().map(|event| event.key.function.as_str()).collect();
        self.print_line(&format!("Connected; `{}` checked that the repository exists at GitHub.", checks.join("`, `")))
    }

    fn sync(&mut self) -> Result<RunReport, CommandError> {
        self.execute(Target::Sync(SYNC.to_owned()))
    }

    fn create_issue(&mut self) -> Result<(), CommandError> {
        let input = json!({ "title": "Created by the demo" });
        self.print_command(&format!(
            "registry run {INTEGRATION} create-issue --connection {CONNECTION} --input '{input}'"
        ))?;
        self.execute(Target::Action { name: "create-issue".to_owned(), input }).map(drop)
    }

    fn execute(&mut self, function: Target) -> Result<RunReport, CommandError> {
        let request = RunRequest::new(INTEGRATION, function, CONNECTION);
        let run = self.context.execute(&self.runtime, request)?;
        report::summary(&mut self.context.terminal, &run)?;
        match run.status {
            RunStatus::Success => Ok(run),
            status => {
                Err(CommandError::failed(format!("the demo stopped: the run ended with status {}", status.name())))
            }
        }
    }

    fn read(&self, filter: Filter, cursor: Option<String>) -> Result<FeedPage, CommandError> {
        let dataset = DatasetKey {
            integration: INTEGRATION.to_owned(),
            connection: CONNECTION.to_owned(),
            model: MODEL.to_owned(),
            variant: BASE_VARIANT.to_owned(),
        };
        let query = ReadQuery { filter, cursor, ..ReadQuery::default() };
        Ok(self.context.block_on(self.runtime.store.read(&dataset, query))?)
    }

    fn table(&mut self, page: &FeedPage) -> Result<(), CommandError> {
        let width = self.context.terminal.width().or(Some(WIDTH));
        self.context.terminal.line(record_table(&page.records, width))
    }

    fn print_step(&mut self, title: &str, why: &str) -> Result<(), CommandError> {
        self.context.terminal.line(format_args!("\n── {title} ──\n{why}"))
    }

    fn print_line(&mut self, text: &str) -> Result<(), CommandError> {
        self.context.terminal.line(text)
    }

    /// Prints the command that does the same by hand.
    fn print_command(&mut self, command: &str) -> Result<(), CommandError> {
        self.context.terminal.line(format_args!("\n  $ {command}"))
    }

    fn next_steps(&mut self) -> Result<(), CommandError> {
        if self.keep_database {
            self.print_line(&kept_text())?;
        }
        self.print_step("Next steps", "")?;
        self.print_line(
            "  cargo run -- list                          lists the functions of this crate
  cargo run -- describe github repo-issues   describes one of them
  cargo run -- connection add github me --auth none && cargo run -- run github issues-demo --connection me
                                             runs a sync against the real GitHub, without credentials
  integrations/src/github/repo_issues.rs     the sync of this demo, to copy",
        )
    }
}

/// Returns the text about the connection of a database that is kept.
fn kept_text() -> String {
    format!(
        "\nThe connection `{CONNECTION}` is kept in your database, but its stand-in stops now. Remove it with\n  \
         registry connection remove {INTEGRATION} {CONNECTION}"
    )
}

/// Fails the demo if a statement that it prints is not true.
fn expect(condition: bool, what: &str) -> Result<(), CommandError> {
    if condition { Ok(()) } else { Err(CommandError::failed(format!("the demo is broken: {what}"))) }
}
