//! Segments of a path: percent-encoding of values, and segments that lead to another path.

/// Appends a value for a segment of a path or a value of a query: every byte that is not unreserved in RFC 3986 is
/// written as `%XX`.
pub fn push_encoded(text: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend([byte >> 4, byte & 15].map(|half| char::from(HEX[usize::from(half)])));
        }
    }
}

/// Percent-encodes a value as [`push_encoded`] does.
pub fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    push_encoded(&mut text, value);
    text
}

/// Returns whether a value, after encoding, is one segment that no URL parser resolves away: not empty, `.` or `..`.
pub fn is_segment(value: &str) -> bool {
    !matches!(value, "" | "." | "..")
}

/// Returns the first segment of an endpoint's path that URL parsers or servers resolve as `.` or `..`.
///
/// The endpoint is relative and taken literally; the part after `?` or `#` does not belong to the path. Recognised are
/// `.` and its encoded form `%2e` in any mixture and case, `\` as a separator (URL parsers treat it as `/`), characters
/// that URL parsers remove (tabs, line breaks, trailing spaces), and path parameters (`..;x`), which some servers
/// remove before they resolve the path.
pub fn dot_segment(endpoint: &str) -> Option<&str> {
    let path = endpoint.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).find(|segment| is_dots(segment))
}

fn is_dots(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    let mut letters = name.bytes().filter(|byte| *byte > b' ');
    let mut dots = 0;
    while let Some(letter) = letters.next() {
        let dot = match letter {
            b'.' => true,
            b'%' => letters.next() == Some(b'2') && letters.next().is_some_and(|last| last.eq_ignore_ascii_case(&b'e')),
            _ => false,
        };
        if !dot {
            return false;
        }
        dots += 1;
    }
    matches!(dots, 1 | 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        assert_eq!(encoded("aZ09-._~"), "aZ09-._~");
        assert_eq!(encoded("a/b?c#d&e=f+g%2e h\\\n"), "a%2Fb%3Fc%23d%26e%3Df%2Bg%252e%20h%5C%0A");
        assert_eq!(encoded("é"), "%C3%A9");
    }

    #[test]
    fn empty_value_and_dots_are_no_segment() {
        assert_eq!(["", ".", "..", "...", "a", "%2e"].map(is_segment), [false, false, false, true, true, true]);
    }

    #[test]
    fn dot_segment_is_found_in_every_spelling() {
        for segment in [
            ".", "..", "%2e", "%2E", "%2e.", ".%2E", "%2e%2E", "..;", "..;x=1", ".;a", ".\t.", ".\n", "%\t2e.", ".. ",
            "..\r\n",
        ] {
            assert_eq!(dot_segment(segment), Some(segment));
            assert_eq!(dot_segment(&format!("/a/{segment}")), Some(segment));
            assert_eq!(dot_segment(&format!("/a/{segment}/b?c=d")), Some(segment));
            assert_eq!(dot_segment(&format!("/a\\{segment}\\b#c")), Some(segment));
        }
    }

    #[test]
    fn dot_segment_is_not_found_in_names_queries_and_values_that_path_has_encoded() {
        for endpoint in [
            "",
            "/",
            "/a/...",
            "/a/..b",
            "/.well-known/x",
            "/a.b/c.",
            "/a/%2e%2e%2e",
            "/a/%252e%252e",
            "/a/..%2F..%2Fb",
            "/a/%2",
            "/a/%",
            "/a?b=/../c",
            "/a#/..",
            "//",
            "/a/;..",
        ] {
            assert_eq!(dot_segment(endpoint), None, "{endpoint}");
        }
    }
}
