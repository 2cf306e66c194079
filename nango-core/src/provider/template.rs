//! `https://${connectionConfig.subdomain}.example.com`, read once.
//!
//! The grammar: text, `${connectionConfig.X}`, `${credentials.X}` and the short names of credentials (`${apiKey}`,
//! `${accessToken}`, `${username}`, `${password}`); `A || B` takes the first side whose values are all there.

use std::{fmt, str::FromStr};

use crate::declare::suggest;

/// Names of credentials that need no prefix.
const SHORT: [&str; 4] = ["apiKey", "accessToken", "username", "password"];
const CONFIG: &str = "connectionConfig.";
const CREDENTIALS: &str = "credentials.";

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pub(super) sides: Vec<Vec<Part>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Value(Variable),
}

/// What a place in a template is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// A value of the connection's configuration.
    Config(String),
    /// A part of its credentials.
    Credential(String),
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(name) => write!(f, "{CONFIG}{name}"),
            Self::Credential(name) => f.write_str(name),
        }
    }
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `${` without its `}`.
    #[error("`{0}` opens a `${{` that is not closed")]
    Open(String),
    /// A value that templates do not know.
    #[error(
        "`${{{name}}}` in `{text}` is not known: write `connectionConfig.NAME`, `credentials.NAME`, {}{}",
        suggest::list(SHORT),
        suggest::nearest(name, SHORT).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    )]
    Unknown {
        /// The template.
        text: String,
        /// What it asks for.
        name: String,
    },
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        // A plain text has no values to choose by, so that `||` in it is text.
        let sides = if text.contains("${") {
            text.split("||").map(|side| parts(text, side.trim())).collect::<Result<_, _>>()?
        } else {
            vec![vec![Part::Text(text.to_owned())]]
        };
        Ok(Self { text: text.to_owned(), sides })
    }
}

fn parts(text: &str, side: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = side;
    while let Some((before, after)) = rest.split_once("${") {
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let (name, after) = after.split_once('}').ok_or_else(|| TemplateError::Open(text.to_owned()))?;
        parts.push(Part::Value(
            variable(name.trim())
                .ok_or_else(|| TemplateError::Unknown { text: text.to_owned(), name: name.trim().to_owned() })?,
        ));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn variable(name: &str) -> Option<Variable> {
    let part = |prefix| name.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned);
    part(CONFIG)
        .map(Variable::Config)
        .or_else(|| part(CREDENTIALS).map(Variable::Credential))
        .or_else(|| SHORT.contains(&name).then(|| Variable::Credential(name.to_owned())))
}

impl Template {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The values that it asks for.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.sides.iter().flatten().filter_map(|part| match part {
            Part::Value(variable) => Some(variable),
            Part::Text(_) => None,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&[&str], &str>) {
        let got = text.parse::<Template>().map(|template| template.variables().map(ToString::to_string).collect());
        let expect = expect.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(got.map_err(|error| error.to_string()), expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn values_are_found() {
        check("plain || text", Ok(&[]));
        check("https://${connectionConfig.sub-domain}.h.test", Ok(&["connectionConfig.sub-domain"]));
        check("Bearer ${apiKey}", Ok(&["apiKey"]));
        check("${credentials.a.b}:${ password }", Ok(&["a.b", "password"]));
        check("${connectionConfig.a} || ${connectionConfig.b}", Ok(&["connectionConfig.a", "connectionConfig.b"]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("a${b", Err("`a${b` opens a `${` that is not closed"));
        check(
            "x ${apikey}",
            Err(
                "`${apikey}` in `x ${apikey}` is not known: write `connectionConfig.NAME`, `credentials.NAME`, `apiKey`, \
                 `accessToken`, `username` and `password` (did you mean `apiKey`?)",
            ),
        );
        assert!("${connectionConfig.}".parse::<Template>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z$\\{\\}| .]{0,40}|.*") {
            let _ = text.parse::<Template>();
        }
    }
}
