//! Items that the tests, the benches and the demo of this workspace use besides the public ones. Not a public API: it
//! changes with them.

#![allow(missing_docs, reason = "the items are documented where they are defined")]

pub mod auth {
    pub use crate::auth::{Credentials, KeyRing};
}

pub mod cli {
    pub use crate::cli::record_table;
    #[cfg(feature = "server")]
    pub use crate::cli::{FirstKey, OpenServer, find_or_create_key};
    pub mod report {
        pub use crate::cli::report::summary;
    }
}

pub mod config {
    pub use crate::config::{Config, Flags, IntegrationConfig, Sources, parse_listen};
}

pub mod declare {
    pub use crate::declare::{Endpoint, Entry, FunctionKind, Merging, Registry, SyncDef, SyncRun};
}

pub mod export {
    pub use crate::export::model;
}

pub mod http {
    pub use crate::http::{
        AuthError, Authorize, BoxFuture, Client, ClientParts, ClientQuota, Clock, CredentialsVersion, EgressPolicy,
        Entropy, HeaderValue, HttpError, NetworkSettings, NetworkTransport, OutgoingRequest, Priority, RateLimiters,
        RawResponse, RequestSpec, SystemClock, Transport, TransportError, Url,
    };
}

pub mod model {
    pub use crate::model::{AsRecord, Batch, Data, Model, ModelInfo, Patch, Record};
}

pub mod provider {
    pub use crate::provider::Catalogue;
}

pub mod redact {
    pub use crate::redact::Redactor;
}

pub mod run {
    pub use crate::run::{
        AddConnection, NoopObserver, RunReport, RunRequest, Runtime, Target, add_connection, confirm_path, execute,
    };
}

pub mod store {
    pub use crate::store::{
        ApiKey, BASE_VARIANT, Change, CheckpointWrite, ClaimOutcome, ClaimRequest, ClaimedRun, Committed, Confirmation,
        Connection, ConnectionQuery, CopyScope, DEFAULT_HOLD, DatasetKey, DatasetStats, DeletePolicy, DeleteRow,
        DueRun, DueSchedule, EncryptionState, EndUser, ExpiredRun, FeedPage, FeedRow, Filter, FinishScan, FinishedRun,
        FullRuns, FunctionKey, HeldBy, KeyId, Keys, LastAction, Level, LogLine, MetadataChange, ModelCounts, NewApiKey,
        NewConnection, NewDueRun, NewRun, NextAttempt, NextFullRun, Organization, Page, ParentEnd, ParentKey,
        ParentRecord, ParentRow, ParentScan, ParentWrite, PatchRow, PendingDeletes, ProfileChange, Prune, PruneUntil,
        Pruned, QueuedOptions, ReadQuery, RecordState, RefreshClaim, RefreshEnd, RemovedConnection, ResealProgress,
        ResumeWrite, RowOutcome, RunCounts, RunEnd, RunFilter, RunStatus, RunToken, Scan, ScanFrom, ScanOutcome,
        ScanWalk, Schedule, ScheduleAdvance, ScheduleChange, ScheduleFilter, SharedStore, StoreError, StoredCheckpoint,
        Table, TagsChange, WalkKind, WalkResult, Write, copy, copy_part, credentials_context, empty_dataset,
        fingerprint, open, parent_context, prune_all, reseal, resume_context, secret_context,
    };
    #[cfg(debug_assertions)]
    pub mod failpoint {
        pub use crate::store::failpoint::NAMES;
    }
    pub mod sqlite {
        pub use crate::store::sqlite::Sqlite;
    }
}

pub mod wire {
    pub use crate::wire::write_page;
}
