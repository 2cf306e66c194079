//! Permissions of API keys, with the names that they have in Nango.

/// Permission to call some routes of the HTTP API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Lists integrations.
    IntegrationsList,
    /// Adds secrets of apps to a list of integrations.
    IntegrationsListCredentials,
    /// Lists the functions of an integration.
    IntegrationsListFunctions,
    /// Reads an integration.
    IntegrationsRead,
    /// Adds the secrets of the app to an integration.
    IntegrationsReadCredentials,
    /// Creates an integration.
    IntegrationsCreate,
    /// Changes an integration.
    IntegrationsUpdate,
    /// Deletes an integration.
    IntegrationsDelete,
    /// Lists connections.
    ConnectionsList,
    /// Adds credentials to a list of connections.
    ConnectionsListCredentials,
    /// Reads a connection without credentials.
    ConnectionsRead,
    /// Adds the credentials to a connection, and refreshes its token.
    ConnectionsReadCredentials,
    /// Imports a connection.
    ConnectionsCreate,
    /// Changes a connection or its metadata.
    ConnectionsUpdate,
    /// Deletes a connection.
    ConnectionsDelete,
    /// Creates sessions in which users connect accounts.
    ConnectSessionsWrite,
    /// Reads the states of syncs.
    SyncsRead,
    /// Triggers, starts and pauses syncs.
    SyncsExecute,
    /// Changes the frequency of syncs.
    SyncsUpdate,
    /// Creates variants of syncs.
    SyncsVariantCreate,
    /// Deletes variants of syncs.
    SyncsVariantDelete,
    /// Lists functions of all integrations.
    FunctionsList,
    /// Reads a function.
    FunctionsRead,
    /// Requests the deletion of a function.
    FunctionsDelete,
    /// Requests the compilation of a function.
    FunctionsCompile,
    /// Requests a dry run of a function.
    FunctionsDryrun,
    /// Calls functions and reads their results.
    FunctionsInvocations,
    /// Requests a deployment of functions.
    Deploy,
    /// Reads records.
    RecordsRead,
    /// Prunes records.
    RecordsWrite,
    /// Runs actions.
    ActionsExecute,
    /// Sends requests to APIs with the credentials of a connection.
    Proxy,
    /// Reads environment variables of functions.
    VariablesRead,
    /// Replaces the key that signs webhooks.
    WebhookSigningKeyRotate,
    /// Uses the server of the Model Context Protocol.
    Mcp,
    /// Creates and deletes sessions of agents.
    AgentSessionsWrite,
    /// Reads the logs of runs.
    LogsRead,
}

/// Every scope with its name, in the order of the enum.
const NAMES: [(Scope, &str); 37] = [
    (Scope::IntegrationsList, "environment:integrations:list"),
    (Scope::IntegrationsListCredentials, "environment:integrations:list_credentials"),
    (Scope::IntegrationsListFunctions, "environment:integrations:list_functions"),
    (Scope::IntegrationsRead, "environment:integrations:read"),
    (Scope::IntegrationsReadCredentials, "environment:integrations:read_credentials"),
    (Scope::IntegrationsCreate, "environment:integrations:create"),
    (Scope::IntegrationsUpdate, "environment:integrations:update"),
    (Scope::IntegrationsDelete, "environment:integrations:delete"),
    (Scope::ConnectionsList, "environment:connections:list"),
    (Scope::ConnectionsListCredentials, "environment:connections:list_credentials"),
    (Scope::ConnectionsRead, "environment:connections:read"),
    (Scope::ConnectionsReadCredentials, "environment:connections:read_credentials"),
    (Scope::ConnectionsCreate, "environment:connections:create"),
    (Scope::ConnectionsUpdate, "environment:connections:update"),
    (Scope::ConnectionsDelete, "environment:connections:delete"),
    (Scope::ConnectSessionsWrite, "environment:connect_sessions:write"),
    (Scope::SyncsRead, "environment:syncs:read"),
    (Scope::SyncsExecute, "environment:syncs:execute"),
    (Scope::SyncsUpdate, "environment:syncs:update"),
    (Scope::SyncsVariantCreate, "environment:syncs:variant:create"),
    (Scope::SyncsVariantDelete, "environment:syncs:variant:delete"),
    (Scope::FunctionsList, "environment:functions:list"),
    (Scope::FunctionsRead, "environment:functions:read"),
    (Scope::FunctionsDelete, "environment:functions:delete"),
    (Scope::FunctionsCompile, "environment:functions:compile"),
    (Scope::FunctionsDryrun, "environment:functions:dryrun"),
    (Scope::FunctionsInvocations, "environment:functions:invocations"),
    (Scope::Deploy, "environment:deploy"),
    (Scope::RecordsRead, "environment:records:read"),
    (Scope::RecordsWrite, "environment:records:write"),
    (Scope::ActionsExecute, "environment:actions:execute"),
    (Scope::Proxy, "environment:proxy"),
    (Scope::VariablesRead, "environment:variables:read"),
    (Scope::WebhookSigningKeyRotate, "environment:webhook_signing_key:rotate"),
    (Scope::Mcp, "environment:mcp"),
    (Scope::AgentSessionsWrite, "environment:agent_sessions:write"),
    (Scope::LogsRead, "environment:logs:read"),
];

impl Scope {
    /// Returns all scopes, in the order of the documentation.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(scope, _)| scope)
    }

    /// Returns the name that keys and documents contain.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Returns the bit of the scope in a set.
    pub(super) fn bit(self) -> u64 {
        1 << self as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_has_its_own_name_and_bit() {
        for (index, (scope, name)) in NAMES.into_iter().enumerate() {
            assert_eq!((scope as usize, scope.name()), (index, name));
        }
        let names: std::collections::BTreeSet<_> = Scope::all().map(Scope::name).collect();
        assert_eq!(names.len(), NAMES.len());
        assert_eq!(Scope::all().map(Scope::bit).fold(0, |set, bit| set | bit), (1 << NAMES.len()) - 1);
    }
}
