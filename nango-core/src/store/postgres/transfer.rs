//! Export and import of the tables in their neutral form.
//!
//! Invariants: the number of a record ([`super::rows`]) is not copied but assigned again, without gaps. Before an
//! import, the tables are emptied and the sequences of the server are reset.

mod export;
mod import;
mod names;

use tokio::sync::mpsc;

use super::Postgres;
use crate::store::{Chunk, StoreFuture, Transfer, transfer::ExportPart};

impl Transfer for Postgres {
    fn export_part(&self, part: ExportPart, out: mpsc::Sender<Chunk>) -> StoreFuture<'_, ()> {
        // Not retried if the connection breaks: some chunks have been sent.
        Box::pin(async move {
            let request = (part, out);
            self.read_without_retry(&request, |db, (part, out)| Box::pin(export::export(db, part, out))).await
        })
    }

    fn begin_import(&self) -> StoreFuture<'_, ()> {
        self.write((), |db, ()| Box::pin(import::begin(db)))
    }

    fn import(&self, chunk: Chunk) -> StoreFuture<'_, ()> {
        self.write(chunk, |db, chunk| Box::pin(import::import(db, chunk)))
    }

    fn finish_import(&self) -> StoreFuture<'_, ()> {
        self.write((), |db, ()| Box::pin(import::finish(db)))
    }
}
