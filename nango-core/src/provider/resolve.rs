//! Filling a template.

use std::{borrow::Cow, fmt};

use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::template::{Part, Template, Variable};

/// What a template is filled from.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The integration, for the error that says what to set where.
    pub integration: &'a str,
    /// The connection's configuration.
    pub config: &'a Map<String, Value>,
    /// The parts of its credentials, by name.
    pub credentials: &'a [(&'a str, &'a str)],
}

/// Why a template cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The configuration lacks a value.
    #[error(
        "`{integration}` needs the configuration value `{name}`: set it with \
         `registry connection add {integration} <id> --config {name}=…`"
    )]
    MissingConfig {
        /// The integration.
        integration: String,
        /// The value.
        name: String,
    },
    /// The credentials lack a part.
    #[error(
        "`{integration}` needs `{name}`, which these credentials do not have: set them with `registry connection add {integration} <id> --credentials …`"
    )]
    MissingCredential {
        /// The integration.
        integration: String,
        /// The part.
        name: String,
    },
    /// A value must not stand where it does.
    #[error(
        "the configuration value `{name}` of `{integration}` stands in the host of its URL: it must be a plain name such as `acme` or `acme.example.com`"
    )]
    Host {
        /// The integration.
        integration: String,
        /// The value.
        name: String,
    },
    /// The result is no URL.
    #[error("`{template}` of `{integration}` does not become a web address: {reason}")]
    Url {
        /// The integration.
        integration: String,
        /// The template.
        template: String,
        /// What is wrong.
        reason: String,
    },
}

/// Without values: they may be secrets.
impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl Scope<'_> {
    /// A value that is there and not empty. Only texts and numbers are values.
    fn get(&self, variable: &Variable) -> Option<Cow<'_, str>> {
        let value = match variable {
            Variable::Credential(name) => {
                Cow::Borrowed(self.credentials.iter().find(|(there, _)| there == name).map(|(_, value)| *value)?)
            }
            Variable::Config(name) => {
                // A dotted name walks, unless it is itself a key.
                let flat = self.config.get(name);
                let mut steps = name.split('.');
                let first = self.config.get(steps.next()?);
                match flat.or_else(|| steps.try_fold(first?, |value, step| value.get(step)))? {
                    Value::String(text) => Cow::Borrowed(text.as_str()),
                    Value::Number(number) => Cow::Owned(number.to_string()),
                    _ => return None,
                }
            }
        };
        (!value.is_empty()).then_some(value)
    }

    fn missing(&self, variable: &Variable) -> ResolveError {
        let integration = self.integration.to_owned();
        match variable {
            Variable::Config(name) => ResolveError::MissingConfig { integration, name: name.clone() },
            Variable::Credential(name) => ResolveError::MissingCredential { integration, name: name.clone() },
        }
    }
}

impl Template {
    /// The text with its values, as they are: for headers and parameters.
    ///
    /// # Errors
    ///
    /// A value is missing on every side.
    pub fn resolve(&self, scope: &Scope<'_>) -> Result<String, ResolveError> {
        self.fill(scope, |_, _, value| Ok(value.to_owned()))
    }

    /// The URL with its values, each encoded for the place where it stands.
    ///
    /// # Errors
    ///
    /// A value is missing on every side, is no plain name in the host, or the result is no `http(s)` URL.
    pub fn resolve_url(&self, scope: &Scope<'_>) -> Result<Url, ResolveError> {
        let wrong = |reason: &str| ResolveError::Url {
            integration: scope.integration.to_owned(),
            template: self.as_str().to_owned(),
            reason: reason.to_owned(),
        };
        let text = self.fill(scope, |before, variable, value| match place(before) {
            // The whole URL is a value: what it holds is its owner's decision.
            Place::Start => Ok(value.to_owned()),
            Place::Host if is_plain_host(value) => Ok(value.to_owned()),
            Place::Host => Err(ResolveError::Host {
                integration: scope.integration.to_owned(),
                name: variable.to_string().trim_start_matches("connectionConfig.").to_owned(),
            }),
            Place::Path if matches!(value, "." | "..") => Err(wrong("a path must not be left by `.` or `..`")),
            Place::Path => Ok(encode_segment(value)),
            Place::Query => Ok(form_urlencoded::byte_serialize(value.as_bytes()).collect()),
        })?;
        let url: Url = text.parse().map_err(|error: url::ParseError| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("it must start with `https://` and name a host"));
        }
        Ok(url)
    }

    /// Fills the first side whose values are all there; `put` makes text of a value, knowing what precedes it.
    fn fill(
        &self,
        scope: &Scope<'_>,
        put: impl Fn(&str, &Variable, &str) -> Result<String, ResolveError>,
    ) -> Result<String, ResolveError> {
        let mut first_missing = None;
        'sides: for side in &self.sides {
            let mut text = String::new();
            for part in side {
                match part {
                    Part::Text(plain) => text.push_str(plain),
                    Part::Value(variable) => {
                        let Some(value) = scope.get(variable) else {
                            first_missing.get_or_insert_with(|| scope.missing(variable));
                            continue 'sides;
                        };
                        let filled = put(&text, variable, &value)?;
                        text.push_str(&filled);
                    }
                }
            }
            return Ok(text);
        }
        // A template has at least one side, and a side is only left for a missing value.
        first_missing.map_or_else(|| Ok(String::new()), Err)
    }
}

enum Place {
    Start,
    Host,
    Path,
    Query,
}

/// The part of a URL that follows `before`.
fn place(before: &str) -> Place {
    let Some((_, rest)) = before.split_once("://") else {
        return if before.is_empty() { Place::Start } else { Place::Path };
    };
    if rest.contains('?') {
        Place::Query
    } else if rest.contains('/') {
        Place::Path
    } else {
        Place::Host
    }
}

fn is_plain_host(value: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    value.split('.').all(label)
}

fn encode_segment(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend([byte >> 4, byte & 15].map(|half| char::from(b"0123456789ABCDEF"[usize::from(half)])));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn resolve(template: &str, config: &Value, url: bool) -> Result<String, String> {
        let template: Template = template.parse().unwrap();
        let scope = Scope {
            integration: "jira",
            config: config.as_object().unwrap(),
            credentials: &[("apiKey", "${username} || x"), ("username", "ann")],
        };
        let got = if url { template.resolve_url(&scope).map(String::from) } else { template.resolve(&scope) };
        got.map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(template: &str, config: &Value, expect: &str) {
        assert_eq!(resolve(template, config, false).as_deref(), Ok(expect), "{template}");
    }

    #[track_caller]
    fn check_url(template: &str, config: &Value, expect: Result<&str, &str>) {
        assert_eq!(resolve(template, config, true), expect.map(str::to_owned).map_err(str::to_owned), "{template}");
    }

    #[test]
    fn a_value_stays_itself() {
        check("Bearer ${apiKey}", &json!({}), "Bearer ${username} || x");
        check("${connectionConfig.a}-${credentials.username}", &json!({ "a": "${apiKey}" }), "${apiKey}-ann");
        check("${connectionConfig.n}/${connectionConfig.a.b}", &json!({ "n": 7, "a": { "b": "c" } }), "7/c");
        check("${connectionConfig.a.b}", &json!({ "a.b": "flat" }), "flat");
    }

    #[test]
    fn the_first_complete_side_is_taken() {
        let template = "${connectionConfig.a}${connectionConfig.b} || ${connectionConfig.c} || none";
        check(template, &json!({ "a": "1", "b": "2", "c": "3" }), "12");
        check(template, &json!({ "a": "1", "b": "", "c": "3" }), "3");
        check(template, &json!({ "b": true }), "none");
    }

    #[test]
    fn what_is_missing_says_where_it_is_set() {
        let url = "https://${connectionConfig.subdomain}.h.test";
        let help = "`jira` needs the configuration value `subdomain`: set it with \
                    `registry connection add jira <id> --config subdomain=…`";
        check_url(url, &json!({}), Err(help));
        assert!(
            resolve("${password}", &json!({}), false).unwrap_err().starts_with("`jira` needs `password`, which these")
        );
    }

    #[test]
    fn a_value_cannot_choose_the_host() {
        let url = "https://${connectionConfig.s}.h.test/v1";
        check_url(url, &json!({ "s": "acme" }), Ok("https://acme.h.test/v1"));
        check_url(url, &json!({ "s": "a.b-c" }), Ok("https://a.b-c.h.test/v1"));
        for bad in ["evil.test/", "evil.test#", "evil.test?", "u@evil", "a:80", "a\\b", "a b", ".", "-a", "a..b", "ä"]
        {
            assert!(resolve(url, &json!({ "s": bad }), true).unwrap_err().contains("must be a plain name"), "{bad}");
        }
    }

    #[test]
    fn a_value_is_encoded_for_its_place() {
        let url = "https://h.test/${connectionConfig.p}/x?q=${connectionConfig.q}";
        check_url(url, &json!({ "p": "a/b?c", "q": "d&e f" }), Ok("https://h.test/a%2Fb%3Fc/x?q=d%26e+f"));
        assert!(resolve(url, &json!({ "p": "..", "q": "x" }), true).is_err());
        check_url(
            "${connectionConfig.url}/v1",
            &json!({ "url": "https://own.test:8443/x" }),
            Ok("https://own.test:8443/x/v1"),
        );
        let error = "`${connectionConfig.url}/v1` of `jira` does not become a web address: it must start with `https://` and name a host";
        check_url("${connectionConfig.url}/v1", &json!({ "url": "file:///x" }), Err(error));
    }

    proptest! {
        #[test]
        fn no_value_leaves_the_host(value in ".{0,20}|[a-z./@#?:\\\\]{0,12}") {
            let got = resolve("https://${connectionConfig.s}.h.test/${connectionConfig.s}", &json!({ "s": value }), true);
            if let Ok(text) = got {
                let url: Url = text.parse().unwrap();
                prop_assert!(url.host_str().unwrap().ends_with(".h.test"));
                prop_assert_eq!(url.path_segments().unwrap().count(), 1);
            }
        }
    }
}
