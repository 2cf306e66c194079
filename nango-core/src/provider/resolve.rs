//! Resolution of request fields.

use serde_json::{Map, Value};

use super::{Param, ResolveError, TemplateScope};

impl Param {
    /// Resolves all texts of the field, including those in lists and objects. Numbers, booleans and null are unchanged.
    ///
    /// # Errors
    ///
    /// Fails if a value is missing, or a function failed.
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

    /// Resolves the field and omits texts with missing values, at any depth. Returns `None` if the field itself is such
    /// a text.
    ///
    /// # Errors
    ///
    /// Fails if a function failed.
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

    /// Returns the templates in the field.
    pub fn templates(&self) -> Vec<&super::Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::Number(_) | Self::Bool(_) | Self::Null => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, field)| field.templates()).collect(),
        }
    }

    /// Converts JSON into a field, and parses its texts as templates.
    ///
    /// # Errors
    ///
    /// Fails if a text is not a valid template.
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

/// Resolves fields and keeps their order.
///
/// # Errors
///
/// Fails like [`Param::resolve`].
pub(crate) fn resolve_fields(
    fields: &[(String, Param)],
    scope: &TemplateScope<'_>,
) -> Result<Map<String, Value>, ResolveError> {
    fields.iter().map(|(name, field)| Ok((name.clone(), field.resolve(scope)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Variable;
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
