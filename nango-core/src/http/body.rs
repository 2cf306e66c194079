//! Request bodies: JSON, forms, multipart, raw bytes and streams.

mod multipart;

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use reqwest::header::HeaderValue;

use super::TransportError;
pub use multipart::Part;

/// The body of a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// JSON text.
    Json(Bytes),
    /// The fields of a form, sent URL-encoded.
    Form(Vec<(String, String)>),
    /// The fields and files of a form, sent as `multipart/form-data`.
    Multipart(Vec<Part>),
    /// Bytes of any content type.
    Raw {
        /// The bytes to send.
        bytes: Bytes,
        /// The content type; empty: the caller sets the header, or none is sent.
        content_type: String,
    },
    /// Bytes that are sent as they arrive, and only once.
    Stream(StreamBody),
}

impl Body {
    /// Returns whether the request has no body.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// Returns whether the body can be sent a second time.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// Returns content type and bytes for a signature; a stream has no bytes. The result is exactly what will be sent:
    /// multipart bodies are encoded here and kept encoded.
    pub(crate) fn seen(&mut self) -> (Option<String>, Bytes) {
        if let Self::Multipart(parts) = self {
            let (bytes, content_type) = multipart::encode(parts);
            *self = Self::Raw { bytes, content_type };
        }
        let text = |value: HeaderValue| value.to_str().map(str::to_owned).ok();
        match self {
            Self::Stream(stream) => {
                (Some(stream.content_type.clone()).filter(|content_type| !content_type.is_empty()), Bytes::new())
            }
            other => match other.clone().into_payload() {
                Ok((Payload::Full(bytes), content_type)) => (content_type.and_then(text), bytes),
                _ => (None, Bytes::new()),
            },
        }
    }

    /// Returns the bytes to send, and their content type.
    pub(super) fn into_payload(self) -> Result<(Payload, Option<HeaderValue>), TransportError> {
        let typed = |text: &str| HeaderValue::from_str(text).ok().filter(|value| !value.is_empty());
        Ok(match self {
            Self::Empty => (Payload::Full(Bytes::new()), None),
            Self::Json(bytes) => (Payload::Full(bytes), Some(HeaderValue::from_static("application/json"))),
            Self::Form(fields) => {
                let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
                (Payload::Full(text.into()), Some(content_type))
            }
            Self::Multipart(parts) => {
                let (bytes, content_type) = multipart::encode(&parts);
                (Payload::Full(bytes), typed(&content_type))
            }
            Self::Raw { bytes, content_type } => (Payload::Full(bytes), typed(&content_type)),
            Self::Stream(stream) => {
                let content_type = typed(&stream.content_type);
                (Payload::Stream(stream.take_stream()?), content_type)
            }
        })
    }
}

/// Bodies may contain secrets or personal data, so only type and size are shown.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Json(bytes) => write!(f, "Json({} bytes)", bytes.len()),
            Self::Form(fields) => write!(f, "Form({} fields)", fields.len()),
            Self::Multipart(parts) => write!(f, "Multipart({} parts)", parts.len()),
            Self::Raw { bytes, content_type } => write!(f, "Raw({} bytes of {content_type:?})", bytes.len()),
            Self::Stream(stream) => stream.fmt(f),
        }
    }
}

type Source = Box<dyn StdError + Send + Sync>;
type ByteStream = BoxStream<'static, Result<Bytes, Source>>;

/// A stream of bytes that is sent as it arrives and consumed by sending, so that such a request has no retries. Clones
/// share the stream: the first one that is sent consumes it.
#[derive(Clone)]
pub struct StreamBody {
    stream: Arc<Mutex<Option<ByteStream>>>,
    content_type: String,
}

impl StreamBody {
    /// Creates a body of these chunks. An empty `content_type`: the caller sets the header, or none is sent.
    pub fn new<S, E>(pieces: S, content_type: impl Into<String>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Source> + 'static,
    {
        let pieces = pieces.map_err(Into::into).boxed();
        Self { stream: Arc::new(Mutex::new(Some(pieces))), content_type: content_type.into() }
    }

    fn take_stream(&self) -> Result<ByteStream, TransportError> {
        let mut pieces = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.take().ok_or_else(|| TransportError::InvalidRequest("its body is a stream that was already sent".into()))
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({:?})", self.content_type)
    }
}

impl PartialEq for StreamBody {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stream, &other.stream)
    }
}

impl Eq for StreamBody {}

/// The bytes of a body, ready to be sent.
pub enum Payload {
    /// All bytes, in memory.
    Full(Bytes),
    /// A stream of chunks.
    Stream(ByteStream),
}

impl Payload {
    /// Reads all bytes into memory, for a transport without a network.
    ///
    /// # Errors
    ///
    /// Fails if the stream that provides the bytes failed.
    pub async fn read(self) -> Result<Bytes, TransportError> {
        match self {
            Self::Full(bytes) => Ok(bytes),
            Self::Stream(pieces) => {
                let whole = pieces.try_fold(BytesMut::new(), async |mut whole, piece| {
                    whole.extend_from_slice(&piece);
                    Ok(whole)
                });
                whole.await.map(BytesMut::freeze).map_err(TransportError::Disconnected)
            }
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl From<Payload> for reqwest::Body {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Full(bytes) => bytes.into(),
            Payload::Stream(pieces) => Self::wrap_stream(pieces),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stream_body_is_sent_once() {
        let pieces = futures_util::stream::iter([Ok::<_, Source>(Bytes::from("ab")), Ok(Bytes::from("c"))]);
        let body = Body::Stream(StreamBody::new(pieces, "text/csv"));
        assert!(!body.is_repeatable() && !body.is_empty());
        let (payload, content_type) = body.clone().into_payload().unwrap();
        assert_eq!(content_type.unwrap(), "text/csv");
        assert_eq!(payload.read().await.unwrap(), "abc");
        assert!(matches!(body.into_payload(), Err(TransportError::InvalidRequest(_))));
    }

    #[tokio::test]
    async fn interrupted_stream_body_is_an_error() {
        let pieces = futures_util::stream::iter([Ok(Bytes::from("ab")), Err("reset")]);
        let (payload, content_type) = Body::Stream(StreamBody::new(pieces, "")).into_payload().unwrap();
        assert!(content_type.is_none());
        assert!(matches!(payload.read().await, Err(TransportError::Disconnected(_))));
    }
}
