//! Parser of the `Link` header (RFC 8288).
//!
//! Commas and semicolons also occur inside targets and quoted parameters, and servers send forms that the RFC does not
//! allow: bytes outside ASCII, single quotes, no quotes, no separators, members that are not links.
//!
//! A member that cannot be read is skipped, with one exception: if it carries the relation, the list has a next page
//! whose address is unknown, and treating it as absent would end the walk too early.

use std::{borrow::Cow, fmt::Write as _};

use reqwest::header::{HeaderMap, LINK};

const SPACE: [char; 2] = [' ', '\t'];
const QUOTES: [char; 2] = ['"', '\''];

/// Result of a search for a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// No link has the relation.
    Absent,
    /// A link has the relation, but no target that can be read.
    Unreadable,
    /// Target of the link, absolute or relative. Bytes outside ASCII are percent-encoded.
    Target(String),
}

/// Searches all `Link` headers for the first readable target with relation `rel`.
pub(super) fn target(headers: &HeaderMap, rel: &str) -> LinkTarget {
    let mut result = LinkTarget::Absent;
    for value in headers.get_all(LINK) {
        match target_in(value.as_bytes(), rel) {
            LinkTarget::Absent => {}
            LinkTarget::Unreadable => result = LinkTarget::Unreadable,
            found @ LinkTarget::Target(_) => return found,
        }
    }
    result
}

/// Searches one header value.
fn target_in(value: &[u8], rel: &str) -> LinkTarget {
    // All delimiters are ASCII. Percent-encoding of other bytes is equivalent, in UTF-8 and in Latin-1.
    let (value, rel) = (ascii(value), ascii(rel.as_bytes()));
    let mut rest = &*value;
    let mut result = LinkTarget::Absent;
    loop {
        rest = rest.trim_start_matches(|c| c == ',' || SPACE.contains(&c));
        if rest.is_empty() {
            return result;
        }
        let member = Member::read(rest, &rel);
        match member.target {
            Some(target) if member.has_relation => return LinkTarget::Target(target.to_owned()),
            None if member.has_relation => result = LinkTarget::Unreadable,
            _ => {}
        }
        rest = member.tail;
    }
}

/// Percent-encodes bytes outside ASCII.
fn ascii(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(text) = str::from_utf8(bytes).ok().filter(|text| text.is_ascii()) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 8);
    for &byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    Cow::Owned(text)
}

/// Element of the list in the header.
struct Member<'a> {
    /// Target of the link. `None` if it is missing or its end is ambiguous.
    target: Option<&'a str>,
    /// Whether the first `rel` parameter names the relation.
    has_relation: bool,
    /// Text after the member.
    tail: &'a str,
}

impl<'a> Member<'a> {
    /// Reads a member. The text must not be empty.
    fn read(text: &'a str, rel: &str) -> Self {
        let closed = text.strip_prefix('<').and_then(|inner| {
            let (target, after) = inner.split_once('>')?;
            // If a `<` precedes the `>`, the `>` belongs to the next member. If another `>` follows, the target
            // contains a `>`, and its end is ambiguous.
            let next = after.split([';', ',', '<', '"', '\'']).next().unwrap_or_default();
            (!target.contains('<') && !next.contains('>')).then_some((target.trim(), after))
        });
        let (target, mut rest) = match closed {
            Some((target, after)) => (Some(target).filter(|target| !target.is_empty()), after),
            None => (None, &text[text.find([';', ',']).unwrap_or(text.len())..]),
        };
        let mut member = Self { target, has_relation: false, tail: "" };
        let mut decided = false;
        loop {
            rest = rest.trim_start_matches(|c| c == ';' || SPACE.contains(&c));
            // A `<` without a preceding comma also starts the next member.
            if rest.is_empty() || rest.starts_with([',', '<']) {
                member.tail = rest;
                return member;
            }
            let (name, after) = rest.split_at(rest.find(['=', ';', ',']).unwrap_or(rest.len()));
            // Uses the last word, because a `;` may be missing before it.
            let is_rel = name.split_ascii_whitespace().last().is_some_and(|name| name.eq_ignore_ascii_case("rel"));
            let (value, after) = match after.strip_prefix('=') {
                Some(after) => value(after.trim_start_matches(SPACE), is_rel),
                None => ("", after),
            };
            if is_rel && !decided {
                decided = true;
                let mut relations = value.split_ascii_whitespace().map(|one| one.trim_matches(QUOTES));
                member.has_relation = relations.any(|one| one.eq_ignore_ascii_case(rel));
            }
            rest = after;
        }
    }
}

/// Splits the value of a parameter from the following text. Without quotes it ends at a separator, and at a blank
/// unless it is a list of relations.
fn value(text: &str, is_rel: bool) -> (&str, &str) {
    text.chars().next().filter(|first| QUOTES.contains(first)).and_then(|quote| quoted(text, quote)).unwrap_or_else(
        || text.split_at(text.find(|c| matches!(c, ';' | ',') || !is_rel && SPACE.contains(&c)).unwrap_or(text.len())),
    )
}

/// Splits a quoted value from the following text. Escapes are not decoded, because relations have none. Returns `None`
/// if the quotes are not closed, or are closed in the middle of a word.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(quote)?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && quote == '"' && !escaped;
        closes
    })?;
    let (value, after) = (&inner[..end], &inner[end + quote.len_utf8()..]);
    let ends = after.is_empty() || after.starts_with([';', ',', ' ', '\t', '<']);
    ends.then_some((value, after))
}

#[cfg(test)]
mod tests;
