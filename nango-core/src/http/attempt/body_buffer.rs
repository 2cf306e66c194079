//! Buffer of a response body.

use bytes::{Bytes, BytesMut};

/// A body while it is read. The common body of a single chunk is not copied.
pub(super) enum BodyBuffer {
    Single(Bytes),
    Joined(BytesMut),
}

impl BodyBuffer {
    /// Appends a chunk. `announced`: length of the whole body according to its header.
    pub(super) fn append(self, piece: &[u8], announced: Option<u64>) -> Self {
        let mut more = match self {
            Self::Single(first) => {
                let expected = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(first.len() * 4);
                let mut more = BytesMut::with_capacity(expected);
                more.extend_from_slice(&first);
                more
            }
            Self::Joined(more) => more,
        };
        more.extend_from_slice(piece);
        Self::Joined(more)
    }

    /// Returns the whole body.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Single(bytes) => bytes,
            Self::Joined(bytes) => bytes.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_in_their_order() {
        let first = Bytes::from_static(b"ab");
        assert_eq!(BodyBuffer::Single(first.clone()).into_bytes(), "ab");
        for announced in [None, Some(4), Some(1)] {
            let whole = BodyBuffer::Single(first.clone()).append(b"c", announced).append(b"d", announced);
            assert_eq!(whole.into_bytes(), "abcd");
        }
    }
}
