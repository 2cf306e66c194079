//! The `Link` header (RFC 8288).
//!
//! Read by hand because commas and semicolons also occur inside targets and quoted parameters, where splitting breaks.

use reqwest::header::{HeaderMap, LINK};

/// The target of the first link with relation `rel`, as it is written: absolute or relative.
pub fn target<'a>(headers: &'a HeaderMap, rel: &str) -> Option<&'a str> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(|value| target_in(value, rel))
}

/// The same in one header value. What is not a link ends the search, and what was read before it counts.
pub fn target_in<'a>(value: &'a str, rel: &str) -> Option<&'a str> {
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        let (matches, after) = parameters(after, rel);
        if matches {
            return Some(target.trim());
        }
        rest = after;
    }
}

/// Whether the first `rel` among a link's parameters names `rel`, and what follows the link.
fn parameters<'a>(mut rest: &'a str, rel: &str) -> (bool, &'a str) {
    let mut answer = None;
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else { break };
        let name_end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = after.split_at(name_end);
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        if answer.is_none() && name.trim().eq_ignore_ascii_case("rel") {
            answer = Some(value.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(rel)));
        }
        rest = after;
    }
    // What stands between a link and its comma is not understood, and passed over.
    (answer.unwrap_or(false), rest.find(',').map_or("", |comma| &rest[comma..]))
}

/// A parameter's value, quoted or not, and what follows it. Escapes inside quotes stay as they are: no relation has any.
fn value(text: &str) -> (&str, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.split_at(text.find([';', ',']).unwrap_or(text.len()));
    };
    let mut escaped = false;
    for (i, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (&quoted[..i], &quoted[i + 1..]),
            _ => {}
        }
    }
    (quoted, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(value: &str, expect: Option<&str>) {
        assert_eq!(target_in(value, "next"), expect, "{value}");
    }

    #[test]
    fn the_forms_that_servers_write() {
        check(
            r#"<https://h.test/x?page=2>; rel="next", <https://h.test/x?page=9>; rel="last""#,
            Some("https://h.test/x?page=2"),
        );
        check(
            r#"<https://h.test/x?page=1>; rel="prev", <https://h.test/x?page=3>; rel="next""#,
            Some("https://h.test/x?page=3"),
        );
        check("<https://h.test/x?page=2>; rel=next", Some("https://h.test/x?page=2"));
        check(r#"<https://h.test/x?q=a,b&page=2>; rel="next""#, Some("https://h.test/x?q=a,b&page=2"));
        check(r#"<https://h.test/x?q=a;b>; rel="next""#, Some("https://h.test/x?q=a;b"));
        check(r#"<https://h.test/2>; title="a, b; rel=\"prev\""; rel="next""#, Some("https://h.test/2"));
        check(r#"<https://h.test/2>; rel="prev next""#, Some("https://h.test/2"));
        check(r#"</x?page=2>; rel="next""#, Some("/x?page=2"));
        check(r#"  < /2 > ;REL = "Next" ;title*=UTF-8''x"#, Some("/2"));
        check(r#"</1>; rel="first";, </2>; rel="next""#, Some("/2"));
    }

    #[test]
    fn what_is_no_next_link_is_none() {
        for value in [
            "",
            "junk",
            "<",
            "<a",
            "<a>",
            "<a>;",
            "<a>; rel",
            r#"<a>; rel="last""#,
            r#"<a>; title="rel=next""#,
            "<a>; rel=nextpage",
        ] {
            check(value, None);
        }
        // Only the first `rel` of a link counts.
        check(r#"</1>; rel="prev"; rel="next""#, None);
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(LINK, r#"</1>; rel="prev""#.parse().unwrap());
        headers.append(LINK, r#"</3>; rel="next""#.parse().unwrap());
        assert_eq!(target(&headers, "next"), Some("/3"));
        assert_eq!(target(&headers, "last"), None);
    }

    proptest! {
        #[test]
        fn no_value_panics(value in "[<>;,=\" a-z\\\\/é]{0,40}|.*") {
            let _ = target_in(&value, "next");
        }

        #[test]
        fn what_is_written_is_read(target in "[a-z/?&=,;:%.-]{0,30}", title in "[a-z ,;<>=]{0,10}") {
            let value = format!("</0>; rel=\"prev\"; title=\"{title}\", <{target}>; title=\"{title}\"; rel=\"next\"");
            prop_assert_eq!(target_in(&value, "next"), Some(target.as_str()));
        }
    }
}
