//! A function on an event of a connection.

/// Checks the settings.
#[on_event(validate_connection, name = "check-settings", metadata = Settings)]
async fn check(nango: NangoAction) -> Result<()> {
    nango.metadata().await?.check()
}
