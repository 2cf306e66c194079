//! Filling a template.

use std::borrow::Cow;

use url::Url;

use super::{
    Part, Template,
    url_component::{UrlComponent, component_at},
};
use crate::provider::{ResolveError, TemplateScope};

impl Template {
    /// The text with its values, as they are: for headers and parameters.
    ///
    /// # Errors
    ///
    /// A value is missing on every side, or a function refuses its arguments.
    pub fn resolve(&self, scope: &TemplateScope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |_, value| Ok(value))
    }

    /// The text with its values; one that stands between double quotes is escaped for them. For fields whose text is
    /// JSON or GraphQL.
    ///
    /// # Errors
    ///
    /// As [`Template::resolve`].
    pub fn resolve_quoted(&self, scope: &TemplateScope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |slot, value| {
            Ok(if in_quotes(slot.before) { Cow::Owned(json_escaped(&value)) } else { value })
        })
    }

    /// The URL with its values, each encoded for the place where it stands.
    ///
    /// # Errors
    ///
    /// A value is missing on every side or must not stand where it does, or the result is no `http(s)` URL.
    pub fn resolve_url(&self, scope: &TemplateScope<'_>) -> Result<Url, ResolveError> {
        let wrong = |reason: String| ResolveError::Url {
            integration: scope.integration().to_owned(),
            template: self.as_str().to_owned(),
            reason,
        };
        let text =
            self.fill(scope, |slot, value| encode_value(&slot, &value, component_at(slot.before, slot.after), scope))?;
        let url: Url = text.parse().map_err(|error: url::ParseError| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("it must start with `https://` and name a host".to_owned()));
        }
        Ok(url)
    }

    /// The endpoint with its values: path and query below a base URL, each value encoded for its place.
    ///
    /// # Errors
    ///
    /// A value is missing on every side or must not stand where it does.
    pub fn resolve_endpoint(&self, scope: &TemplateScope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |slot, value| {
            let component = match component_at(slot.before, slot.after) {
                UrlComponent::Query => UrlComponent::Query,
                _ => UrlComponent::Path,
            };
            encode_value(&slot, &value, component, scope)
        })
    }

    /// Fills the first side whose values are all there; `put` makes of a value what stands in its place.
    fn fill<'s>(
        &self,
        scope: &TemplateScope<'s>,
        put: impl Fn(ValueSlot<'_>, Cow<'s, str>) -> Result<Cow<'s, str>, ResolveError>,
    ) -> Result<String, ResolveError> {
        let mut missing = None;
        'sides: for side in &self.alternatives {
            let mut text = String::new();
            for (at, part) in side.iter().enumerate() {
                let value = match part {
                    Part::Text(plain) => {
                        text.push_str(plain);
                        continue;
                    }
                    part => match resolve_part(part, scope, false) {
                        Ok(value) => value,
                        Err(error) if error.missing().is_some() => {
                            missing = Some(error);
                            continue 'sides;
                        }
                        Err(error) => return Err(error),
                    },
                };
                let after = match side.get(at + 1) {
                    None => Some(""),
                    Some(Part::Text(next)) => Some(next.as_str()),
                    Some(_) => None,
                };
                let filled = put(ValueSlot { part, before: &text, after }, value)?;
                text.push_str(&filled);
            }
            return Ok(text);
        }
        // A template has at least one side, and a side is only left for a missing value. That of the last side is the one
        // that it cannot do without.
        missing.map_or_else(|| Ok(String::new()), Err)
    }
}

/// A place in a template that is about to be filled.
struct ValueSlot<'a> {
    part: &'a Part,
    /// The text so far.
    before: &'a str,
    /// The text up to the next value; `None` if that follows at once.
    after: Option<&'a str>,
}

fn encode_value<'s>(
    slot: &ValueSlot<'_>,
    value: &str,
    component: UrlComponent,
    scope: &TemplateScope<'_>,
) -> Result<Cow<'s, str>, ResolveError> {
    match component.encode(value, slot.before) {
        Ok(text) => Ok(Cow::Owned(text.into_owned())),
        Err(misplaced) => Err(ResolveError::InvalidValue {
            integration: scope.integration().to_owned(),
            name: match slot.part {
                Part::Value(variable) => variable.to_string().trim_start_matches("connectionConfig.").to_owned(),
                Part::Call(function, _) => function.to_string(),
                Part::Text(text) => text.clone(),
            },
            reason: misplaced.reason(),
        }),
    }
}

/// The value of a part. In an argument a credential may be empty: a password that is none still has its colon.
fn resolve_part<'s>(part: &Part, scope: &TemplateScope<'s>, argument: bool) -> Result<Cow<'s, str>, ResolveError> {
    match part {
        Part::Text(text) => Ok(Cow::Owned(text.clone())),
        Part::Value(variable) => scope.get(variable, argument).ok_or_else(|| scope.missing(variable)),
        Part::Call(function, arguments) => {
            let arguments = arguments
                .iter()
                .map(|parts| parts.iter().map(|part| resolve_part(part, scope, true)).collect::<Result<String, _>>());
            let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
            function.call(&arguments, scope).map(Cow::Owned).map_err(|source| ResolveError::Function {
                integration: scope.integration().to_owned(),
                function: *function,
                source,
            })
        }
    }
}

/// Whether a text ends within double quotes.
fn in_quotes(before: &str) -> bool {
    let mut inside = false;
    let mut letters = before.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '"' => inside = !inside,
            _ => {}
        }
    }
    inside
}

/// A text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
