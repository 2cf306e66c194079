//! `registry demo`: the main job once, offline, against a stand-in of the GitHub API.
//!
//! It is the first thing a person sees, so it says what happens and why, and everything it shows is real: the functions
//! are those of this crate, the requests go over a socket, the records lie in a database.

pub mod standin;

use std::sync::Arc;

use nango_core::{
    auth::Credentials,
    cli::{Command, CommandError, Context, Exit, clap, record_table, report},
    config::{Config, IntegrationConfig},
    run::{AddConnection, NoopObserver, RunReport, RunRequest, Runtime, Target, add_connection},
    store::{BASE_VARIANT, DatasetKey, FeedPage, Filter, ReadQuery, RunStatus},
};
use serde_json::{Map, Value, json};

use standin::{DEMO_REPOSITORY, Standin};

const INTEGRATION: &str = "github";
const CONNECTION: &str = "stand-in";
const SYNC: &str = "repo-issues";
const MODEL: &str = "GithubIssue";
/// The width of tables where there is no window.
const WIDTH: u16 = 118;

/// The command.
#[derive(Debug)]
pub(crate) struct Demo;

impl Command for Demo {
    fn clap(&self) -> clap::Command {
        clap::Command::new("demo").about("Everything once, offline, against a stand-in of the GitHub API").long_about(
            "Everything once, offline: starts a stand-in of the GitHub API on loopback, adds a connection, runs a sync, \
             shows its records, runs an action, and shows what the next syncs find.\n\nThe database is in memory and \
             gone afterwards; with --database it is kept.",
        )
    }

    fn run(&self, matches: &clap::ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let kept = matches.get_one::<String>("database").is_some();
        let standin = context.block_on(Standin::start())?;
        let mut config = context.config().clone();
        if !kept {
            config.set_database("sqlite::memory:");
        }
        send_to(&standin, &mut config);
        let runtime = context.open_with(config)?;
        let done = DemoRun { context, runtime, standin: &standin, keep_database: kept }.run();
        context.block_on(standin.stop())?;
        done
    }
}

/// Sends the integration to the stand-in, whatever the settings say of the real one.
fn send_to(standin: &Standin, config: &mut Config) {
    let settings = IntegrationConfig { base_url: Some(standin.url().to_owned()), ..IntegrationConfig::default() };
    config.integrations.insert(INTEGRATION.to_owned(), settings);
}

struct DemoRun<'a> {
    context: &'a mut Context,
    runtime: Arc<Runtime>,
    standin: &'a Standin,
    /// Whether the database stays.
    keep_database: bool,
}

impl DemoRun<'_> {
    fn run(mut self) -> Result<Exit, CommandError> {
        self.print_line(
            "This is the main job of this program, done once against a stand-in of the GitHub API on this machine.",
        )?;
        self.connect()?;

        self.print_step(
            "2. A sync",
            "A mapping of one issue is the whole sync; its pages, deletes and state are written by the macro.",
        )?;
        self.print_command(&format!("registry run {INTEGRATION} {SYNC} --connection {CONNECTION}"))?;
        let first = self.sync()?;
        self.print_line("The records are in the cache now:")?;
        let page = self.read(Filter { added: true, updated: true, deleted: false }, None)?;
        self.table(&page)?;

        self.print_step(
            "3. An action",
            "An operation of your product on the customer's account: here it creates an issue.",
        )?;
        self.create_issue()?;

        self.print_step(
            "4. The same sync again",
            "Only what changed is written, so your application reads only that.",
        )?;
        let second = self.sync()?;
        let behind = page.records.last().map(|record| record.cursor.clone());
        let news = self.read(Filter::default(), behind.clone())?;
        self.table(&news)?;
        let counts = second.totals.models.get(MODEL).copied().unwrap_or_default();
        let (added, unchanged) = (counts.added, counts.unchanged);
        self.print_line(&format!(
            "Exactly {added} record was added; {unchanged} were as they already were, and cost no write."
        ))?;
        expect(added == 1 && counts.updated == 0, "the second sync adds exactly the created issue")?;

        self.print_step(
            "5. Something is deleted at GitHub",
            "Nobody tells us: the sync finds out because it sees every issue.",
        )?;
        let deleted = self.standin.delete_issue(DEMO_REPOSITORY, 3);
        expect(deleted, "the stand-in has an issue number 3")?;
        let third = self.sync()?;
        let deleted = self.read(Filter { deleted: true, ..Filter::default() }, behind)?;
        self.table(&deleted)?;
        self.print_line("It is marked as deleted and keeps its last content, so that your application can follow.")?;
        let counts = third.totals.models.get(MODEL).copied().unwrap_or_default();
        expect(counts.deleted == 1, "the third sync deletes exactly one record")?;

        self.print_step("6. The contract", "The schema of the model, for clients in any language:")?;
        self.print_command(&format!(
            "registry schema --format json-schema --integration {INTEGRATION} --model {MODEL}"
        ))?;
        let schema = nango_core::export::model(self.context.registry(), INTEGRATION, MODEL);
        let schema = schema.map_err(|errors| CommandError::failed(format!("{errors:?}")))?.unwrap_or_default();
        self.context.terminal.line(format!("{schema:#}"))?;

        self.next_steps()?;
        let runs = [&first, &second, &third].map(|run| run.run.to_string());
        self.context.terminal.json(&json!({
            "runs": runs,
            "added": second.totals.models.get(MODEL).map(|counts| counts.added),
            "deleted": counts.deleted,
        }))?;
        Ok(Exit::Success)
    }

    fn connect(&mut self) -> Result<(), CommandError> {
        let why =
            "One customer's credentials for GitHub, and which repository to read. They are sealed in the database.";
        self.print_step("1. A connection", why)?;
        let (owner, repo) = DEMO_REPOSITORY.split_once('/').unwrap_or((DEMO_REPOSITORY, ""));
        let metadata = json!({ "owner": owner, "repo": repo });
        self.print_command(&format!(
            "registry connection add {INTEGRATION} {CONNECTION} --auth bearer --credentials @token.json --metadata '{metadata}'"
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
            verify: false,
        };
        let added = self.context.block_on(add_connection(&self.runtime, new, Arc::new(NoopObserver)))?;
        let checks: Vec<&str> = added.events.iter().map(|event| event.key.function.as_str()).collect();
        self.print_line(&format!("Connected; `{}` asked GitHub whether the repository is there.", checks.join("`, `")))
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
                Err(CommandError::failed(format!("the demo ends here: the run ended with status {}", status.name())))
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

    /// A command that would do the same by hand.
    fn print_command(&mut self, command: &str) -> Result<(), CommandError> {
        self.context.terminal.line(format_args!("\n  $ {command}"))
    }

    fn next_steps(&mut self) -> Result<(), CommandError> {
        if self.keep_database {
            self.print_line(&format!(
                "\nThe connection `{CONNECTION}` stays in your database, but its stand-in ends now. Drop it with\n  \
                 registry connection remove {INTEGRATION} {CONNECTION}"
            ))?;
        }
        self.print_step("What to try next", "")?;
        self.print_line(
            "  cargo run -- list                          every function of this crate
  cargo run -- describe github repo-issues   one of them
  cargo run -- connection add github me --auth none && cargo run -- run github issues-demo --connection me
                                             the real GitHub, without credentials
  integrations/src/github/repo_issues.rs     the sync that you just saw: copy it",
        )
    }
}

/// The demo shows what it says, or fails.
fn expect(holds: bool, what: &str) -> Result<(), CommandError> {
    if holds { Ok(()) } else { Err(CommandError::failed(format!("the demo is broken: {what}"))) }
}
