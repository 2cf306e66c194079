//! Opening of a database by its URL.

use std::sync::Arc;

#[cfg(feature = "postgres")]
use super::postgres;
use super::{SharedStore, StoreError, sqlite};

/// Opens the database of a URL: `sqlite:nango.db`, `sqlite::memory:`, `postgres://user@host/database`.
///
/// # Errors
///
/// Fails if the scheme is unknown, if the file belongs to another program, was written by a newer version, contains an
/// incomplete copy, or cannot be read or written, and for the errors of `postgres::Postgres::open`.
pub async fn open(url: &str) -> Result<SharedStore, StoreError> {
    open_as(url, false).await
}

/// Opens the target of a copy, which may contain an earlier incomplete copy.
///
/// # Errors
///
/// Returns the errors of [`open`], except the one for an incomplete copy.
pub(crate) async fn open_target(url: &str) -> Result<SharedStore, StoreError> {
    open_as(url, true).await
}

async fn open_as(url: &str, target: bool) -> Result<SharedStore, StoreError> {
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let opening =
            if target { postgres::Postgres::open_target(url).await } else { postgres::Postgres::open(url).await };
        return Ok(Arc::new(opening?));
    }
    match url.strip_prefix("sqlite:") {
        Some("") => Err(StoreError::Url(url.to_owned())),
        // This may be the URL of a server: an error that shows it as a path would reveal its password.
        Some(path) if path.trim_start_matches('/').contains("://") => Err(StoreError::Url("sqlite:…://…".to_owned())),
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            let opening =
                if target { sqlite::Sqlite::open_target(path).await } else { sqlite::Sqlite::open(path).await };
            Ok(Arc::new(opening?))
        }
        None if url.contains(['/', '\\', '.']) && !url.contains(['@', ':']) => Err(StoreError::Path(url.to_owned())),
        None => {
            Err(StoreError::Url(url.split_once(':').map_or_else(|| url.to_owned(), |(scheme, _)| format!("{scheme}:"))))
        }
    }
}
