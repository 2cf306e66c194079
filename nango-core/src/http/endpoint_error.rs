//! Reasons why an endpoint does not result in a URL.

/// Error of an endpoint, or of the base URL of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text is not a URL.
    #[error(transparent)]
    Url(#[from] url::ParseError),
    /// A relative endpoint has a dot segment, which would leave the path that the caller wrote.
    #[error(
        "its segment `{}` leads to another path; `.` and `..` are not allowed, in any spelling; \
         `path!(\"/items/{{id}}\")` inserts values safely",
        .0.escape_debug()
    )]
    DotSegment(String),
    /// The URL has no host.
    #[error("it has no host")]
    NoHost,
    /// The base URL of a request is not an absolute URL.
    #[error("a base URL must be absolute, such as `https://api.example.com/v1`")]
    RelativeBase,
}
