//! Feed cursor: the position of a reader in a feed, encoded as text.
//!
//! A cursor is a sequence number, bound to its dataset and to the database that issued it. The binding depends on
//! names, so a cursor stays valid after a restart, after the dataset was emptied, and after the connection was removed
//! and added again. It is not a secret: the binding detects mistakes, and protects nothing.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::StoreError;

const VERSION: u8 = 1;
const ENCODED_BYTES: usize = 17;

/// A position in the feed of one dataset: after the record with the sequence number `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cursor {
    /// The number that identifies the dataset and its database.
    pub feed_id: u64,
    /// The sequence number of the last record that was read; 0 before the first record.
    pub seq: i64,
}

impl Cursor {
    /// Returns the cursor as 23 characters that need no escaping in a URL.
    #[must_use]
    pub(crate) fn encode(self) -> String {
        let mut bytes = [0; ENCODED_BYTES];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.feed_id.to_be_bytes());
        bytes[9..].copy_from_slice(&self.seq.to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses a text of [`Self::encode`] for the same feed.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Cursor`] for any other text.
    pub(crate) fn decode(text: &str, feed: u64) -> Result<Self, StoreError> {
        let mut bytes = [0; ENCODED_BYTES];
        let read = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| StoreError::Cursor)?;
        let [VERSION, f0, f1, f2, f3, f4, f5, f6, f7, seq @ ..] = bytes else { return Err(StoreError::Cursor) };
        let cursor =
            Self { feed_id: u64::from_be_bytes([f0, f1, f2, f3, f4, f5, f6, f7]), seq: i64::from_be_bytes(seq) };
        if read == ENCODED_BYTES && cursor.feed_id == feed && cursor.seq >= 0 {
            Ok(cursor)
        } else {
            Err(StoreError::Cursor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_decodes_to_its_encoded_value() {
        for seq in [0, 1, 1 << 20, i64::MAX] {
            let text = Cursor { feed_id: 0xfeed, seq }.encode();
            assert_eq!(text.len(), 23);
            assert_eq!(Cursor::decode(&text, 0xfeed).unwrap(), Cursor { feed_id: 0xfeed, seq });
        }
    }

    #[test]
    fn decode_fails_when_text_is_not_a_cursor_of_this_feed() {
        let good = Cursor { feed_id: 0xfeed, seq: 7 }.encode();
        let foreign = Cursor { feed_id: 0xf00d, seq: 7 }.encode();
        let negative = Cursor { feed_id: 0xfeed, seq: -7 }.encode();
        let other_version = format!("Ag{}", &good[2..]);
        let long = good.repeat(40);
        let cases = ["", "x", "é", "not a cursor", &good[1..], &good[..22], &foreign, &negative, &other_version, &long];
        for text in cases {
            assert!(matches!(Cursor::decode(text, 0xfeed), Err(StoreError::Cursor)), "{text}");
        }
    }
}
