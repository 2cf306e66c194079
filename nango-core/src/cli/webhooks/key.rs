//! `registry webhooks key`: prints the key that signs webhooks.

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    auth::{replace_signing_key, signing_key},
    cli::{Command, CommandError, Context, Exit},
    wire::SigningKeyJson,
};

/// `registry webhooks key [--rotate]`
#[derive(Debug)]
pub(super) struct Key;

#[derive(Debug, Args)]
struct Arguments {
    /// Replaces the key by a new one; webhooks that were signed with the old one cannot be verified with the new one
    #[arg(long)]
    rotate: bool,
}

const ABOUT: &str = "\
Prints the key that signs webhooks, on stdout

It is the `webhookSigningKey` of @nangohq/node. It is stored encrypted, and created if there is none.";

impl Command for Key {
    fn clap(&self) -> clap::Command {
        let short = ABOUT.lines().next().unwrap_or_default();
        Arguments::augment_args(clap::Command::new("key"))
            .about(short)
            .long_about(ABOUT)
            .after_help("Example: registry webhooks key")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        context.require_database_folder()?;
        let runtime = context.open()?;
        let key = context.block_on(async {
            runtime.create_missing_key().await?;
            if arguments.rotate {
                replace_signing_key(&*runtime.store, &runtime.ring).await
            } else {
                signing_key(&*runtime.store, &runtime.ring).await
            }
        })?;
        context.terminal.json(&SigningKeyJson::new(key.expose()))?;
        context.terminal.line(key.expose())?;
        Ok(Exit::Success)
    }
}
