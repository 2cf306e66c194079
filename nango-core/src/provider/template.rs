//! Templates such as `https://${connectionConfig.subdomain}.example.com`.
//!
//! Grammar: text, `${VALUE}` and `${FUNCTION(text, text)}`, whose arguments may contain values. A comma or `||` inside
//! `${…}` belongs to the innermost part. `A || B` yields the first alternative whose values are all available. A text
//! without `${` is literal, including `||`. [`Variable`] lists the values, [`Function`] the functions.
//!
//! Invariant: values are never parsed. Each part is resolved from the scope only, so a value that contains `${…}`,
//! `||`, a comma or a parenthesis is used unchanged.

mod call;
mod fill;
mod function;
mod parse;
mod time;
mod url_component;
mod variable;

use std::{fmt, str::FromStr};

pub(crate) use function::Function;
pub(crate) use time::{RequestEntropy, TimeFormat};
pub(crate) use variable::{RequestValue, Variable};

use crate::declare::suggest;

/// A parsed text with variables and function calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    alternatives: Vec<Vec<Part>>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Variable),
    Call(Function, Vec<Vec<Part>>),
}

/// Errors of parsing a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `${` without its `}`.
    #[error("`{0}` opens a `${{` that is not closed")]
    Unclosed(String),
    /// An unknown variable.
    #[error(
        "`${{{name}}}` in `{text}` is not known: write `connectionConfig.NAME`, `credentials.NAME`, or a short name \
         such as `apiKey` or `accessToken`{}",
        suggest::nearest(name, Variable::simple_names()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    )]
    Unknown {
        /// The template as written.
        text: String,
        /// Name of the unknown variable.
        name: String,
    },
    /// An unknown function.
    #[error(
        "unknown function `{name}(…)` in `{text}`; available: {}{}",
        suggest::list(Function::names()),
        suggest::hint(suggest::nearest(name, Function::names()))
    )]
    Function {
        /// The template as written.
        text: String,
        /// Name of the unknown function.
        name: String,
    },
    /// A function with too few or too many arguments.
    #[error("`{function}` in `{text}` has the wrong number of arguments; usage: `{}`", function.usage())]
    Arguments {
        /// The template as written.
        text: String,
        /// The called function.
        function: Function,
    },
    /// Function calls are nested more than eight levels deep.
    #[error("`{0}` nests its `${{…}}` too deeply")]
    TooDeep(String),
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), alternatives: parse::alternatives(text)? })
    }
}

impl Template {
    /// Parses a text in which `||` is literal, such as the key of a signature that joins two values by it.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a valid template.
    pub fn without_alternatives(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), alternatives: vec![parse::without_alternatives(text)?] })
    }

    /// Returns the text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the variables from left to right, including those in arguments.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let mut found = Vec::new();
        self.alternatives.iter().for_each(|parts| collect_variables(parts, &mut found));
        found.into_iter()
    }

    /// Returns the variables of the last alternative, which are required if no other alternative is complete.
    pub fn required_variables(&self) -> impl Iterator<Item = &Variable> {
        let mut found = Vec::new();
        self.alternatives.last().into_iter().for_each(|parts| collect_variables(parts, &mut found));
        found.into_iter()
    }

    /// Returns the possible texts, at most `limit` for each alternative. `values` returns the possible texts of a
    /// variable. The result of a function is treated as [`Variable::Random`].
    pub(super) fn possible_texts(&self, limit: usize, values: &dyn Fn(&Variable) -> Vec<String>) -> Vec<String> {
        let mut all = Vec::new();
        for parts in &self.alternatives {
            let mut texts = vec![String::new()];
            for part in parts {
                let next = match part {
                    Part::Text(text) => vec![text.clone()],
                    Part::Value(variable) => values(variable),
                    Part::Call(..) => values(&Variable::Random),
                };
                let with = |text: &String| next.iter().map(|next| format!("{text}{next}")).collect::<Vec<_>>();
                texts = texts.iter().flat_map(with).take(limit).collect();
            }
            all.extend(texts);
        }
        all
    }

    /// Returns whether the template has no variables and no function calls.
    pub fn is_literal(&self) -> bool {
        self.alternatives.iter().flatten().all(|part| matches!(part, Part::Text(_)))
    }

    /// Returns whether resolving requires a request, because the template uses a value of it.
    pub fn needs_request(&self) -> bool {
        self.variables().any(|variable| matches!(variable, Variable::Request(_)))
            || self.calls(|function| function == Function::AwsSigV4)
    }

    /// Returns whether the result differs between requests, because the template uses a request value, the time or a
    /// random number.
    pub fn varies_per_request(&self) -> bool {
        self.needs_request() || self.variables().any(|variable| matches!(variable, Variable::Now(_) | Variable::Random))
    }

    /// Returns whether the result is secret, because the template uses a credential. Secret configuration is not
    /// considered; its field is marked as secret.
    pub fn is_secret(&self) -> bool {
        self.variables().any(Variable::is_secret)
    }

    fn calls(&self, which: impl Fn(Function) -> bool + Copy) -> bool {
        fn within(parts: &[Part], which: impl Fn(Function) -> bool + Copy) -> bool {
            parts.iter().any(|part| match part {
                Part::Call(function, arguments) => {
                    which(*function) || arguments.iter().any(|parts| within(parts, which))
                }
                _ => false,
            })
        }
        self.alternatives.iter().any(|parts| within(parts, which))
    }
}

fn collect_variables<'a>(parts: &'a [Part], found: &mut Vec<&'a Variable>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(variable) => found.push(variable),
            Part::Call(_, arguments) => arguments.iter().for_each(|parts| collect_variables(parts, found)),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
