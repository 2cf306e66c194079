//! The integration `bench` of the registry that is measured.

use nango_core::prelude::*;

use crate::filled::Document;

/// Returns a constant without I/O.
#[action]
async fn constant(_nango: NangoAction) -> Result<u64> {
    Ok(7)
}

/// Declares the model, and saves nothing.
#[sync(model = "Document", frequency = "every day")]
async fn documents(_nango: NangoSync) -> Result<()> {
    Ok(())
}
