//! Classes of errors, with the names that are stored.

/// Class of an [`Error`](super::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An [`ActionError`](super::ActionError): the function refused the request, with a payload for its caller.
    Action,
    /// An API responded with a status that the request did not accept.
    Http,
    /// An API responded with 429, or the wait for its rate limit would be too long.
    RateLimit,
    /// No complete response: name resolution, connection, TLS, timeout, or a truncated body; also the backoff after a
    /// failed token refresh.
    Network,
    /// A response that is not JSON, or does not fit the requested type.
    Decode,
    /// The input of an action or the payload of a webhook does not fit its type.
    Input,
    /// A record that cannot be saved: no id, an id that is too long, or a value that JSON cannot represent.
    Record,
    /// The credentials or the configuration of the connection are incomplete or invalid.
    Connection,
    /// Two writers changed the same checkpoint, or a stored checkpoint no longer fits its type.
    Checkpoint,
    /// The run was cancelled; committed pages are kept.
    Interrupted,
    /// Another process took over the key of the run; its further writes are refused.
    LeaseLost,
    /// A run was interrupted several times in a row without progress, and is not continued.
    NoProgress,
    /// A database operation failed.
    Store,
    /// Any other error.
    Internal,
}

impl ErrorKind {
    /// Returns the name that is stored with a run. It never changes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::Http => "Http",
            Self::RateLimit => "RateLimit",
            Self::Network => "Network",
            Self::Decode => "Decode",
            Self::Input => "Input",
            Self::Record => "Record",
            Self::Connection => "Connection",
            Self::Checkpoint => "Checkpoint",
            Self::Interrupted => "Interrupted",
            Self::LeaseLost => "LeaseLost",
            Self::NoProgress => "NoProgress",
            Self::Store => "Store",
            Self::Internal => "Internal",
        }
    }

    /// Returns the kind with a name of [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Action,
            Self::Http,
            Self::RateLimit,
            Self::Network,
            Self::Decode,
            Self::Input,
            Self::Record,
            Self::Connection,
            Self::Checkpoint,
            Self::Interrupted,
            Self::LeaseLost,
            Self::NoProgress,
            Self::Store,
            Self::Internal,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_name_of_every_kind_is_frozen() {
        let names = [
            (ErrorKind::Action, "Action"),
            (ErrorKind::Http, "Http"),
            (ErrorKind::RateLimit, "RateLimit"),
            (ErrorKind::Network, "Network"),
            (ErrorKind::Decode, "Decode"),
            (ErrorKind::Input, "Input"),
            (ErrorKind::Record, "Record"),
            (ErrorKind::Connection, "Connection"),
            (ErrorKind::Checkpoint, "Checkpoint"),
            (ErrorKind::Interrupted, "Interrupted"),
            (ErrorKind::LeaseLost, "LeaseLost"),
            (ErrorKind::NoProgress, "NoProgress"),
            (ErrorKind::Store, "Store"),
            (ErrorKind::Internal, "Internal"),
        ];
        for (kind, name) in names {
            assert_eq!((kind.name(), ErrorKind::from_name(name)), (name, Some(kind)));
        }
    }
}
