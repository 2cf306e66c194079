//! The server and the dispatcher of one runtime, from the open listeners to the stop.

use std::{fmt, sync::Arc};

use super::log::StderrLog;
use crate::{
    cli::{CommandError, Context, table::pluralized},
    config::Config,
    engine::{Engine, EngineSettings},
    run::Runtime,
    server::Listeners,
};

/// Open listeners of a server that does not run yet.
pub struct OpenServer {
    listeners: Listeners,
}

impl fmt::Debug for OpenServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenServer").field("url", &self.url()).finish()
    }
}

impl OpenServer {
    /// Opens the listeners of the configuration, before the dispatcher starts runs, which a taken port would interrupt.
    ///
    /// # Errors
    ///
    /// Fails if an address cannot be used.
    pub fn open(context: &Context, config: &Config) -> Result<Self, CommandError> {
        Ok(Self { listeners: context.block_on(Listeners::open(&config.server))? })
    }

    /// Returns the URL under which clients on this machine reach the API.
    pub fn url(&self) -> String {
        self.listeners.url()
    }

    /// Serves requests and runs due syncs until the command is cancelled and the requests in progress have ended.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be used, or is served by another process.
    pub fn run(self, context: &mut Context, runtime: &Arc<Runtime>) -> Result<(), CommandError> {
        let stopping = context.cancellation();
        let log = Arc::new(StderrLog::start(context.terminal.is_quiet()));
        let settings = EngineSettings::of(&runtime.config);
        let grace = runtime.config.server.stop_timeout;
        let engine = context.block_on(Engine::start(runtime.clone(), settings))?;
        let server = self.listeners.into_server(runtime.clone(), engine.clone(), stopping.clone(), log.clone());
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
        Ok(())
    }
}
