//! Filling fields, and what can go wrong when a template is filled.

use serde_json::{Map, Value};

use super::{Function, Param, TemplateScope, Variable, sign::SignError};

/// Why a template cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The configuration lacks a value.
    #[error(
        "`{integration}` needs the configuration value `{name}`: set it with \
         `registry connection add {integration} <id> --set {name}=…`"
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
    /// Something else is not there.
    #[error("`{integration}` needs `{variable}`, {}", missing_reason(variable))]
    Missing {
        /// The integration.
        integration: String,
        /// What is missing.
        variable: Variable,
    },
    /// A value must not stand where it does.
    #[error("the configuration value `{name}` of `{integration}` {reason}")]
    InvalidValue {
        /// The integration.
        integration: String,
        /// The value.
        name: String,
        /// What it must be there.
        reason: &'static str,
    },
    /// The entry has no base URL.
    #[error(
        "the entry of `{provider}` has no base URL: put `base_url = \"https://…\"` under `[integrations.{integration}]` in nango.toml"
    )]
    NoBaseUrl {
        /// The integration.
        integration: String,
        /// The provider.
        provider: String,
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
    /// A function refuses its arguments.
    #[error("`{integration}` cannot compute `{function}`: {source}")]
    Function {
        /// The integration.
        integration: String,
        /// The function.
        function: Function,
        /// What is wrong.
        source: SignError,
    },
}

impl ResolveError {
    /// The value that is missing, if that is what is wrong: a caller may leave out what is optional.
    pub fn missing(&self) -> Option<Variable> {
        match self {
            Self::MissingConfig { name, .. } => Some(Variable::Config(name.clone())),
            Self::MissingCredential { name, .. } => Some(Variable::Credential(name.clone())),
            Self::Missing { variable, .. } => Some(variable.clone()),
            Self::InvalidValue { .. } | Self::NoBaseUrl { .. } | Self::Url { .. } | Self::Function { .. } => None,
        }
    }
}

/// Why a value that nobody sets is not there.
fn missing_reason(variable: &Variable) -> &'static str {
    match variable {
        Variable::AccessToken => "the connection's token, and these credentials have none",
        Variable::SignedToken => "a token that is signed for a request for tokens, and there is none in this place",
        Variable::ClientId | Variable::ClientSecret => {
            "a part of the integration's app: its `client_id` stands in nango.toml, its secret in the environment"
        }
        Variable::Step { .. } => "which the earlier answer does not have",
        Variable::AssertionOption(_) => "which is asked for once, when the connection is made",
        Variable::Request(_) => "which only a request has",
        _ => "which there is not in this place",
    }
}

impl Param {
    /// The field with its values. Lists and objects are walked; numbers, truth values and `null` stay what they are.
    ///
    /// # Errors
    ///
    /// A value is missing, or a function refuses its arguments.
    pub fn resolve(&self, scope: &TemplateScope<'_>) -> Result<Value, ResolveError> {
        Ok(match self {
            Self::Text(template) => Value::String(template.resolve_quoted(scope)?),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Null => Value::Null,
            Self::List(items) => Value::Array(items.iter().map(|item| item.resolve(scope)).collect::<Result<_, _>>()?),
            Self::Object(fields) => Value::Object(resolve_fields(fields, scope)?),
        })
    }

    /// The field with the values that are there: a text that lacks one is left out, wherever it stands. `None`: the
    /// field itself is such a text.
    ///
    /// # Errors
    ///
    /// A function refuses its arguments.
    pub fn resolve_present(&self, scope: &TemplateScope<'_>) -> Result<Option<Value>, ResolveError> {
        Ok(Some(match self {
            Self::List(items) => {
                let items = items.iter().filter_map(|item| item.resolve_present(scope).transpose());
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => {
                let fields = fields.iter().filter_map(|(name, field)| {
                    let field = field.resolve_present(scope).transpose()?;
                    Some(field.map(|field| (name.clone(), field)))
                });
                Value::Object(fields.collect::<Result<_, _>>()?)
            }
            other => match other.resolve(scope) {
                Err(error) if error.missing().is_some() => return Ok(None),
                resolved => resolved?,
            },
        }))
    }

    /// The texts in it.
    pub fn templates(&self) -> Vec<&super::Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::Number(_) | Self::Bool(_) | Self::Null => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, field)| field.templates()).collect(),
        }
    }

    /// The field that JSON describes: its texts are read as templates.
    ///
    /// # Errors
    ///
    /// A text is no template.
    pub fn from_json(value: &Value) -> Result<Self, super::TemplateError> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.parse()?),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect::<Result<_, _>>()?),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, field)| Ok((name.clone(), Self::from_json(field)?)))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }
}

/// Fields with their values, in their order.
///
/// # Errors
///
/// As [`Param::resolve`].
pub fn resolve_fields(
    fields: &[(String, Param)],
    scope: &TemplateScope<'_>,
) -> Result<Map<String, Value>, ResolveError> {
    fields.iter().map(|(name, field)| Ok((name.clone(), field.resolve(scope)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_keep_their_types_and_their_order() {
        let field = json!({ "z": "${apiKey}", "n": 1, "b": false, "l": ["a", "${username}"], "o": { "x": null } });
        let field = Param::from_json(&field).unwrap();
        let config = Map::new();
        let credentials = json!({ "apiKey": "${username}", "username": "ann" });
        let scope = TemplateScope::new("acme", &config, credentials.as_object().unwrap());
        let expect = r#"{"z":"${username}","n":1,"b":false,"l":["a","ann"],"o":{"x":null}}"#;
        assert_eq!(field.resolve(&scope).unwrap().to_string(), expect);
        assert_eq!(field.templates().len(), 3);
    }

    #[test]
    fn missing_value_is_reported_or_omitted() {
        let field = Param::from_json(&json!({ "a": "${password}", "l": ["${password}", "x"], "b": 1 })).unwrap();
        let nothing = Map::new();
        let scope = TemplateScope::new("acme", &nothing, &nothing);
        let error = field.resolve(&scope).unwrap_err();
        assert_eq!(error.missing(), Some(Variable::Credential("password".into())));
        assert_eq!(field.resolve_present(&scope).unwrap(), Some(json!({ "l": ["x"], "b": 1 })));
        assert_eq!(Param::from_json(&json!("${token}")).unwrap().resolve_present(&scope), Ok(None));
    }

    #[test]
    fn value_in_quoted_text_is_escaped() {
        let query = r#"mutation { login(name: "${username}", \"x\": "${password}") } ${username}"#;
        let credentials = json!({ "username": "a\"b\\", "password": "\n" });
        let config = Map::new();
        let scope = TemplateScope::new("acme", &config, credentials.as_object().unwrap());
        let got = Param::from_json(&json!(query)).unwrap().resolve(&scope).unwrap();
        let expect = r#"mutation { login(name: "a\"b\\", \"x\": "\n") } a"b\"#;
        assert_eq!(got, json!(expect));
    }
}
