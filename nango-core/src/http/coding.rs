//! Content codings: decompression of response bodies.
//!
//! A coding is recognised without regard to case. A gzip body may have several members, as logs and exports have; a
//! `deflate` body may have no zlib frame, as some servers send it. Bytes after the compressed body, and codings that
//! were not requested, are errors: a part of a body must not pass for the whole.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{
    Decompress,
    write::{MultiGzDecoder, ZlibDecoder},
};
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, RANGE};

use super::TransportError;

/// Compressed bytes that are decoded at once: they become 4 MiB at most.
const CHUNK_BYTES: usize = 4096;
/// Registered codings that are not supported. Other names are not codings and are ignored; some servers send them
/// (`utf-8`).
const UNSUPPORTED_CODINGS: [&str; 9] =
    ["br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "aes128gcm"];

type ByteStream = BoxStream<'static, Result<Bytes, TransportError>>;

/// Requests compression, unless the request sets `Accept-Encoding` itself or requests a range of a body.
pub(super) fn set_accept_encoding(headers: &mut HeaderMap) {
    if !headers.contains_key(ACCEPT_ENCODING) && !headers.contains_key(RANGE) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
    }
}

/// Returns the decoded body, and removes the headers that describe the coded one.
pub(super) fn decode_body(headers: &mut HeaderMap, body: ByteStream) -> ByteStream {
    let mut codings = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .filter(|name| {
            matches!(name.as_str(), "gzip" | "x-gzip" | "deflate") || UNSUPPORTED_CODINGS.contains(&name.as_str())
        });
    let Some(coding) = codings.next() else { return body };
    let decoder = match coding.as_str() {
        _ if codings.next().is_some() => Err(CodingError::Repeated),
        "gzip" | "x-gzip" => Ok(Decoder::Gzip(MultiGzDecoder::new(Vec::new()))),
        "deflate" => Ok(Decoder::Deflate(Vec::new())),
        other => Err(CodingError::NotRequested(other.to_owned())),
    };
    drop(codings);
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    let decoder = match decoder {
        Ok(decoder) => decoder,
        Err(error) => return stream::iter([Err(error.into())]).boxed(),
    };
    let coded = DecodingBody { body, decoder: Some(decoder), pending: Bytes::new(), is_empty: true };
    stream::unfold(coded, |mut coded| async move { coded.next().await.map(|piece| (piece, coded)) }).boxed()
}

/// A body that is being decoded.
struct DecodingBody {
    body: ByteStream,
    /// Decoder of the body; `None` after its end or an error.
    decoder: Option<Decoder>,
    /// Bytes that arrived and are not decoded yet.
    pending: Bytes,
    is_empty: bool,
}

impl DecodingBody {
    async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        loop {
            let decoder = self.decoder.as_mut()?;
            if !self.pending.is_empty() {
                self.is_empty = false;
                let piece = self.pending.split_to(self.pending.len().min(CHUNK_BYTES));
                match decoder.write(&piece) {
                    Ok(plain) if plain.is_empty() => continue,
                    Ok(plain) => return Some(Ok(plain.into())),
                    Err(error) => return Some(Err(self.fail(CodingError::Damaged(error).into()))),
                }
            }
            match self.body.next().await {
                Some(Ok(piece)) => self.pending = piece,
                Some(Err(error)) => return Some(Err(self.fail(error))),
                // A response without a body (HEAD, 304) still announces the coding of the omitted body.
                None if self.is_empty => return None,
                None => {
                    return match self.decoder.take()?.finish() {
                        Ok(plain) if plain.is_empty() => None,
                        Ok(plain) => Some(Ok(plain.into())),
                        Err(error) => Some(Err(CodingError::Damaged(error).into())),
                    };
                }
            }
        }
    }

    fn fail(&mut self, error: TransportError) -> TransportError {
        self.decoder = None;
        error
    }
}

/// Reasons why the content coding of a body cannot be removed.
#[derive(Debug, thiserror::Error)]
enum CodingError {
    /// The compressed bytes are invalid or incomplete.
    #[error("its compression is damaged")]
    Damaged(#[source] io::Error),
    /// The body has several codings.
    #[error("it is compressed more than once")]
    Repeated,
    /// The coding is none of those that requests accept.
    #[error("its content coding `{0}` was not requested")]
    NotRequested(String),
}

impl From<CodingError> for TransportError {
    fn from(error: CodingError) -> Self {
        Self::Unreadable(Box::new(error))
    }
}

enum Decoder {
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// `deflate` until its second byte shows whether it has a zlib frame.
    Deflate(Vec<u8>),
    /// `deflate` with or without a zlib frame.
    Inflate(ZlibDecoder<Vec<u8>>),
}

impl Decoder {
    fn write(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        let decoded = match self {
            Self::Gzip(decoder) => {
                decoder.write_all(piece)?;
                decoder.get_mut()
            }
            Self::Inflate(decoder) => {
                decoder.write_all(piece)?;
                decoder.get_mut()
            }
            Self::Deflate(start) => {
                start.extend_from_slice(piece);
                let [first, second, ..] = start[..] else { return Ok(Vec::new()) };
                let start = std::mem::take(start);
                // RFC 1950: the method is 8, and the two bytes are a multiple of 31.
                let framed = first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31);
                *self = Self::Inflate(ZlibDecoder::new_with_decompress(Vec::new(), Decompress::new(framed)));
                return self.write(&start);
            }
        };
        Ok(std::mem::take(decoded))
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(mut decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Inflate(mut decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use futures_util::TryStreamExt;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &str) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &str) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// Reads a body that arrives in pieces of this length.
    fn read(codings: &[&'static str], body: &[u8], length: usize) -> Result<String, TransportError> {
        let mut headers: HeaderMap =
            codings.iter().map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))).collect();
        headers.insert(CONTENT_LENGTH, body.len().into());
        let pieces: Vec<_> = body.chunks(length).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body = decode_body(&mut headers, stream::iter(pieces).boxed());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let whole: Vec<Bytes> = runtime.block_on(body.try_collect())?;
        Ok(String::from_utf8(whole.concat()).unwrap())
    }

    #[test]
    fn body_is_read_in_every_form_of_its_coding() {
        let text = "one line\n".repeat(5000);
        let members = [gzip(&text), gzip("two"), gzip("")].concat();
        let whole = format!("{text}two");
        for length in [1, 3, 4096, 1 << 20] {
            for coding in ["gzip", "GZip", "x-gzip", "identity, gzip", " gzip "] {
                assert!(read(&[coding], &members, length).unwrap() == whole, "{coding} {length}");
            }
            assert!(read(&["Deflate"], &zlib(&text), length).unwrap() == text, "{length}");
            assert!(read(&["deflate"], &raw(&text), length).unwrap() == text, "{length}");
        }
        for coding in ["identity", "utf-8", "", "none"] {
            assert_eq!(read(&[coding], b"plain", 9).unwrap(), "plain");
        }
        assert_eq!(read(&["gzip"], b"", 9).unwrap(), "");
    }

    #[test]
    fn damaged_body_is_unreadable_whatever_its_coding() {
        let mut flipped = gzip("some text that is long enough");
        flipped[15] ^= 0xff;
        let with_trailing_bytes = |mut body: Vec<u8>| {
            body.extend_from_slice(b"more");
            body
        };
        let cut = |mut body: Vec<u8>| {
            body.truncate(body.len() - 3);
            body
        };
        let cases: [(&[&'static str], Vec<u8>, &str); 12] = [
            (&["gzip"], cut(gzip("some text")), "its compression is damaged"),
            (&["deflate"], cut(zlib("some text")), "its compression is damaged"),
            (&["deflate"], cut(raw("some text")), "its compression is damaged"),
            (&["deflate"], b"x".to_vec(), "its compression is damaged"),
            (&["gzip"], flipped, "its compression is damaged"),
            (&["gzip"], b"{\"plain\":1}".to_vec(), "its compression is damaged"),
            (&["gzip"], with_trailing_bytes(gzip("a")), "its compression is damaged"),
            (&["deflate"], with_trailing_bytes(zlib("a")), "its compression is damaged"),
            (&["deflate"], b"\xff\xff\xff\xff".to_vec(), "its compression is damaged"),
            (&["gzip, gzip"], gzip("a"), "it is compressed more than once"),
            (&["gzip", "deflate"], gzip("a"), "it is compressed more than once"),
            (&["br"], b"x".to_vec(), "its content coding `br` was not requested"),
        ];
        for (codings, body, expect) in cases {
            match read(codings, &body, 5) {
                Err(TransportError::Unreadable(source)) => {
                    assert!(source.to_string().starts_with(expect), "{codings:?}: {source}");
                }
                other => panic!("{codings:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn accept_encoding_is_set_unless_given() {
        let mut plain = HeaderMap::new();
        set_accept_encoding(&mut plain);
        assert_eq!(plain[ACCEPT_ENCODING], "gzip, deflate");
        let mut own = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        set_accept_encoding(&mut own);
        assert_eq!(own[ACCEPT_ENCODING], "identity");
        let mut part = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-9"))]);
        set_accept_encoding(&mut part);
        assert!(!part.contains_key(ACCEPT_ENCODING));
    }
}
