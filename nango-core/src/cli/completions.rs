//! `registry completions` and `registry man`: files for shells and for `man`, made of the command line itself.

use std::{fs, path::PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};
use clap_complete::Shell;

use super::{CommandError, Exit, Terminal};

/// Name of the command that prints a completion script.
pub(super) const COMPLETIONS: &str = "completions";

/// Name of the command that writes the manual pages.
pub(super) const MAN: &str = "man";

#[derive(Debug, Args)]
struct CompletionsArguments {
    /// Shell to print the script for: bash, elvish, fish, powershell, zsh
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

#[derive(Debug, Args)]
struct ManArguments {
    /// Folder to write the pages into, one for each command; it is created if it does not exist
    folder: PathBuf,
}

/// Returns the two commands, for the command line.
pub(super) fn commands() -> [clap::Command; 2] {
    let completions = clap::Command::new(COMPLETIONS)
        .about("Prints a completion script for a shell")
        .after_help("Example: registry completions bash > /etc/bash_completion.d/registry");
    let man = clap::Command::new(MAN)
        .about("Writes a manual page for each command")
        .after_help("Example: registry man /usr/local/share/man/man1");
    [CompletionsArguments::augment_args(completions), ManArguments::augment_args(man)]
}

/// Prints the completion script of `root` for the chosen shell.
///
/// # Errors
///
/// Fails if stdout cannot be written.
pub(super) fn complete(
    mut root: clap::Command,
    matches: &ArgMatches,
    terminal: &mut Terminal,
) -> Result<Exit, CommandError> {
    let arguments = CompletionsArguments::from_arg_matches(matches)?;
    let mut script = Vec::new();
    let name = root.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut root, name, &mut script);
    let script = String::from_utf8_lossy(&script);
    terminal.raw(&script)?;
    terminal.json(&serde_json::json!({ "shell": arguments.shell.to_string(), "script": script }))?;
    Ok(Exit::Success)
}

/// Writes a manual page for `root` and for each command below it.
///
/// # Errors
///
/// Fails if the folder or a page cannot be written.
pub(super) fn write_manual(
    root: clap::Command,
    matches: &ArgMatches,
    terminal: &mut Terminal,
) -> Result<Exit, CommandError> {
    let arguments = ManArguments::from_arg_matches(matches)?;
    let folder = arguments.folder;
    let failed = |error: std::io::Error| {
        CommandError::failed(format!("cannot write manual pages to {}: {error}", folder.display()))
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    clap_mangen::generate_to(root, &folder).map_err(failed)?;
    let pages = fs::read_dir(&folder).map_err(failed)?.count();
    terminal.line(format_args!("{pages} pages in {}", folder.display()))?;
    terminal.json(&serde_json::json!({ "folder": folder, "pages": pages }))?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_gets_a_script() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            let mut root = clap::Command::new("registry").subcommands(commands());
            clap_complete::generate(*shell, &mut root, "registry", &mut script);
            assert!(String::from_utf8(script).unwrap().contains(COMPLETIONS), "{shell}");
        }
    }
}
