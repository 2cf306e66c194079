//! Global options and parse errors of the command line.
//!
//! `--json`, `--database`, `--providers` and `--config FILE` are accepted before and after the command. The exception
//! is `connection add`, which has a `--config` of its own (`--config key=value`): the file must be given before the
//! command there. Clap's global options cannot express that exception, so `--config` is added to each command that has
//! none.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    value_parser,
};

use super::{CommandError, Exit, Terminal, completions};
use crate::declare::suggest;

const CONFIG: &str = "config-file";
const DATABASE: &str = "database";
const PROVIDERS: &str = "providers";
const JSON: &str = "json";
const QUIET: &str = "quiet";

/// Options that every command accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GlobalOptions {
    /// Configuration file, `--config FILE`.
    pub config: Option<PathBuf>,
    /// Database URL, `--database URL`.
    pub database: Option<String>,
    /// File of provider entries, `--providers FILE`.
    pub providers: Option<PathBuf>,
    /// Whether results are printed as JSON, `--json`.
    pub json: bool,
    /// Whether progress, hints and log lines below `warn` are suppressed, `--quiet`.
    pub quiet: bool,
}

impl GlobalOptions {
    /// Reads the options from the matches of the root command.
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let mut config = None;
        let mut current = Some(matches);
        while let Some(matches) = current {
            // If the option is given more than once, the innermost command wins.
            if let Ok(Some(file)) = matches.try_get_one::<PathBuf>(CONFIG) {
                config = Some(file.clone());
            }
            current = matches.subcommand().map(|(_, inner)| inner);
        }
        Self {
            config,
            database: matches.get_one(DATABASE).cloned(),
            providers: matches.get_one(PROVIDERS).cloned(),
            json: matches.get_flag(JSON),
            quiet: matches.get_flag(QUIET),
        }
    }
}

/// Builds the root command with the global options.
pub(super) fn root_command(commands: impl Iterator<Item = Command>, version: String) -> Command {
    let root = Command::new("registry")
        .about("Runs the functions of your integrations, and manages their connections and records")
        .version(version)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "Exit codes: 0 success, 1 the run failed, 2 usage error or unknown name, 3 database or configuration, 130 \
             interrupted.\n\nExample: registry list",
        )
        .arg(
            Arg::new(DATABASE)
                .long("database")
                .value_name("URL")
                .help("Database URL: sqlite:nango.db or postgres://user@host/name [env: NANGO_DATABASE_URL]")
                .global(true),
        )
        .arg(
            Arg::new(PROVIDERS)
                .long("providers")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("YAML file of provider entries that extend or replace the built-in ones [env: NANGO_PROVIDERS]")
                .global(true),
        )
        .arg(
            Arg::new(JSON)
                .long("json")
                .help("Prints the result as one JSON document on stdout")
                .action(ArgAction::SetTrue)
                .global(true),
        )
        .arg(
            Arg::new(QUIET)
                .long("quiet")
                .short('q')
                .help("Prints no progress, hints and log lines below `warn`; warnings and errors stay")
                .action(ArgAction::SetTrue)
                .global(true),
        )
        .subcommands(commands)
        .subcommands(completions::commands());
    with_config_file(root)
}

fn with_config_file(mut command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, with_config_file);
    }
    if command.get_arguments().any(|arg| arg.get_long() == Some("config")) {
        return command;
    }
    command.arg(
        Arg::new(CONFIG)
            .long("config")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Configuration file; by default nango.toml in the current directory, if it exists"),
    )
}

/// Converts a parse error into an error with the available names, or prints the requested help or version.
pub(super) fn report_parse_error(
    root: &Command,
    args: &[OsString],
    error: &clap::Error,
    terminal: &mut Terminal,
) -> Result<Exit, CommandError> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            terminal.help(&error.render())?;
            return Ok(Exit::Success);
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            terminal.note(error.render());
            return Ok(Exit::Usage);
        }
        _ => {}
    }
    terminal.set_json(args.iter().any(|word| word == "--json"));
    let rendered = error.render().to_string();
    let text = rendered.trim_end().strip_prefix("error: ").unwrap_or(rendered.trim_end());
    let command = find_command(root, args);
    let list = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(wrong))) if wrong.starts_with('-') => {
            let flags: Vec<String> =
                command.get_arguments().filter_map(Arg::get_long).map(|flag| format!("--{flag}")).collect();
            let near = suggest::nearest(wrong, flags.iter().map(String::as_str)).filter(|near| !text.contains(*near));
            let list = suggest::list(flags.iter().map(String::as_str));
            format!("\n\navailable: {list}{}", suggest::hint(near))
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let names = command.get_subcommands().map(Command::get_name).filter(|name| *name != "help");
            format!("\n\navailable: {}", suggest::list(names))
        }
        _ => String::new(),
    };
    Err(CommandError::usage(format!("{text}{list}")))
}

/// Returns the innermost command that the arguments name.
fn find_command(root: &Command, args: &[OsString]) -> Command {
    // Clap adds the global options to a subcommand in `build`.
    let mut root = root.clone();
    root.build();
    let mut current = &root;
    for word in args.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(inner) = current.find_subcommand(word) {
            current = inner;
        }
    }
    current.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{App, terminal::tests::captured_terminal};

    fn args(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    fn command() -> Command {
        root_command(App::new().commands.iter().map(|command| command.clap()), App::new().version())
    }

    #[track_caller]
    fn check(text: &str, config: Option<&str>, database: Option<&str>, json: bool) {
        let matches = command().try_get_matches_from(args(text)).unwrap();
        let expect = GlobalOptions {
            config: config.map(PathBuf::from),
            database: database.map(str::to_owned),
            providers: None,
            json,
            quiet: false,
        };
        assert_eq!(GlobalOptions::from_matches(&matches), expect, "{text}");
    }

    #[test]
    fn command_line_passes_clap_debug_assert() {
        command().debug_assert();
    }

    #[test]
    fn global_options_are_accepted_anywhere() {
        check("registry list", None, None, false);
        check("registry --config a.toml --json --database sqlite:x list", Some("a.toml"), Some("sqlite:x"), true);
        check("registry list --config a.toml --database sqlite:x --json", Some("a.toml"), Some("sqlite:x"), true);
        check("registry connection list --config a.toml --json", Some("a.toml"), None, true);
        check("registry --config a.toml list --config b.toml", Some("b.toml"), None, false);
    }

    #[test]
    fn config_file_and_connection_config_options_do_not_clash() {
        check(
            "registry --config a.toml connection add github x --config k=v --config l=w",
            Some("a.toml"),
            None,
            false,
        );
        check("registry connection --config a.toml add github x --config k=v", Some("a.toml"), None, false);
        check("registry connection add github x --config k=v --json", None, None, true);
    }

    #[track_caller]
    fn check_refused(text: &str, expect: &[&str]) {
        let (root, line) = (command(), args(text));
        let error = root.clone().try_get_matches_from(&line).unwrap_err();
        let (mut terminal, _, _) = captured_terminal(false);
        let refused = report_parse_error(&root, &line, &error, &mut terminal).unwrap_err();
        assert_eq!(refused.exit(), Exit::Usage);
        for part in expect {
            assert!(refused.to_string().contains(part), "`{part}` in: {refused}");
        }
    }

    #[test]
    fn typo_is_reported_with_suggestion_and_available_names() {
        check_refused(
            "registry run github x --conection y",
            &["--conection", "--connection", "available: ", "`--reset`", "`--json`"],
        );
        check_refused("registry lst", &["lst", "`list`", "available: ", "`describe`"]);
        check_refused("registry connection ad", &["`add`", "`set-metadata`"]);
        check_refused("registry list --databse x", &["--database", "available: "]);
    }

    #[test]
    fn help_exits_with_success() {
        let (root, line) = (command(), args("registry run --help"));
        let error = root.clone().try_get_matches_from(&line).unwrap_err();
        let (mut terminal, out, _) = captured_terminal(false);
        assert_eq!(report_parse_error(&root, &line, &error, &mut terminal), Ok(Exit::Success));
        assert!(out.text().contains("--connection"), "{}", out.text());
    }
}
