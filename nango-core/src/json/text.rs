//! Decoding of bodies into text: byte order marks and declared charsets.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use super::DecodeError;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the text of a JSON body, without a byte order mark.
///
/// JSON is UTF-8 by its standard, so that a declared charset is used only if the bytes are not UTF-8.
///
/// # Errors
///
/// Fails if the bytes are valid neither in UTF-8 nor in the charset of the byte order mark or the content type.
pub(crate) fn body_text<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, DecodeError> {
    let declared = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (Some(encoding), &bytes[length..]),
        // Without a mark, UTF-16 text may be valid UTF-8 with many zero bytes, so its declaration takes precedence.
        None => (declared.filter(|encoding| [UTF_16BE, UTF_16LE].contains(encoding)), bytes),
    };
    if encoding.is_none_or(|encoding| encoding == UTF_8) {
        match (str::from_utf8(bytes), declared) {
            (Ok(text), _) => return Ok(Cow::Borrowed(text)),
            (Err(error), None) => return Err(DecodeError::syntax(error.to_string())),
            (Err(error), Some(declared)) if declared == UTF_8 => return Err(DecodeError::syntax(error.to_string())),
            (Err(_), Some(_)) => {}
        }
    }
    let encoding = encoding.filter(|encoding| *encoding != UTF_8).or(declared).unwrap_or(UTF_8);
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| DecodeError::syntax(format!("it is not valid {}, its declared charset", encoding.name())))
}

/// Returns the text of any body: by its byte order mark, else in its declared charset, else UTF-8. Invalid bytes are
/// replaced by U+FFFD.
pub(crate) fn body_text_lossy(bytes: &[u8], charset: Option<&str>) -> String {
    let declared = charset.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
    declared.decode(bytes).0.into_owned()
}

/// Returns the charset that the content type declares.
pub(crate) fn charset(headers: &HeaderMap) -> Option<&str> {
    let mut parameters = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// Removes the byte order mark that some editors and servers write before a text.
pub(crate) fn strip_bom(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn json_text_is_read_by_mark_then_as_utf8_then_by_declared_charset() {
        let little = utf16("\u{feff}\"café\"", u16::to_le_bytes);
        let big = utf16("\"café\"", u16::to_be_bytes);
        let cases: [(&[u8], Option<&str>); 7] = [
            ("\"café\"".as_bytes(), None),
            ("\u{feff}\"café\"".as_bytes(), None),
            ("\u{feff}\"café\"".as_bytes(), Some("iso-8859-1")),
            // Many servers declare a charset that they do not use.
            ("\"café\"".as_bytes(), Some("iso-8859-1")),
            (b"\"caf\xe9\"", Some("ISO-8859-1")),
            (&little, None),
            (&big, Some("utf-16be")),
        ];
        for (bytes, charset) in cases {
            assert_eq!(body_text(bytes, charset).as_deref(), Ok("\"café\""), "{bytes:?} {charset:?}");
        }
    }

    #[test]
    fn json_text_in_no_known_charset_is_refused() {
        for charset in [None, Some("utf-8"), Some("x-unknown")] {
            let error = body_text(b"\"caf\xe9\"", charset).unwrap_err().to_string();
            assert!(error.starts_with("invalid utf-8 sequence of 1 bytes from index 4"), "{error}");
        }
        let error = body_text(b"\xff\xfe\x00\xd8", None).unwrap_err();
        assert_eq!(error.to_string(), "it is not valid UTF-16LE, its declared charset");
        assert!(body_text(b"\xef\xbb\xbf\xff", None).is_err());
    }

    #[test]
    fn any_text_is_read_in_its_declared_charset() {
        assert_eq!(body_text_lossy(b"caf\xe9", Some("iso-8859-1")), "café");
        assert_eq!(body_text_lossy(b"caf\xe9", None), "caf\u{fffd}");
        assert_eq!(body_text_lossy(b"\xef\xbb\xbfcaf\xc3\xa9", Some("iso-8859-1")), "café");
        assert_eq!(body_text_lossy(b"caf\xc3\xa9", Some("nonsense")), "café");
    }

    #[test]
    fn charset_is_a_parameter_of_the_content_type() {
        let of = |value: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
            charset(&headers).map(str::to_owned)
        };
        assert_eq!(of("text/csv; header=present; Charset=\"latin1\"").as_deref(), Some("latin1"));
        assert_eq!(of("text/csv;charset = utf-8 ").as_deref(), Some("utf-8"));
        assert_eq!(of("text/csv"), None);
        assert_eq!(charset(&HeaderMap::new()), None);
    }
}
