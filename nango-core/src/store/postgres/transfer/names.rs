//! Names of the tables in this database.

use crate::store::Table;

/// Returns the name of a table in this database.
pub(super) fn name(table: Table) -> &'static str {
    match table {
        Table::ResumeStates => "resume_states",
        Table::DeleteStates => "delete_states",
        Table::RunModels => "run_models",
        Table::RunLogs => "run_logs",
        Table::DueRuns => "due_runs",
        Table::ApiKeys => "api_keys",
        other => other.name(),
    }
}
