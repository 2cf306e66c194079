//! Resolution of templates: replaces variables by values, which are validated where they become parts of a URL.

use std::borrow::Cow;

use url::Url;

use super::{
    Part, Template,
    url_component::{UrlComponent, component_at},
};
use crate::provider::{ResolveError, ResolvedUrlError, TemplateScope};

impl Template {
    /// Resolves the template with unmodified values, for headers and parameters.
    ///
    /// # Errors
    ///
    /// Fails if every alternative lacks a value, or a function failed.
    pub fn resolve(&self, scope: &TemplateScope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |_, value| Ok(value))
    }

    /// Resolves the template and escapes values between double quotes, for fields whose text is JSON or GraphQL.
    ///
    /// # Errors
    ///
    /// Fails like [`Template::resolve`].
    pub fn resolve_quoted(&self, scope: &TemplateScope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |slot, value| {
            Ok(if in_quotes(slot.before) { Cow::Owned(json_escaped(&value)) } else { value })
        })
    }

    /// Resolves the template as a URL and encodes each value for its URL component.
    ///
    /// # Errors
    ///
    /// Fails if every alternative lacks a value, a value is not allowed in its component, or the result is not an
    /// `http(s)` URL.
    pub fn resolve_url(&self, scope: &TemplateScope<'_>) -> Result<Url, ResolveError> {
        let text =
            self.fill(scope, |slot, value| encode_value(&slot, &value, component_at(slot.before, slot.after), scope))?;
        parse_http_url(&text).map_err(|source| ResolveError::Url {
            integration: scope.integration().to_owned(),
            template: self.as_str().to_owned(),
            source,
        })
    }

    /// Resolves the template as an endpoint, the path and query relative to a base URL, and encodes each value for its
    /// component.
    ///
    /// # Errors
    ///
    /// Fails if every alternative lacks a value, or a value is not allowed in its component.
    pub fn resolve_endpoint(&self, scope: &TemplateScope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |slot, value| {
            let component = match component_at(slot.before, slot.after) {
                UrlComponent::Query => UrlComponent::Query,
                _ => UrlComponent::Path,
            };
            encode_value(&slot, &value, component, scope)
        })
    }

    /// Resolves the first alternative whose values are all available. `encode` converts each value for its slot.
    fn fill<'s>(
        &self,
        scope: &TemplateScope<'s>,
        encode: impl Fn(ValueSlot<'_>, Cow<'s, str>) -> Result<Cow<'s, str>, ResolveError>,
    ) -> Result<String, ResolveError> {
        let mut missing = None;
        'alternatives: for parts in &self.alternatives {
            let mut text = String::new();
            for (at, part) in parts.iter().enumerate() {
                let value = match part {
                    Part::Text(plain) => {
                        text.push_str(plain);
                        continue;
                    }
                    part => match resolve_part(part, scope, false) {
                        Ok(value) => value,
                        Err(error) if error.missing().is_some() => {
                            missing = Some(error);
                            continue 'alternatives;
                        }
                        Err(error) => return Err(error),
                    },
                };
                let after = match parts.get(at + 1) {
                    None => Some(""),
                    Some(Part::Text(next)) => Some(next.as_str()),
                    Some(_) => None,
                };
                let encoded = encode(ValueSlot { part, before: &text, after }, value)?;
                text.push_str(&encoded);
            }
            return Ok(text);
        }
        // Every template has at least one alternative, and one is only skipped for a missing value. The error reports
        // the missing value of the last alternative.
        missing.map_or_else(|| Ok(String::new()), Err)
    }
}

fn parse_http_url(text: &str) -> Result<Url, ResolvedUrlError> {
    let url: Url = text.parse()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_http { Ok(url) } else { Err(ResolvedUrlError::NotHttp) }
}

/// A value and its context in a template.
struct ValueSlot<'a> {
    part: &'a Part,
    /// Resolved text before the value.
    before: &'a str,
    /// Text up to the next value; `None` if another value follows directly.
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
        Err(invalid) => Err(ResolveError::InvalidValue {
            integration: scope.integration().to_owned(),
            name: match slot.part {
                Part::Value(variable) => variable.to_string().trim_start_matches("connectionConfig.").to_owned(),
                Part::Call(function, _) => function.to_string(),
                Part::Text(text) => text.clone(),
            },
            reason: invalid.reason(),
        }),
    }
}

/// Resolves a part. A credential may be empty in an argument, because basic authentication allows an empty password.
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

/// Returns whether a text ends inside double quotes.
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

/// Escapes a text for a JSON string, without the quotes.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
