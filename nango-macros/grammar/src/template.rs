//! Paths with names in braces, such as `/repos/{owner}/issues`.

use std::fmt;

use crate::segment::dot_segment;

/// Parsed path. Literals and names alternate; there is one literal more than names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    literals: Vec<String>,
    names: Vec<String>,
}

impl Template {
    /// Parses a path. The names are the unchanged texts in braces.
    ///
    /// # Errors
    ///
    /// Fails if a brace has no counterpart, or if the path is invalid for all values: it does not start with one `/`,
    /// or it contains a space, a fragment, a backslash or a dot segment.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if !text.starts_with('/') || text.starts_with("//") {
            return Err(TemplateError::NotRelative);
        }
        let (mut literals, mut names) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
            literals.push(without_brace(literal)?);
            names.push(name.to_owned());
            rest = after;
        }
        literals.push(without_brace(rest)?);
        check(&literals.join("x"))?;
        Ok(Self { literals, names })
    }

    /// Returns the texts before, between and after the names: one more than names.
    pub fn literals(&self) -> &[String] {
        &self.literals
    }

    /// Returns the texts in braces, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// Reason why a text is not a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// The text does not start with one `/`.
    NotRelative,
    /// A `{` has no `}`.
    Unclosed,
    /// A `}` has no `{`.
    Unopened,
    /// A literal contains a space or another white space character.
    Space,
    /// A literal contains `#`.
    Fragment,
    /// A literal contains a backslash before the query.
    Backslash,
    /// This segment is `.` or `..`, in any spelling.
    DotSegment(String),
}

impl TemplateError {
    /// Returns whether the braces are wrong, so that a message should explain how a value is written.
    pub fn is_about_braces(&self) -> bool {
        matches!(self, Self::Unclosed | Self::Unopened)
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRelative => "an endpoint starts with `/`: it is joined to the base URL of the provider",
            Self::Unclosed => "`{` without `}`",
            Self::Unopened => "`}` without `{`",
            Self::Space => "an endpoint has no spaces: write `%20`",
            Self::Fragment => "an endpoint has no `#`: what follows it is never sent; write `%23`",
            Self::Backslash => "an endpoint has no `\\`, which URL parsers read as `/`: write `/`, or `%5C`",
            Self::DotSegment(segment) => {
                return write!(
                    f,
                    "an endpoint has no segment `{segment}`, which leads to another path: write that path"
                );
            }
        })
    }
}

impl std::error::Error for TemplateError {}

/// Returns whether a name in braces is an identifier.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn without_brace(literal: &str) -> Result<String, TemplateError> {
    if literal.contains('}') { Err(TemplateError::Unopened) } else { Ok(literal.to_owned()) }
}

/// Refuses paths that are invalid for all values.
fn check(path: &str) -> Result<(), TemplateError> {
    if path.contains(char::is_whitespace) {
        return Err(TemplateError::Space);
    }
    if path.contains('#') {
        return Err(TemplateError::Fragment);
    }
    if path.split('?').next().is_some_and(|path| path.contains('\\')) {
        return Err(TemplateError::Backslash);
    }
    match dot_segment(path) {
        Some(segment) => Err(TemplateError::DotSegment(segment.to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(&[&str], &[&str]), &str>) {
        let got = Template::parse(text).map_err(|error| error.to_string());
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        match (&got, expect) {
            (Err(got), Err(expect)) => assert!(got.contains(expect), "{text}: {got}"),
            (_, expect) => {
                let expect =
                    expect.map(|(literals, names)| Template { literals: owned(literals), names: owned(names) });
                assert_eq!(got, expect.map_err(str::to_owned), "{text}");
            }
        }
    }

    #[test]
    fn literals_and_names_alternate() {
        check("/user", Ok((&["/user"], &[])));
        check("/repos/{owner}/{repo}?a=b", Ok((&["/repos/", "/", "?a=b"], &["owner", "repo"])));
        check("/{a}{type}", Ok((&["/", "", ""], &["a", "type"])));
        check("/{record.id}?q={}", Ok((&["/", "?q=", ""], &["record.id", ""])));
        check("/a?b=../{c}\\", Ok((&["/a?b=../", "\\"], &["c"])));
        assert_eq!(
            ["a", "_a1", "ä", "", "a.b", "0", "a:?", "r#type"].map(is_name),
            [true, true, true, false, false, false, false, false]
        );
    }

    #[test]
    fn path_that_is_not_an_endpoint_is_refused() {
        check("repos", Err("starts with `/`"));
        check("", Err("starts with `/`"));
        check("//evil.example/a", Err("starts with `/`"));
        check("https://api.example/a", Err("starts with `/`"));
        check("{base}/a", Err("starts with `/`"));
        check("/a b", Err("has no spaces"));
        check("/a\tb", Err("has no spaces"));
        check("/a#b", Err("write `%23`"));
        check("/{owner", Err("`{` without `}`"));
        check("/owner}", Err("`}` without `{`"));
        check("/{{a}}", Err("without `{`"));
    }

    #[test]
    fn dot_segment_or_backslash_in_a_literal_is_refused() {
        for segment in [".", "..", "%2e", "%2E.", ".%2e", "..;x"] {
            for text in [format!("/{segment}"), format!("/a/{segment}/{{b}}"), format!("/{{a}}/{segment}?b={{c}}")] {
                check(&text, Err(&format!("no segment `{segment}`")));
            }
        }
        check("/a\\b", Err("which URL parsers read as `/`"));
        check("/a/..{b}/{c}..", Ok((&["/a/..", "/", ".."], &["b", "c"])));
    }
}
