//! Decoded views of a text, without its percent-encoding, JSON escapes and HTML references.
//!
//! Every byte of a view has the range of the original text that it was decoded from, so that a match in a view redacts
//! the encoded bytes.

use zeroize::Zeroizing;

/// Maximum number of layers of encoding that are decoded.
pub(super) const MAX_LAYERS: usize = 3;

/// A text with at least one decoded layer.
pub(super) struct DecodedView {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// For each byte, start and end of its source in the original text.
    spans: Vec<(usize, usize)>,
}

impl DecodedView {
    /// Decodes one layer of encoding; `None` if the text has none.
    pub(super) fn decode_layer(text: &[u8]) -> Option<Self> {
        Self::decode(text, |at| (at, at + 1))
    }

    /// Decodes one more layer; `None` if the view has none.
    pub(super) fn next_layer(&self) -> Option<Self> {
        Self::decode(&self.bytes, |at| self.spans[at])
    }

    /// Returns the range of the original text of a range of this view.
    pub(super) fn source_range(&self, from: usize, to: usize) -> (usize, usize) {
        (self.spans[from].0, self.spans[to - 1].1)
    }

    fn decode(text: &[u8], span: impl Fn(usize) -> (usize, usize)) -> Option<Self> {
        memchr::memchr3(b'%', b'\\', b'&', text)?;
        let mut view = Self { bytes: Zeroizing::new(Vec::with_capacity(text.len())), spans: Vec::new() };
        let mut changed = false;
        let mut at = 0;
        while at < text.len() {
            let (symbol, length) = decode_symbol(&text[at..]).unwrap_or((Symbol::byte(text[at]), 1));
            changed |= length > 1;
            let source = (span(at).0, span(at + length - 1).1);
            for byte in symbol.as_bytes() {
                view.bytes.push(*byte);
                view.spans.push(source);
            }
            at += length;
        }
        changed.then_some(view)
    }
}

/// Returns the text with one decoded layer; `None` if it has no encoding.
pub(super) fn decoded(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    DecodedView::decode_layer(text).map(|view| view.bytes)
}

/// Returns the text without its layers of encoding, at most [`MAX_LAYERS`].
pub(crate) fn fully_decoded(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let layers = std::iter::successors(decoded(text), |text| decoded(text)).take(MAX_LAYERS);
    layers.last().unwrap_or_else(|| Zeroizing::new(text.to_vec()))
}

/// The decoded bytes of an encoded sequence: at most one character.
struct Symbol([u8; 4], usize);

impl Symbol {
    fn byte(byte: u8) -> Self {
        Self([byte, 0, 0, 0], 1)
    }

    fn char(code: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let length = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self(bytes, length))
    }

    fn as_bytes(&self) -> &[u8] {
        &self.0[..self.1]
    }
}

/// Decodes the encoded sequence at the beginning of a text; returns it and its encoded length.
fn decode_symbol(text: &[u8]) -> Option<(Symbol, usize)> {
    match text.first()? {
        b'%' => Some((Symbol::byte(u8::try_from(hex(text.get(1..3)?)?).ok()?), 3)),
        b'\\' => decode_escape(text),
        b'&' => decode_reference(text),
        _ => None,
    }
}

/// Decodes an escape of JSON, or one of JavaScript and Rust such as `\x41`.
fn decode_escape(text: &[u8]) -> Option<(Symbol, usize)> {
    let byte = match text.get(1)? {
        b'u' => {
            let first = hex(text.get(2..6)?)?;
            if (0xd800..0xdc00).contains(&first) {
                let second = text.get(6..8).filter(|mark| *mark == b"\\u").and_then(|_| hex(text.get(8..12)?));
                let low = second.filter(|low| (0xdc00..0xe000).contains(low))?;
                return Some((Symbol::char(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))?, 12));
            }
            return Some((Symbol::char(first)?, 6));
        }
        b'x' => return Some((Symbol::byte(u8::try_from(hex(text.get(2..4)?)?).ok()?), 4)),
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        same @ (b'"' | b'\\' | b'/' | b'\'') => *same,
        _ => return None,
    };
    Some((Symbol::byte(byte), 2))
}

/// Decodes a character reference of HTML or XML.
fn decode_reference(text: &[u8]) -> Option<(Symbol, usize)> {
    let end = text.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let code = match name {
        "amp" => u32::from(b'&'),
        "lt" => u32::from(b'<'),
        "gt" => u32::from(b'>'),
        "quot" => u32::from(b'"'),
        "apos" => u32::from(b'\''),
        _ => {
            let number = name.strip_prefix('#')?;
            match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            }
        }
    };
    Some((Symbol::char(code)?, end + 1))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_text_is_decoded_one_layer_at_a_time() {
        let check = |text: &str, expect: Option<&str>| {
            let found = decoded(text.as_bytes()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check("plain", None);
        check("100 % & more \\", None);
        check("a%2Fb%2fc%zz%4", Some("a/b/c%zz%4"));
        check(r#"a\/b\"c\\d\u002f\u00E9\ud83d\ude00\x41"#, Some("a/b\"c\\d/é😀A"));
        check(r"\ud83d alone", None);
        check("&amp;&#x2F;&#47;&lt;&nope;&#xffffffff;", Some("&//<&nope;&#xffffffff;"));
        check("%252F", Some("%2F"));
    }

    #[test]
    fn match_in_a_view_has_the_range_of_the_original_text() {
        let text = br"x%255Cu0041y";
        let second = DecodedView::decode_layer(text).and_then(|view| view.next_layer()).unwrap();
        assert_eq!(&second.bytes[..], br"x\u0041y");
        let third = second.next_layer().unwrap();
        assert_eq!((&third.bytes[..], third.source_range(1, 2)), (&b"xAy"[..], (1, 11)));
    }
}
