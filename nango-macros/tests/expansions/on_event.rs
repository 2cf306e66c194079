//! A function on an event of a connection.

/// Checks the settings of a connection.
#[on_event(validate_connection, name = "check-settings", metadata = Settings)]
async fn check(nango: NangoAction) -> Result<()> {
    nango.metadata().await?.check()
}
