//! What a command works with.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::civil::Date;
use tokio::runtime::{Builder, Runtime as TokioRuntime};

use super::{
    CommandError, GlobalOptions, Progress, Terminal, input, lookup, signals, startup_check::check, table::pluralized,
};
use crate::{
    auth::{KeyRing, Secret},
    config::{Config, FILE_NAME, Flags, Sources},
    declare::Registry,
    file_access,
    http::{Clock, NetworkSettings, NetworkTransport, SystemClock},
    provider::{Catalogue, utc_date},
    run::{Cancellation, Observer, RunReport, RunRequest, Runtime, execute},
    store::{self, SharedStore, StoreWarning},
};

/// How long a renewal of a token is waited for when the command is done, or was stopped.
const TOKEN_REFRESH_GRACE: Duration = Duration::from_secs(30);

/// The longest configuration file that is read, in bytes.
const CONFIG_LIMIT: u64 = 1 << 20;
/// The longest file of providers that is read, in bytes. Nango's own has 0.9 MB.
const PROVIDERS_LIMIT: u64 = 4 << 20;

/// Everything that a command works with, made once at the top of the program.
#[derive(Debug)]
pub struct Context {
    /// Where it prints.
    pub terminal: Terminal,
    config: Config,
    registry: Registry,
    catalogue: Catalogue,
    clock: Arc<dyn Clock>,
    tokio_runtime: TokioRuntime,
    cancellation: Option<Cancellation>,
    open_runtimes: Vec<Arc<Runtime>>,
}

impl Context {
    /// Reads the configuration, loads the registry and checks both. Opens nothing.
    pub(super) fn new(globals: &GlobalOptions) -> Result<Self, CommandError> {
        let config = Config::load(sources(globals)?)?;
        let registry = Registry::load().map_err(|errors| CommandError::setup(join_lines(&errors)))?;
        let catalogue = catalogue(&config)?;
        let wrong = check(&registry, &catalogue, &config);
        if !wrong.is_empty() {
            return Err(CommandError::setup(join_lines(&wrong)));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CommandError::setup(format!("the system gives no threads: {error}")))?;
        let clock = Arc::new(SystemClock);
        let terminal = Terminal::new();
        Ok(Self {
            terminal,
            config,
            registry,
            catalogue,
            clock,
            tokio_runtime: runtime,
            cancellation: None,
            open_runtimes: Vec::new(),
        })
    }

    /// Tells of a file of providers that can be read in part only: what is in the other part would be missed later.
    pub(super) fn warn_of_unreadable_providers(&mut self) {
        let Some(file) = &self.config.providers else { return };
        let unread = self.catalogue.custom_entries().filter(|(_, listed)| listed.provider.is_err()).count() as u64;
        if unread > 0 {
            self.terminal.note(format_args!(
                "note: {} of {} cannot be read, see `registry providers check`",
                pluralized(unread, "provider"),
                file.display()
            ));
        }
    }

    /// The configuration. A command that wants another database or another host changes a copy and gives it to
    /// [`Context::open_with`].
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The functions of the program.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The APIs that are known.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The day, in UTC, by the clock of the instance. Nothing else asks for the date.
    pub(crate) fn today(&self) -> Date {
        utc_date(self.clock.now())
    }

    /// Runs a future to its end. What it spawned goes on until the command ends.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tokio_runtime.block_on(future)
    }

    /// Opens the database of the configuration.
    ///
    /// # Errors
    ///
    /// The database or its key cannot be used.
    pub fn open(&mut self) -> Result<Arc<Runtime>, CommandError> {
        self.open_with(self.config.clone())
    }

    /// The file of the configuration's database, if it is not there yet.
    pub fn missing_database(&self) -> Option<&Path> {
        self.config.database_file().filter(|file| !file.exists())
    }

    /// Opens the database of the configuration for a command that only looks at what is there, or takes from it: it
    /// makes no new one.
    ///
    /// # Errors
    ///
    /// There is no database, or it or its key cannot be used.
    pub fn open_existing(&mut self) -> Result<Arc<Runtime>, CommandError> {
        if let Some(file) = self.missing_database() {
            return Err(CommandError::not_found(format!(
                "there is no database {}: `registry connection add` makes it, `--database` names another",
                file.display()
            )));
        }
        self.open()
    }

    /// Opens the database of another configuration. One that this command has open already is not opened twice.
    ///
    /// # Errors
    ///
    /// The database or its key cannot be used.
    pub fn open_with(&mut self, config: Config) -> Result<Arc<Runtime>, CommandError> {
        if let Some(open) = self.open_runtimes.iter().find(|runtime| runtime.config == config) {
            return Ok(open.clone());
        }
        let name = (!config.is_in_memory()).then(|| config.database_name());
        self.warn_if_readable_by_others(&config);
        let store = self.tokio_runtime.block_on(store::open(&config.database))?;
        for warning in store.warnings() {
            self.terminal.note(format_args!("warning: {}", store_warning_text(warning)));
        }
        self.require_existing_key(&config, &store)?;
        let (ring, made) = key_ring(&config)?;
        if let Some(name) = name.filter(|_| made) {
            let key = config.key_file.display();
            self.terminal.note(format_args!(
                "made {key}, the key of {name}: credentials are sealed with it. Back up both, and keep them apart from \
                 each other"
            ));
        }
        self.tokio_runtime.block_on(store.use_keys(Arc::new(ring.clone()), config.encrypt_records))?;
        if config.encrypt_records && !self.tokio_runtime.block_on(store.encryption_settings())?.payloads {
            self.terminal.note(
                "encrypt_records is set, but this database was made without it: `registry encryption on` seals what is there",
            );
        }
        let settings =
            NetworkSettings { policy: Arc::new(config.policy(&self.catalogue)), ..NetworkSettings::default() };
        let transport = NetworkTransport::with_settings(settings)
            .map_err(|error| CommandError::setup(format!("the network cannot be used: {error}")))?;
        let runtime = Arc::new(Runtime::new(
            self.registry.clone(),
            self.catalogue.clone(),
            config,
            store,
            ring,
            Arc::new(transport),
            self.clock.clone(),
        ));
        self.tokio_runtime.block_on(runtime.seal_plain_config())?;
        self.open_runtimes.push(runtime.clone());
        Ok(runtime)
    }

    /// Warns of a database file that other users may read: its records are not encrypted unless somebody says so.
    pub(super) fn warn_if_readable_by_others(&mut self, config: &Config) {
        let exposed = config.database_file().map(file_access::readable_by_others).unwrap_or_default();
        if let Some((_, mode)) = exposed.first() {
            let files: Vec<String> =
                exposed.iter().map(|(file, _)| lookup::shell_quoted(&file.display().to_string())).collect();
            self.terminal.note(format_args!(
                "warning: other users may read {} (mode {mode:03o}), which holds your customers' records: run `chmod 600 {}`",
                config.database_name(),
                files.join(" ")
            ));
        }
    }

    /// A new key in place of a lost one would open nothing that is there, and what is sealed with it would be lost when
    /// the old one comes back.
    fn require_existing_key(&self, config: &Config, store: &SharedStore) -> Result<(), CommandError> {
        if config.encryption_key.is_some() || config.is_in_memory() || config.key_file.exists() {
            return Ok(());
        }
        let connections = self.tokio_runtime.block_on(store.connections(None))?.len() as u64;
        let state = self.tokio_runtime.block_on(store.encryption())?;
        let records = state.uses.iter().filter(|used| used.key.is_some()).map(|used| used.records).sum();
        let sealed = match (connections, records) {
            (0, 0) => return Ok(()),
            (connections, 0) => pluralized(connections, "connection"),
            (0, records) => pluralized(records, "record"),
            (connections, records) => {
                format!("{} and {}", pluralized(connections, "connection"), pluralized(records, "record"))
            }
        };
        Err(CommandError::setup(format!(
            "{} is missing: the {} of {} are sealed with it. Put it back from your backup (or give the key in \
             NANGO_ENCRYPTION_KEY); without it, start with another database and add the connections again",
            config.key_file.display(),
            sealed,
            config.database_name()
        )))
    }

    /// What asks this command's runs to stop: the first Ctrl-C does, the second one ends the process at once.
    ///
    /// Until a command asks for this, Ctrl-C ends the process as usual.
    pub fn cancellation(&mut self) -> Cancellation {
        let runtime = &self.tokio_runtime;
        self.cancellation.get_or_insert_with(|| signals::cancel_on_signal(runtime.handle())).clone()
    }

    /// Executes a run under the eyes of the person: progress and log on stderr, Ctrl-C asks it to stop.
    ///
    /// # Errors
    ///
    /// The run could not begin.
    pub fn execute(&mut self, runtime: &Arc<Runtime>, request: RunRequest) -> Result<RunReport, CommandError> {
        let stop = self.cancellation();
        let progress = self.progress();
        let observer: Arc<dyn Observer> = progress.clone();
        let report = self.tokio_runtime.block_on(execute(runtime, request, stop, observer));
        progress.finish();
        Ok(report?)
    }

    /// Somebody who watches runs and draws what happens on stderr.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::new(Progress::new(self.terminal.is_interactive()))
    }

    /// Lets go of every database that was opened.
    pub(super) fn close(self) {
        for instance in self.open_runtimes {
            self.tokio_runtime.block_on(instance.close(TOKEN_REFRESH_GRACE));
        }
        self.tokio_runtime.shutdown_background();
    }
}

/// A warning of the database, with what to do about it.
fn store_warning_text(warning: &StoreWarning) -> String {
    match warning {
        StoreWarning::Superuser { role } => format!(
            "the database role `{role}` is a superuser: create a role of its own for this program and let it own the \
             database (`CREATE ROLE nango LOGIN; CREATE DATABASE nango OWNER nango`)"
        ),
    }
}

/// The built-in providers, and the person's own over them.
fn catalogue(config: &Config) -> Result<Catalogue, CommandError> {
    let Some(file) = &config.providers else { return Ok(Catalogue::builtin()) };
    let text = input::read_text(file, PROVIDERS_LIMIT).map_err(|error| {
        CommandError::setup(format!("the file of providers {} cannot be read: {error}", file.display()))
    })?;
    Catalogue::load(Some((file, &text))).map_err(|error| CommandError::setup(error.to_string()))
}

fn key_ring(config: &Config) -> Result<(KeyRing, bool), CommandError> {
    match &config.encryption_key {
        Some(key) => KeyRing::from_key(Secret::expose(key))
            .map(|ring| (ring, false))
            .map_err(|error| CommandError::setup(format!("NANGO_ENCRYPTION_KEY: {error}"))),
        None if config.is_in_memory() => {
            KeyRing::ephemeral().map(|ring| (ring, false)).map_err(|error| CommandError::setup(error.to_string()))
        }
        None => KeyRing::from_file(&config.key_file).map_err(|error| CommandError::setup(error.to_string())),
    }
}

fn sources(globals: &GlobalOptions) -> Result<Sources, CommandError> {
    let path = globals.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let file = match input::read_text(&path, CONFIG_LIMIT) {
        Ok(text) => Some((path, text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && globals.config.is_none() => None,
        Err(error) => {
            return Err(CommandError::setup(format!(
                "the configuration file {} cannot be read: {error}",
                path.display()
            )));
        }
    };
    // A variable that is not Unicode is none of ours.
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Sources { flags: Flags { database: globals.database.clone(), providers: globals.providers.clone() }, env, file })
}

fn join_lines<T: ToString>(errors: &[T]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
