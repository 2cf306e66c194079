//! Format of sealed blobs: `version (1) · key id (4) · nonce (12) · AES-256-GCM ciphertext and tag`, with sizes in
//! bytes. The key id, the first bytes of the key's hash, identifies the key that opens the blob.

use super::error::KeyError;
use crate::store::KeyId;

const FORMAT_VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;

/// Number of bytes of a key's id.
pub(super) const KEY_ID_BYTES: usize = 4;
/// Number of bytes of the nonce of a blob.
pub(super) const NONCE_BYTES: usize = 12;

/// Parts of a sealed blob of the current format.
pub(super) struct SealedBlob<'b> {
    pub(super) header: &'b [u8; HEADER_BYTES],
    pub(super) nonce: &'b [u8; NONCE_BYTES],
    pub(super) ciphertext: &'b [u8],
}

impl<'b> SealedBlob<'b> {
    /// Splits a blob into its parts and the id of the key that opens it.
    pub(super) fn parse(blob: &'b [u8]) -> Result<(Self, KeyId), KeyError> {
        let (header, rest) = blob.split_first_chunk::<HEADER_BYTES>().ok_or(KeyError::Damaged)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(KeyError::Damaged)?;
        let [FORMAT_VERSION, a, b, c, d] = *header else { return Err(KeyError::UnsupportedVersion(header[0])) };
        let key = KeyId::new([a, b, c, d]).ok_or(KeyError::Damaged)?;
        Ok((Self { header, nonce, ciphertext }, key))
    }

    /// Joins the parts to one text.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [self.header.as_slice(), self.nonce, self.ciphertext].concat()
    }
}

/// Returns the first bytes of a blob, which are authenticated together with its context.
pub(super) fn blob_header(key: KeyId) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = key.bytes();
    [FORMAT_VERSION, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_is_split_into_what_it_was_joined_from() {
        let key = KeyId::new([1, 2, 3, 4]).unwrap();
        let header = blob_header(key);
        let blob = SealedBlob { header: &header, nonce: &[7; NONCE_BYTES], ciphertext: b"x" }.to_bytes();
        assert_eq!(blob, [&[1, 1, 2, 3, 4][..], &[7; NONCE_BYTES], b"x"].concat());
        let (parts, found) = SealedBlob::parse(&blob).unwrap();
        assert_eq!((found, parts.header, parts.ciphertext), (key, &header, &b"x"[..]));
        assert!(matches!(SealedBlob::parse(&blob[..16]), Err(KeyError::Damaged)));
        assert!(matches!(SealedBlob::parse(&[2; 20]), Err(KeyError::UnsupportedVersion(2))));
        let without_key = [&[1, 0, 0, 0, 0][..], &[7; NONCE_BYTES]].concat();
        assert!(matches!(SealedBlob::parse(&without_key), Err(KeyError::Damaged)));
    }
}
