//! Next steps that fix the cause of an error.

/// Next step of a user that fixes the cause of an error.
///
/// The layers below `cli` name the step and its arguments; each interface puts it into its own words, such as a command
/// line. A message is complete without it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Remedy {
    /// Add a connection.
    AddConnection {
        /// Unique key of the integration.
        integration: String,
        /// Id of the connection.
        connection: String,
    },
    /// Replace the credentials of a connection.
    ReplaceCredentials {
        /// Unique key of the integration.
        integration: String,
        /// Id of the connection, if it is known.
        connection: Option<String>,
    },
    /// Add the credentials again with an accepted auth mode.
    ChangeAuthMode {
        /// Unique key of the integration.
        integration: String,
    },
    /// Store credentials without verifying them.
    SkipVerification,
    /// Set a configuration value of a connection.
    SetConfiguration {
        /// Unique key of the integration.
        integration: String,
        /// Name of the configuration value.
        name: String,
    },
    /// Set the metadata of a connection.
    SetMetadata {
        /// Unique key of the integration.
        integration: String,
        /// Id of the connection.
        connection: String,
    },
    /// Run a sync from the start, without its stored checkpoint.
    ResetSync {
        /// Unique key of the integration.
        integration: String,
        /// Name of the sync.
        sync: String,
        /// Id of the connection.
        connection: String,
        /// Variant of the sync, unless it is the base variant.
        variant: Option<String>,
    },
    /// Run the sync that the message names over its complete lists.
    RunFull,
    /// List the providers of the catalogue.
    ListProviders,
    /// Check the database and repair what follows from the stored data.
    RepairDatabase,
    /// Restore the last backup of the database.
    RestoreBackup,
    /// Remove all records of a dataset and run its sync.
    EmptyDataset {
        /// Whether readers must start without a cursor, because they may have missed a change.
        readers_restart: bool,
    },
    /// Save a record again, or remove it.
    SaveRecordAgain,
    /// Replace a stored checkpoint or connection.
    ReplaceStoredValue,
    /// Copy the database again, which starts over.
    CopyAgain,
    /// Check the permissions of the database file and of its directory.
    CheckPermissions,
    /// Check that the database server runs and that the URL is right.
    CheckServer,
    /// Configure how the connection to the database server is encrypted and verified.
    ConfigureTls,
    /// Check user and password of the database URL.
    CheckLogin,
}
