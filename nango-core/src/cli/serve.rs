//! `registry serve`: the HTTP API.

mod log;
mod open_files;
mod open_server;
mod settings;

use std::net::SocketAddr;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Command, CommandError, Context, Exit, api_keys::prepare_first_start, key_file::require_lasting_key};
use crate::{config::parse_listen, error::Chain, server::ServeError};
pub use open_server::OpenServer;

/// `registry serve [--listen ADDRESS]`
#[derive(Debug)]
pub(super) struct Serve;

#[derive(Debug, Args)]
struct Arguments {
    #[arg(
        long,
        value_name = "ADDRESS",
        value_parser = parse_listen,
        help = "Address of the API: IP address and port [default: 127.0.0.1:3003] [env: NANGO_SERVER_LISTEN]"
    )]
    listen: Option<SocketAddr>,
}

impl Command for Serve {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("serve").about("Serves the HTTP API and runs the schedules"))
            .long_about(
                "Serves the HTTP API, which the client @nangohq/node uses, and runs the syncs that are due.\n\n\
                 The server listens on this machine only unless --listen or `[server]` in nango.toml sets another \
                 address. Put a proxy with TLS in front of it, \
                 and set `public_url`. SIGTERM or Ctrl-C stop it: requests in progress have 25 seconds to end; a \
                 second signal ends it at once. Each request is one line of JSON on stderr.",
            )
            .after_help(
                "Examples:\n  registry serve\n  registry serve --listen 0.0.0.0:3003\n  curl \
                 http://127.0.0.1:3003/health",
            )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        context.require_database_folder()?;
        let mut config = context.config().clone();
        if let Some(listen) = arguments.listen {
            config.server.listen = listen;
        }
        if let Some(warning) = require_lasting_key(&config)? {
            context.terminal.note(warning);
        }
        if let Some(warning) = open_files::reserve(&mut config.server) {
            context.terminal.note(warning);
        }
        let runtime = context.open_with(config)?;
        // From here on, a signal stops the server instead of ending the process.
        context.cancellation();
        prepare_first_start(context, &runtime)?;
        let server = OpenServer::open(context, &runtime.config)?;
        for (name, value) in settings::effective(&runtime.config) {
            context.terminal.hint(format_args!("{name}: {value}"));
        }
        server.run(context, &runtime)?;
        Ok(Exit::Success)
    }
}

impl From<ServeError> for CommandError {
    fn from(error: ServeError) -> Self {
        Self::setup(Chain(&error).to_string())
    }
}
