//! Paths with names in braces, shared by `path!`, `endpoint = "…"` and `confirm_deletes(get = "…")`.

use crate::dots::dot_segment;

/// Parsed path. Literals and names alternate; there is one literal more than names.
#[derive(Debug, PartialEq)]
pub(crate) struct Template {
    pub(crate) literals: Vec<String>,
    pub(crate) names: Vec<String>,
}

impl Template {
    /// Parses a path. `value` explains the syntax of a value in error messages, such as `` a field of the metadata is
    /// written `{field}` ``. The names are the unchanged texts in braces.
    pub(crate) fn parse(text: &str, value: &str) -> Result<Self, String> {
        if !text.starts_with('/') || text.starts_with("//") {
            return Err("an endpoint starts with `/`: it is joined to the base URL of the provider".to_owned());
        }
        let (mut literals, mut names) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!("`{{` without `}}`: {value}"));
            };
            literals.push(closed(literal, value)?);
            names.push(name.to_owned());
            rest = after;
        }
        literals.push(closed(rest, value)?);
        check(&literals.join("x"))?;
        Ok(Self { literals, names })
    }
}

/// Returns whether a name in braces is an identifier.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn closed(literal: &str, value: &str) -> Result<String, String> {
    if literal.contains('}') {
        return Err(format!("`}}` without `{{`: {value}"));
    }
    Ok(literal.to_owned())
}

/// Refuses paths that are invalid for all values: spaces, fragments, backslashes and dot segments.
fn check(path: &str) -> Result<(), String> {
    if path.contains(char::is_whitespace) {
        return Err("an endpoint has no spaces: write `%20`".to_owned());
    }
    if path.contains('#') {
        return Err("an endpoint has no `#`: what follows it is never sent; write `%23`".to_owned());
    }
    if path.split('?').next().is_some_and(|path| path.contains('\\')) {
        return Err("an endpoint has no `\\`, which URL parsers read as `/`: write `/`, or `%5C`".to_owned());
    }
    if let Some(segment) = dot_segment(path) {
        return Err(format!("an endpoint has no segment `{segment}`, which leads to another path: write that path"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(&[&str], &[&str]), &str>) {
        let got = Template::parse(text, "write `{field}`");
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
        check("/{owner", Err("without `}`: write `{field}`"));
        check("/owner}", Err("without `{`: write `{field}`"));
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
