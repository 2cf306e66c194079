//! The command line: what all commands share, and what is said about one that cannot be read.
//!
//! `--json`, `--database` and `--providers` may stand anywhere. So may `--config FILE`, with one exception: `connection add` has a
//! `--config` of its own (`--config key=value`), so there the file stands before the command. Clap's own global
//! options cannot do that, so `--config` is put into each command that has none.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    value_parser,
};

use super::{CommandError, Exit, Terminal};
use crate::declare::suggest;

const CONFIG: &str = "config-file";
const DATABASE: &str = "database";
const PROVIDERS: &str = "providers";
const JSON: &str = "json";

/// The options of every command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GlobalOptions {
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// `--database URL`
    pub database: Option<String>,
    /// `--providers FILE`
    pub providers: Option<PathBuf>,
    /// `--json`
    pub json: bool,
}

impl GlobalOptions {
    /// Reads them off the matches of the root.
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let mut config = None;
        let mut current = Some(matches);
        while let Some(matches) = current {
            // The innermost counts: it is the nearest to what it is said of.
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
        }
    }
}

/// The whole command line.
pub(super) fn root_command(commands: impl Iterator<Item = Command>) -> Command {
    let root = Command::new("registry")
        .about("Lists, runs and shows the functions of your integrations")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "Exit codes: 0 success, 1 the run failed, 2 usage (a name that is not there, too), 3 database or \
             configuration, 130 interrupted.",
        )
        .arg(
            Arg::new(DATABASE)
                .long("database")
                .value_name("URL")
                .help("The database: sqlite:nango.db, postgres://user@host/name (or NANGO_DATABASE_URL)")
                .global(true),
        )
        .arg(
            Arg::new(PROVIDERS)
                .long("providers")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("A file of providers over the built-in ones, in the catalogue's format (or NANGO_PROVIDERS)")
                .global(true),
        )
        .arg(
            Arg::new(JSON)
                .long("json")
                .help("Answers with one JSON document on stdout")
                .action(ArgAction::SetTrue)
                .global(true),
        )
        .subcommands(commands);
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
            .help("The configuration file, nango.toml if there is one"),
    )
}

/// Says what is wrong with a command line, or prints the help that it asks for.
pub(super) fn report_parse_error(
    root: &Command,
    args: &[OsString],
    error: &clap::Error,
    terminal: &mut Terminal,
) -> Result<Exit, CommandError> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            terminal.line(error.render().to_string().trim_end())?;
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
            let near = suggest::nearest(wrong, flags.iter().map(String::as_str))
                .filter(|near| !text.contains(*near))
                .map(|near| format!("Did you mean `{near}`? "))
                .unwrap_or_default();
            format!("\n\n{near}There is {}", suggest::list(flags.iter().map(String::as_str)))
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let names = command.get_subcommands().map(Command::get_name).filter(|name| *name != "help");
            format!("\n\nThere is {}", suggest::list(names))
        }
        _ => String::new(),
    };
    Err(CommandError::usage(format!("{text}{list}")))
}

/// The command that a line names, as far as it can be followed.
fn find_command(root: &Command, args: &[OsString]) -> Command {
    // Only a built command knows the options that it inherits.
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
        root_command(App::new().commands.iter().map(|command| command.clap()))
    }

    #[track_caller]
    fn check(text: &str, config: Option<&str>, database: Option<&str>, json: bool) {
        let matches = command().try_get_matches_from(args(text)).unwrap();
        let expect = GlobalOptions {
            config: config.map(PathBuf::from),
            database: database.map(str::to_owned),
            providers: None,
            json,
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
        let fault = report_parse_error(&root, &line, &error, &mut terminal).unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        for part in expect {
            assert!(fault.to_string().contains(part), "`{part}` in: {fault}");
        }
    }

    #[test]
    fn typo_is_reported_with_suggestion_and_available_names() {
        check_refused(
            "registry run github x --conection y",
            &["--conection", "--connection", "There is", "`--reset`", "`--json`"],
        );
        check_refused("registry lst", &["lst", "`list`", "There is", "`describe`"]);
        check_refused("registry connection ad", &["`add`", "`set-metadata`"]);
        check_refused("registry list --databse x", &["--database", "There is"]);
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
