//! Query of connections: filters and one page of the result.

use std::collections::BTreeMap;

/// A selection of connections. A filter that is not set selects all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// Only connections of these integrations.
    pub integrations: Option<Vec<String>>,
    /// Only connections with this id.
    pub id: Option<String>,
    /// Only connections whose id, or the display name or e-mail address of whose end user, contains this text.
    /// Upper and lower case of ASCII letters are equal.
    pub search: Option<String>,
    /// Only connections of the end user with this id.
    pub end_user: Option<String>,
    /// Only connections whose end user belongs to the organization with this id.
    pub organization: Option<String>,
    /// Only connections with all these tags.
    pub tags: BTreeMap<String, String>,
    /// The maximum number of connections.
    pub limit: u32,
    /// The number of connections to skip.
    pub offset: u64,
}

impl Default for ConnectionQuery {
    fn default() -> Self {
        Self {
            integrations: None,
            id: None,
            search: None,
            end_user: None,
            organization: None,
            tags: BTreeMap::new(),
            limit: 10_000,
            offset: 0,
        }
    }
}
