//! `https://${connectionConfig.subdomain}.example.com`, read once.
//!
//! The grammar: text, `${VALUE}` and `${FUNCTION(text, text)}`, whose arguments are texts with values again; a comma or
//! a `||` inside of `${…}` belongs to what it stands in. `A || B` takes the first side whose values are all there. A
//! text without any `${` is itself, `||` included. [`Variable`] lists the values, [`Function`] the functions.
//!
//! Must stay true: what is put into a template is never read again. Each part is filled from the scope alone, so a value
//! that holds `${…}`, `||`, a comma or a parenthesis stays itself.

mod fill;
mod function;
mod parse;
mod time;
mod url_component;
mod variable;

use std::{fmt, str::FromStr};

pub use function::Function;
pub use time::{RequestEntropy, TimeFormat};
pub(super) use url_component::encode_segment;
pub use variable::{RequestValue, Variable};

use crate::declare::suggest;

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    alternatives: Vec<Vec<Part>>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Variable),
    Call(Function, Vec<Vec<Part>>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `${` without its `}`.
    #[error("`{0}` opens a `${{` that is not closed")]
    Unclosed(String),
    /// A value that templates do not know.
    #[error(
        "`${{{name}}}` in `{text}` is not known: write `connectionConfig.NAME`, `credentials.NAME`, or a short name such as \
         `apiKey` or `accessToken`{}",
        suggest::nearest(name, Variable::simple_names()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    )]
    Unknown {
        /// The template.
        text: String,
        /// What it asks for.
        name: String,
    },
    /// A function that templates do not know.
    #[error(
        "`{name}(…)` in `{text}` is no function: there are {}{}",
        suggest::list(Function::names()),
        suggest::nearest(name, Function::names()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    )]
    Function {
        /// The template.
        text: String,
        /// What it calls.
        name: String,
    },
    /// A function with too few or too many arguments.
    #[error("`{function}` in `{text}` takes other arguments: write `{}`", function.usage())]
    Arguments {
        /// The template.
        text: String,
        /// The function.
        function: Function,
    },
    /// Functions inside functions, deeper than any API asks for.
    #[error("`{0}` nests its `${{…}}` too deep")]
    TooDeep(String),
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), alternatives: parse::alternatives(text)? })
    }
}

impl Template {
    /// Reads a text in which `||` is text, such as the key of a signature that joins two values by it.
    ///
    /// # Errors
    ///
    /// The text is no template.
    pub fn without_alternatives(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), alternatives: vec![parse::without_alternatives(text)?] })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The values that it asks for, those of arguments too, from left to right.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let mut found = Vec::new();
        self.alternatives.iter().for_each(|side| collect_variables(side, &mut found));
        found.into_iter()
    }

    /// The values that it cannot do without: those of its last side, because a side whose values are not all there gives
    /// way to the next.
    pub fn required_variables(&self) -> impl Iterator<Item = &Variable> {
        let mut found = Vec::new();
        self.alternatives.last().into_iter().for_each(|side| collect_variables(side, &mut found));
        found.into_iter()
    }

    /// The texts that it may become, at most `most` for each side: `values` gives the possible texts of a value. The
    /// result of a function is a value that cannot be known.
    pub(super) fn possible_texts(&self, limit: usize, values: &dyn Fn(&Variable) -> Vec<String>) -> Vec<String> {
        let mut all = Vec::new();
        for side in &self.alternatives {
            let mut texts = vec![String::new()];
            for part in side {
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

    /// Whether there is nothing to put in.
    pub fn is_literal(&self) -> bool {
        self.alternatives.iter().flatten().all(|part| matches!(part, Part::Text(_)))
    }

    /// Whether it can only be filled for one request, because something of the request is in it.
    pub fn needs_request(&self) -> bool {
        self.variables().any(|variable| matches!(variable, Variable::Request(_)))
            || self.calls(|function| function == Function::AwsSigV4)
    }

    /// Whether its result differs from one request to the next: it holds something of the request, the time or a random
    /// number.
    pub fn varies_per_request(&self) -> bool {
        self.needs_request() || self.variables().any(|variable| matches!(variable, Variable::Now(_) | Variable::Random))
    }

    /// Whether what it becomes must not be seen: it holds a credential, or something made of one. What is configuration
    /// may be secret too: its field says so.
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
        self.alternatives.iter().any(|side| within(side, which))
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
