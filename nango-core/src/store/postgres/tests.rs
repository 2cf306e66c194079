//! What only this database can do wrong.

use crate::store::postgres_server;

/// A database for one test; `None`: there is no server here, and that was said.
pub(in crate::store) fn database() -> Option<postgres_server::Database> {
    postgres_server::database(|url| {
        let url = url.to_owned();
        // On a thread of its own: the caller may already be inside a runtime.
        let migrated = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                use crate::store::Store;
                super::Postgres::open(&url).await.unwrap().close().await.unwrap();
            });
        });
        migrated.join().unwrap();
    })
}
