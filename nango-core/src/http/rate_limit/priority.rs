//! Priorities of requests.

/// Priority of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// A caller waits for the response: an action, a proxied request.
    Interactive,
    /// Background work: a sync.
    #[default]
    Background,
}
