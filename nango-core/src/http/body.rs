//! What a request carries.

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

/// What a request carries.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// JSON text.
    Json(Bytes),
    /// The fields of a form, sent URL-encoded.
    Form(Vec<(String, String)>),
    /// The fields and files of a form, sent as `multipart/form-data`.
    Multipart(Vec<Part>),
    /// Anything else.
    Raw {
        /// What is sent.
        bytes: Bytes,
        /// What it is; empty: the caller sets the header, or there is none.
        content_type: String,
    },
    /// Bytes that are sent as they come, and only once.
    Stream(StreamBody),
}

impl Body {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// Whether it can be sent a second time.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// What it is and what it holds, for who signs it; a stream shows nothing. What is shown is what will be sent: parts
    /// are put together here, because their boundary is drawn anew each time.
    pub(crate) fn seen(&mut self) -> (Option<String>, Bytes) {
        if let Self::Multipart(parts) = self {
            let (bytes, content_type) = multipart::encode(parts);
            *self = Self::Raw { bytes, content_type };
        }
        let text = |value: HeaderValue| value.to_str().map(str::to_owned).ok();
        match self {
            Self::Stream(stream) => (Some(stream.content_type.clone()).filter(|kind| !kind.is_empty()), Bytes::new()),
            other => match other.clone().into_payload() {
                Ok((Payload::Full(bytes), kind)) => (kind.and_then(text), bytes),
                _ => (None, Bytes::new()),
            },
        }
    }

    /// What is sent, and what it is.
    pub(super) fn into_payload(self) -> Result<(Payload, Option<HeaderValue>), TransportError> {
        let typed = |text: &str| HeaderValue::from_str(text).ok().filter(|value| !value.is_empty());
        Ok(match self {
            Self::Empty => (Payload::Full(Bytes::new()), None),
            Self::Json(bytes) => (Payload::Full(bytes), Some(HeaderValue::from_static("application/json"))),
            Self::Form(fields) => {
                let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                (Payload::Full(text.into()), Some(kind))
            }
            Self::Multipart(parts) => {
                let (bytes, kind) = multipart::encode(&parts);
                (Payload::Full(bytes), typed(&kind))
            }
            Self::Raw { bytes, content_type } => (Payload::Full(bytes), typed(&content_type)),
            Self::Stream(stream) => {
                let kind = typed(&stream.content_type);
                (Payload::Stream(stream.take_stream()?), kind)
            }
        })
    }
}

/// Bodies may hold anything, so only kind and size are shown.
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

/// Bytes that are sent as they come. They are gone then, so that a request with them has no retries. Clones share the
/// stream: whichever is sent first has it.
#[derive(Clone)]
pub struct StreamBody {
    stream: Arc<Mutex<Option<ByteStream>>>,
    content_type: String,
}

impl StreamBody {
    /// A body of these pieces. An empty `content_type`: the caller sets the header, or there is none.
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
        pieces.take().ok_or_else(|| TransportError::InvalidRequest("its body is a stream, and was sent before".into()))
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
    /// All of them.
    Full(Bytes),
    /// As they come.
    Stream(ByteStream),
}

impl Payload {
    /// All of them in memory, for a transport that is no network.
    ///
    /// # Errors
    ///
    /// The stream that they come from broke off.
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
            Self::Full(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Pieces"),
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
        let (payload, kind) = body.clone().into_payload().unwrap();
        assert_eq!(kind.unwrap(), "text/csv");
        assert_eq!(payload.read().await.unwrap(), "abc");
        assert!(matches!(body.into_payload(), Err(TransportError::InvalidRequest(_))));
    }

    #[tokio::test]
    async fn interrupted_stream_body_is_an_error() {
        let pieces = futures_util::stream::iter([Ok(Bytes::from("ab")), Err("torn")]);
        let (payload, kind) = Body::Stream(StreamBody::new(pieces, "")).into_payload().unwrap();
        assert!(kind.is_none());
        assert!(matches!(payload.read().await, Err(TransportError::Disconnected(_))));
    }
}
