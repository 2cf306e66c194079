//! Receiver of the results of the runs of a process.

use std::{fmt, time::Duration};

use crate::{
    declare::FunctionKind,
    store::{RunStatus, Totals},
};

/// Receiver of the results of the runs of a process, such as the metrics of a server. It must not block.
pub(crate) trait RunListener: fmt::Debug + Send + Sync {
    /// Receives the result of a run.
    fn on_run_end(&self, kind: FunctionKind, status: RunStatus, duration: Duration, totals: &Totals);

    /// Receives that an operation of the database failed outside of a run.
    #[cfg(feature = "server")]
    fn on_database_error(&self);
}
