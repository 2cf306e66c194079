//! Statements that start a transaction, with its settings.
//!
//! Statements are planned once per connection and cached, so a plan must be right for any size of the tables, even if
//! it was made when they were empty and no one has ever analysed them. Estimates cannot guarantee that: for an empty
//! table the planner prefers a sequential scan to ten index lookups. Nothing is therefore left to estimates. Rows are
//! looked up by `CROSS JOIN LATERAL (… OFFSET 0)`, which the planner does not flatten, with an equality for each column
//! of the one index; existing rows are changed by `ON CONFLICT`, which names its index; and the settings at the start
//! of a transaction disable sequential scans. They end with the transaction.

/// Prefixes each transaction with its settings, all in one message.
///
/// Table names include their schema, but functions and operators are resolved along the search path. The owner of a
/// database may set one for all its sessions, and a function in `public` whose argument types match better is preferred
/// to the system's. The search path is therefore pinned, with temporary objects last.
macro_rules! begin {
    ($mode:literal) => {
        concat!(
            $mode,
            "; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL plan_cache_mode = force_generic_plan; \
             SET LOCAL enable_seqscan = off; \
             SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off; \
             SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
        )
    };
}
/// Starts a transaction that writes. Each statement sees everything that was committed before it, so that a read under
/// a lock returns the latest state. Not `READ WRITE`: `default_transaction_read_only` is set on a server whose disk
/// runs full, and this program must not override it.
pub(super) const BEGIN_WRITE: &str = begin!("BEGIN ISOLATION LEVEL READ COMMITTED");
/// Starts a transaction that reads. All statements see one snapshot.
pub(super) const BEGIN_READ: &str = begin!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

/// Starts a transaction of the opening, before the schema has been checked.
pub(super) const BEGIN_OPEN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
                                     SET LOCAL search_path = pg_catalog, pg_temp; \
                               SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";
/// Starts a transaction of one statement that looks up no row.
pub(super) const BEGIN_SHORT: &str = "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp";
