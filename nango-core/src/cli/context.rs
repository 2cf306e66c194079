//! Context of a command: configuration, registry, catalogue, terminal and databases.
//!
//! The context is created once at the top of the program and passed down, so that no command reads the environment or
//! the configuration itself.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::civil::Date;
use tokio::runtime::{Builder, Runtime as TokioRuntime};
use tokio_util::sync::CancellationToken;

use super::{
    CommandError, GlobalOptions, Progress, Terminal, exposed_files::ExposedFiles, input, key_file::key_ring, lookup,
    signals, startup_check::check, table::pluralized,
};
use crate::{
    config::{Config, FILE_NAME, Flags, Sources},
    declare::Registry,
    http::{Clock, NetworkSettings, NetworkTransport, SystemClock},
    provider::{Catalogue, utc_date},
    run::{Observer, RunReport, RunRequest, Runtime, execute},
    store::{self, SharedStore, StoreWarning},
};

/// Maximum wait for a running token refresh when the command ends.
///
/// An abandoned refresh could lose a refresh token that the provider has already rotated.
const TOKEN_REFRESH_GRACE: Duration = Duration::from_secs(30);

/// Size limit of the configuration file, in bytes.
const CONFIG_LIMIT: u64 = 1 << 20;
/// Size limit of a file of provider entries, in bytes. Nango's own file has 0.9 MB.
const PROVIDERS_LIMIT: u64 = 4 << 20;

/// Configuration, registry, catalogue, terminal and open databases of a command.
#[derive(Debug)]
pub struct Context {
    /// Stdout and stderr of the command.
    pub terminal: Terminal,
    config: Config,
    registry: Registry,
    catalogue: Catalogue,
    clock: Arc<dyn Clock>,
    tokio_runtime: TokioRuntime,
    cancellation: Option<CancellationToken>,
    open_runtimes: Vec<Arc<Runtime>>,
    /// Key files that did not exist when their database was opened, each with the name of its database.
    missing_keys: Vec<(PathBuf, String)>,
}

impl Context {
    /// Reads the configuration, loads the registry and checks both. Opens no database.
    pub(super) fn new(globals: &GlobalOptions) -> Result<Self, CommandError> {
        let config = Config::load(sources(globals)?)?;
        let registry = Registry::load().map_err(|errors| CommandError::setup(join_lines(&errors)))?;
        let catalogue = catalogue(&config)?;
        let problems = check(&registry, &catalogue, &config);
        if !problems.is_empty() {
            return Err(CommandError::setup(join_lines(&problems)));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CommandError::setup(format!("cannot start the async runtime: {error}")))?;
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
            missing_keys: Vec::new(),
        })
    }

    /// Warns if entries of the file of providers cannot be read. They would otherwise be missed only when they are
    /// used.
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

    /// Returns the configuration. To use another database or base URL, change a copy and pass it to
    /// [`Context::open_with`].
    #[doc(hidden)]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the registered functions of the program.
    #[doc(hidden)]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the provider catalogue: the built-in entries and those of the file of providers.
    #[doc(hidden)]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Returns the current UTC date by the clock of the context. Commands use no other source of the date.
    pub(crate) fn today(&self) -> Date {
        utc_date(self.clock.now())
    }

    /// Runs a future to completion. Tasks that it spawned continue until the command ends.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tokio_runtime.block_on(future)
    }

    /// Opens the configured database, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the database or its key cannot be used.
    #[doc(hidden)]
    pub fn open(&mut self) -> Result<Arc<Runtime>, CommandError> {
        self.open_with(self.config.clone())
    }

    /// Returns the path of the configured database file if the file does not exist.
    #[doc(hidden)]
    pub fn missing_database(&self) -> Option<&Path> {
        self.config.database_file().filter(|file| !file.exists())
    }

    /// Opens the configured database, but does not create it. For commands that only read or remove data.
    ///
    /// # Errors
    ///
    /// Fails if the database does not exist, or it or its key cannot be used.
    #[doc(hidden)]
    pub fn open_existing(&mut self) -> Result<Arc<Runtime>, CommandError> {
        self.require_database_folder()?;
        if let Some(file) = self.missing_database() {
            return Err(CommandError::not_found(format!(
                "there is no database {}: `registry connection add` creates it, `--database` selects another one",
                file.display()
            )));
        }
        self.open()
    }

    /// Refuses a database file whose directory does not exist: the path is most likely misspelt.
    ///
    /// # Errors
    ///
    /// Fails if the directory does not exist.
    pub(super) fn require_database_folder(&self) -> Result<(), CommandError> {
        let folder = self.config.database_file().and_then(Path::parent);
        match folder.filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
            None => Ok(()),
            Some(folder) => Err(CommandError::database(format!(
                "the database {} cannot be opened: the directory {} does not exist; create it, or correct the path in \
                 `--database`, NANGO_DATABASE_URL or nango.toml",
                self.config.database_name(),
                folder.display()
            ))),
        }
    }

    /// Opens the database of another configuration. Returns the existing runtime if this command has opened it already.
    ///
    /// # Errors
    ///
    /// Fails if the database or its key cannot be used.
    #[doc(hidden)]
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
        if let Some(name) = name.filter(|_| config.encryption_key.is_none() && !config.key_file.exists()) {
            self.missing_keys.push((config.key_file.clone(), name));
        }
        let ring = key_ring(&config)?;
        self.tokio_runtime.block_on(store.use_keys(Arc::new(ring.clone()), config.encrypt_records))?;
        if config.encrypt_records && !self.tokio_runtime.block_on(store.encryption_settings())?.payloads {
            self.terminal.note(
                "note: `encrypt_records` is set, but this database was created without it: `registry encryption on` \
                 seals the stored records",
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

    /// Warns if other users may read the database file: records are encrypted only if that is configured.
    pub(super) fn warn_if_readable_by_others(&mut self, config: &Config) {
        if let Some(ExposedFiles { message, command }) = ExposedFiles::of(config) {
            self.terminal.note(format_args!("warning: {message}: run `{command}`"));
        }
    }

    /// Refuses to replace a missing key file by a new key. A new key opens none of the stored credentials, and what is
    /// sealed with it would be lost when the old key is restored.
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
            "{} is missing: the {} of {} are sealed with it. Restore it from your backup, or set the key in \
             NANGO_ENCRYPTION_KEY; without the key, start with another database and add the connections again",
            config.key_file.display(),
            sealed,
            config.database_name()
        )))
    }

    /// Prints which encryption keys the command created.
    pub(super) fn report_created_keys(&mut self) {
        for (key, name) in std::mem::take(&mut self.missing_keys).into_iter().filter(|(key, _)| key.exists()) {
            self.terminal.note(format_args!(
                "created {}, the encryption key of {name}: credentials are sealed with it. Back up both files, in \
                 separate locations",
                key.display()
            ));
        }
    }

    /// Returns the cancellation of this command's runs: the first Ctrl-C cancels them, the second one ends the process.
    ///
    /// Until this is called, Ctrl-C ends the process as usual.
    #[doc(hidden)]
    pub fn cancellation(&mut self) -> CancellationToken {
        let runtime = &self.tokio_runtime;
        self.cancellation.get_or_insert_with(|| signals::cancel_on_signal(runtime.handle())).clone()
    }

    /// Executes a run with progress and log on stderr. Ctrl-C cancels it.
    ///
    /// # Errors
    ///
    /// Fails if the run could not start.
    #[doc(hidden)]
    pub fn execute(&mut self, runtime: &Arc<Runtime>, request: RunRequest) -> Result<RunReport, CommandError> {
        self.execute_with(runtime, |stop, observer| execute(runtime, request, stop, observer))
    }

    /// Executes a run like [`Context::execute`], by a function that receives its cancellation and its observer.
    pub(super) fn execute_with<F>(
        &mut self,
        runtime: &Runtime,
        run: impl FnOnce(CancellationToken, Arc<dyn Observer>) -> F,
    ) -> Result<RunReport, CommandError>
    where
        F: Future<Output = crate::error::Result<RunReport>>,
    {
        let stop = self.cancellation();
        let progress = self.progress();
        let report = self.tokio_runtime.block_on(run(stop, progress.clone()));
        progress.finish();
        report.map_err(|error| lookup::run_error(runtime, error))
    }

    /// Returns an observer that draws the progress of runs on stderr, and prints their log.
    #[doc(hidden)]
    pub fn progress(&self) -> Arc<Progress> {
        {
            let progress = Progress::new(self.terminal.is_interactive());
            Arc::new(if self.terminal.is_quiet() { progress.quiet() } else { progress })
        }
    }

    /// Closes every database that was opened. Waits up to [`TOKEN_REFRESH_GRACE`] for running token refreshes.
    pub(super) fn close(self) {
        for runtime in self.open_runtimes {
            self.tokio_runtime.block_on(runtime.close(TOKEN_REFRESH_GRACE));
        }
        self.tokio_runtime.shutdown_background();
    }
}

/// Returns the text of a database warning, with the remedy.
fn store_warning_text(warning: &StoreWarning) -> String {
    match warning {
        StoreWarning::Superuser { role } => format!(
            "the database role `{role}` is a superuser: create a separate role for this program and make it the owner \
             of the database (`CREATE ROLE nango LOGIN; CREATE DATABASE nango OWNER nango`)"
        ),
    }
}

/// Loads the built-in providers, extended by the entries of the user's file.
fn catalogue(config: &Config) -> Result<Catalogue, CommandError> {
    let Some(file) = &config.providers else { return Ok(Catalogue::builtin()) };
    let text = input::read_text(file, PROVIDERS_LIMIT).map_err(|error| {
        CommandError::setup(format!("the file of providers {} cannot be read: {error}", file.display()))
    })?;
    Catalogue::load(Some((file, &text))).map_err(|error| CommandError::setup(error.to_string()))
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
    // No variable of this program has a value that is not Unicode.
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Sources { flags: Flags { database: globals.database.clone(), providers: globals.providers.clone() }, env, file })
}

fn join_lines<T: ToString>(errors: &[T]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
