//! Names of parameters that requests to this server and to another one have.

/// Name of the parameter with the id of a connection.
pub(crate) const CONNECTION_ID: &str = "connection_id";
/// Name of the parameter with the unique key of an integration.
pub(crate) const PROVIDER_CONFIG_KEY: &str = "provider_config_key";
