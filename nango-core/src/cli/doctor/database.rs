//! Checks of the database: whether it responds, its clock, the serving process, connections and schedules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::Finding;
use crate::{
    auth::App,
    cli::{CommandError, Context, shell::shell_quoted, table::pluralized},
    declare::Registry,
    provider::AuthMode,
    run::Runtime,
    store::{self, FunctionKey, Run, RunFilter, RunStatus, Schedule, ScheduleFilter},
    time::format_span,
};

/// Difference between the clock of the database and that of this machine that is reported.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);
/// Time after its due time from which a schedule is overdue.
const OVERDUE: Duration = Duration::from_mins(5);
/// Period whose failed runs are read.
const FAILURES_SINCE: Duration = Duration::from_hours(7 * 24);
/// Number of failed runs in a row that is reported.
const FAILURES: u32 = 3;
/// Maximum number of failed runs that are read.
const MAX_FAILED_RUNS: u32 = 1_000;
/// Maximum number of syncs that a line names.
const NAMED: usize = 3;

/// Opens the database, unless it does not exist, and returns the findings about it.
pub(super) fn check(context: &mut Context) -> Vec<Finding> {
    const CHECK: &str = "database";
    if let Err(error) = context.require_database_folder() {
        return vec![Finding::error(CHECK, error.to_string())];
    }
    if let Some(file) = context.missing_database() {
        return vec![Finding::warning(
            CHECK,
            format!("there is no database {}", file.display()),
            "run `registry connection add` or `registry serve`, which create it, or correct its path",
        )];
    }
    let runtime = match context.open() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::error(CHECK, error.to_string())],
    };
    let (name, version) = (runtime.config.database_name(), schema_version(&runtime));
    let mut findings = vec![Finding::ok(CHECK, format!("{name} responds, with version {version} of the schema"))];
    findings.push(clock(&runtime));
    match context.block_on(read(&runtime)) {
        Ok(read) => findings.extend(read),
        Err(error) => findings.push(Finding::error(CHECK, error.to_string())),
    }
    findings
}

/// Returns the version of the schema: that of this program, which migrates a database when it opens it.
fn schema_version(runtime: &Runtime) -> usize {
    if runtime.config.database.starts_with("sqlite:") {
        return store::sqlite::SCHEMA_VERSION;
    }
    #[cfg(feature = "postgres")]
    return store::postgres::SCHEMA_VERSION;
    #[cfg(not(feature = "postgres"))]
    store::sqlite::SCHEMA_VERSION
}

fn clock(runtime: &Runtime) -> Finding {
    let (database, here) = (runtime.store.now(), runtime.clock.now());
    let difference = database.saturating_duration_since(here).max(here.saturating_duration_since(database));
    if difference <= MAX_CLOCK_DIFFERENCE {
        return Finding::ok("clock", "the clock of the database agrees with that of this machine");
    }
    Finding::warning(
        "clock",
        format!("the clock of the database differs from that of this machine by {}", format_span(difference)),
        "synchronise both machines by NTP: expiries of tokens are computed from the one, leases from the other",
    )
}

async fn read(runtime: &Arc<Runtime>) -> Result<Vec<Finding>, CommandError> {
    let mut findings = Vec::new();
    let settings = runtime.store.encryption_settings().await?;
    if settings.unfinished {
        findings.push(Finding::warning(
            "encryption",
            "a change of the encryption is unfinished",
            "run `registry encryption status`, which shows the command that continues it",
        ));
    } else {
        let records = if settings.payloads { "encrypted" } else { "not encrypted" };
        findings.push(Finding::ok("encryption", format!("credentials are encrypted, content of records is {records}")));
    }
    findings.push(connections(runtime).await?);
    let is_served = runtime.store.is_served().await?;
    let schedules = runtime.store.schedules(ScheduleFilter::default()).await?;
    findings.push(if is_served {
        Finding::ok("server", "a process serves the database")
    } else if schedules.is_empty() {
        Finding::ok("server", "no process serves the database, and there are no schedules")
    } else {
        Finding::warning(
            "server",
            format!("no process serves the database: {} wait for one", pluralized(schedules.len() as u64, "schedule")),
            "run `registry serve`",
        )
    });
    findings.push(overdue(runtime, &schedules, is_served));
    findings.push(failing(runtime).await?);
    Ok(findings)
}

async fn connections(runtime: &Runtime) -> Result<Finding, CommandError> {
    const CHECK: &str = "connections";
    let all = runtime.store.connections(None).await?;
    let refused = all.iter().filter(|of| of.failure.as_ref().is_some_and(|failure| failure.refused)).count() as u64;
    if refused > 0 {
        return Ok(Finding::warning(
            CHECK,
            format!("the credentials of {} are no longer accepted", pluralized(refused, "connection")),
            "run `registry connection list`, and connect those with the state `reconnect` again",
        ));
    }
    let without_app: BTreeSet<&str> = all
        .iter()
        .filter(|of| of.auth == AuthMode::OAuth2.stored_name() && of.refresh_at.is_some() && of.config.is_empty())
        .map(|of| of.integration.as_str())
        .filter(|integration| runtime.config.app(integration).client_id.is_none())
        .collect();
    if let Some(first) = without_app.first() {
        return Ok(Finding::warning(
            CHECK,
            format!("`{first}` has connections whose tokens expire, and no app that refreshes them"),
            format!(
                "set `client_id` under `[integrations.{first}]` in nango.toml and {}, unless each connection has a \
                 client of its own",
                App::variable(first, "CLIENT_SECRET")
            ),
        ));
    }
    Ok(Finding::ok(CHECK, format!("{} stored", pluralized(all.len() as u64, "connection"))))
}

fn overdue(runtime: &Runtime, schedules: &[Schedule], is_served: bool) -> Finding {
    const CHECK: &str = "schedules";
    let before = runtime.store.now() - OVERDUE;
    let is_declared = |key: &FunctionKey| Registry::sync(&runtime.registry, &key.integration, &key.function).is_some();
    let overdue: Vec<&FunctionKey> = schedules
        .iter()
        .filter(|schedule| !schedule.paused && schedule.next_at.is_some_and(|at| at < before))
        .map(|schedule| &schedule.key)
        .filter(|key| is_declared(key))
        .collect();
    if overdue.is_empty() {
        return Finding::ok(CHECK, format!("none of {} is overdue", pluralized(schedules.len() as u64, "schedule")));
    }
    let next = if is_served {
        "check the log of the serving process: it may be an older program that does not have these syncs"
    } else {
        "run `registry serve`: each of them then runs once"
    };
    let message = format!("{} overdue: {}", pluralized(overdue.len() as u64, "schedule"), names(&overdue));
    Finding::warning(CHECK, message, next)
}

/// Finds functions whose latest runs all failed.
async fn failing(runtime: &Runtime) -> Result<Finding, CommandError> {
    const CHECK: &str = "runs";
    let failed = RunFilter {
        status: Some(RunStatus::Error),
        since: Some(runtime.store.now() - FAILURES_SINCE),
        limit: MAX_FAILED_RUNS,
        ..RunFilter::default()
    };
    let failed = runtime.store.find_runs(failed).await?;
    let mut counts: BTreeMap<&FunctionKey, u32> = BTreeMap::new();
    for run in &failed {
        *counts.entry(&run.key).or_default() += 1;
    }
    let mut failing = Vec::new();
    for (key, _) in counts.into_iter().filter(|(_, count)| *count >= FAILURES) {
        let latest: Vec<Run> = runtime.store.runs_of(key, FAILURES).await?;
        if latest.len() == FAILURES as usize && latest.iter().all(|run| run.status == RunStatus::Error) {
            failing.push(key);
        }
    }
    let Some(first) = failing.first() else {
        return Ok(Finding::ok(CHECK, "no function fails repeatedly"));
    };
    Ok(Finding::warning(
        CHECK,
        format!(
            "the last {FAILURES} runs of {} failed: {}",
            pluralized(failing.len() as u64, "function"),
            names(&failing)
        ),
        format!(
            "run `registry runs list {} {} --connection {} --status error`",
            first.integration,
            first.function,
            shell_quoted(&first.connection)
        ),
    ))
}

fn names(keys: &[&FunctionKey]) -> String {
    let name = |key: &&FunctionKey| format!("{}/{} of {}", key.integration, key.function, key.connection);
    let mut names: Vec<String> = keys.iter().take(NAMED).map(name).collect();
    names.extend((keys.len() > NAMED).then(|| format!("{} more", keys.len() - NAMED)));
    names.join(", ")
}
