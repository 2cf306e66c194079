//! Clearing of removed content from the files of the database.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::state::ServerState;
use crate::error::Chain;

/// Shortest time between two times at which the files are cleared: a file is rebuilt for it, and writers wait.
const INTERVAL: Duration = Duration::from_mins(1);

/// Clears the files after removals, until the server ends. Removals within the interval are cleared together.
pub(super) async fn clear(state: Arc<ServerState>, ended: CancellationToken) {
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = state.removed.notified() => {}
        }
        let left = match state.runtime.store.clear_removed().await {
            Ok(None) => None,
            Ok(Some(_)) => Some("parts of removed records may be left in the files of the database".to_owned()),
            Err(error) => Some(format!("removed records were not cleared from the files: {}", Chain(&error))),
        };
        if let Some(message) = left {
            state.log.on_event("removed_content_left", &message);
        }
        tokio::select! {
            () = ended.cancelled() => return,
            () = state.runtime.clock.sleep(INTERVAL) => {}
        }
    }
}
