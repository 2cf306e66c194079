//! Removed content that may be left in the files of the database.

use crate::{
    cli::{Context, table::human_size},
    error::Chain,
    run::Runtime,
    store::Remains,
};

/// Clears removed content from the database's files. The records are removed in any case, so a failure is only a note.
pub(in crate::cli) fn clear_removed(context: &mut Context, runtime: &Runtime) {
    match context.block_on(runtime.store.clear_removed()) {
        Ok(None) => {}
        Ok(Some(left)) => context.terminal.note(remains_note(left)),
        Err(error) => context.terminal.note(format_args!(
            "note: the records are removed, but parts of them may be left in the database's files: {}. Run `registry \
             database vacuum`",
            Chain(&error)
        )),
    }
}

/// Returns a note on where parts of removed content may remain, with the remedy.
pub(super) fn remains_note(left: Remains) -> String {
    match left {
        Remains::Log => "note: parts of removed content may be left in the database's log (-wal), because another \
                         process reads. Run `registry database vacuum` when it is done"
            .to_owned(),
        Remains::Pages { bytes } => format!(
            "note: removed content may be left in unused pages of the file, because the database ({}) is too large to \
             be rebuilt while other processes wait. Run `registry database vacuum` when no other process writes",
            human_size(bytes)
        ),
        Remains::DeadRows => "note: the server keeps removed rows until it vacuums their tables: run `registry \
                              database vacuum` to do that now"
            .to_owned(),
        Remains::Server => {
            "note: the server overwrites removed content when it needs the space again; until then parts \
                            of it may be left in its data files, its write-ahead log and their backups. `VACUUM FULL` \
                            rewrites the tables, and locks them meanwhile"
                .to_owned()
        }
    }
}
