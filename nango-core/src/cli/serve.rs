//! `registry serve`: the HTTP API.

mod log;

use std::{net::SocketAddr, sync::Arc};

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Command, CommandError, Context, Exit, api_keys::prepare_first_start, table::pluralized};
use crate::{
    config::parse_listen,
    engine::{Engine, EngineSettings},
    error::Chain,
    server::{Listeners, ServeError},
};
use log::StderrLog;

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
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        context.require_database_folder()?;
        let mut config = context.config().clone();
        if let Some(listen) = arguments.listen {
            config.server.listen = listen;
        }
        let runtime = context.open_with(config)?;
        let stopping = context.cancellation();
        let log = Arc::new(StderrLog::start(context.terminal.is_quiet()));
        prepare_first_start(context, &runtime)?;
        // Before the dispatcher starts runs, which a taken port would interrupt.
        let listeners = context.block_on(Listeners::open(&runtime.config.server))?;
        let settings = EngineSettings::of(&runtime.config);
        let grace = runtime.config.server.stop_timeout;
        let engine = context.block_on(Engine::start(runtime.clone(), settings))?;
        let server = listeners.into_server(runtime.clone(), engine.clone(), stopping.clone(), log.clone());
        let functions = runtime.registry.entries().len() as u64;
        context.terminal.note(format_args!(
            "serving {} of {} at {}; press Ctrl-C to stop",
            pluralized(functions, "function"),
            runtime.config.database_name(),
            server.url(),
        ));
        let stop_engine = async {
            stopping.cancelled().await;
            engine.stop(grace).await;
        };
        context.block_on(async { tokio::join!(server.run(), stop_engine) });
        log.finish();
        Ok(Exit::Success)
    }
}

impl From<ServeError> for CommandError {
    fn from(error: ServeError) -> Self {
        Self::setup(Chain(&error).to_string())
    }
}
