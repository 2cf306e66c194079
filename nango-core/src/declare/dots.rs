//! Dot segments in endpoints. `nango-macros` compiles this file as well, so that literals are checked by the same rule.

/// Returns the first segment of an endpoint's path that URL parsers or servers resolve as `.` or `..`.
///
/// The endpoint is relative and taken literally; the part after `?` or `#` does not belong to the path. Recognised are
/// `.` and its encoded form `%2e` in any mixture and case, `\` as a separator (URL parsers treat it as `/`), characters
/// that URL parsers remove (tabs, line breaks, trailing spaces), and path parameters (`..;x`), which some servers
/// remove before they resolve the path.
pub(crate) fn dot_segment(endpoint: &str) -> Option<&str> {
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
