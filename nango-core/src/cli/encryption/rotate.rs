//! `registry encryption rotate`: makes the newest key of the ring the active one, and reseals the stored data with it.

use clap::{ArgMatches, Args, FromArgMatches};

use super::reseal::reseal_all;
use crate::{
    auth::KeyRing,
    cli::{Command, CommandError, Context, Exit},
    config::Config,
    store::{KeyId, Keys},
};

/// `registry encryption rotate [--new-key]`
#[derive(Debug)]
pub(super) struct Rotate;

#[derive(Debug, Args)]
struct Arguments {
    /// Adds a new key to the key file before the rotation
    #[arg(long)]
    new_key: bool,
}

const ABOUT: &str = "\
Activates the last key of the key ring, and reseals the stored data with it

First add the new key to every process, after the old one: in NANGO_ENCRYPTION_KEY, separated by a comma, or as a line \
of the key file. It is not used yet. Then run this command once: every process seals new data with the new key at \
once, and the stored payloads, credentials and resume states are resealed while reads and writes continue. At the end \
the command names the key that may be removed. If it is interrupted, run it again: it resumes.";

impl Command for Rotate {
    fn clap(&self) -> clap::Command {
        let short = ABOUT.lines().next().unwrap_or_default();
        Arguments::augment_args(clap::Command::new("rotate"))
            .about(short)
            .long_about(ABOUT)
            .after_help("Example: registry encryption rotate --new-key")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let runtime = context.open_existing()?;
        let state = context.block_on(runtime.store.encryption_settings())?;
        let new = if arguments.new_key {
            if state.unfinished {
                return Err(CommandError::failed(
                    "the last rotation or switch is not finished: `registry encryption status` shows the command that \
                     resumes it",
                ));
            }
            let key = add_key(&runtime.config)?;
            let file = runtime.config.key_file.display();
            context.terminal.note(format_args!("added the key {key} to {file}. Back it up"));
            key
        } else {
            let last = runtime.ring.ids().last().copied();
            match (last, state.active) {
                (Some(last), active) if Some(last) != active || state.unfinished => last,
                (_, active) => return Err(nothing_to_do(&runtime.config, active)),
            }
        };
        context.block_on(runtime.store.activate_key(new))?;
        reseal_all(context, &runtime)
    }
}

fn add_key(config: &Config) -> Result<KeyId, CommandError> {
    if config.encryption_key.is_some() {
        return Err(CommandError::usage(
            "--new-key: the keys come from NANGO_ENCRYPTION_KEY, which this command cannot change: append a new one \
             there in every process, after a comma (`openssl rand -base64 32` creates one), and run \
             `registry encryption rotate`",
        ));
    }
    if config.is_in_memory() {
        return Err(CommandError::usage("--new-key: a database in memory has no key file"));
    }
    Ok(KeyRing::add_to_file(&config.key_file)?)
}

fn nothing_to_do(config: &Config, active: Option<KeyId>) -> CommandError {
    let active = active.map(|key| format!(" {key}")).unwrap_or_default();
    let how = if config.encryption_key.is_some() {
        "append a new one to NANGO_ENCRYPTION_KEY in every process, after a comma (`openssl rand -base64 32` creates \
         one)"
            .to_owned()
    } else {
        format!("`--new-key` adds one to {}", config.key_file.display())
    };
    CommandError::usage(format!(
        "the active key{active} is the last of the key ring, so there is none to rotate to: {how}"
    ))
}
