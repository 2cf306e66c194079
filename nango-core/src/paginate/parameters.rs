//! Parameters of requests: in the query, in a form or in a JSON body.

use serde_json::{Map, Value};

use super::{PaginateError, cursor::Cursor};
use crate::http::{Body, RequestSpec};

/// Sets parameters of a request, and replaces existing ones of the same names. `fields` are the fields of the body, if
/// parameters are sent in the body.
pub(super) fn set<'a>(
    request: &mut RequestSpec,
    fields: Option<&Value>,
    parameters: impl IntoIterator<Item = (&'a str, &'a Cursor)>,
) {
    let mut in_json = Vec::new();
    for (name, value) in parameters {
        let pairs = match (fields, &mut request.body) {
            (None, _) => &mut request.query,
            (Some(_), Body::Form(form)) => form,
            (Some(_), _) => {
                in_json.push((name, value));
                continue;
            }
        };
        pairs.retain(|(existing, _)| existing != name);
        pairs.push((name.to_owned(), value.text()));
    }
    if let Some(fields) = fields.filter(|_| !in_json.is_empty()) {
        request.body = Body::Json(body_with(fields.clone(), &in_json).into());
    }
}

/// Sets a field of a body, which is empty, a JSON object or a form. A dotted name is a path through objects.
///
/// # Errors
///
/// Fails if the body is of another kind.
pub(crate) fn set_body_field(body: &mut Body, name: &str, value: Value) -> Result<(), PaginateError> {
    let mut fields = fields(body)?;
    if let Body::Form(form) = body {
        form.retain(|(existing, _)| existing != name);
        form.push((name.to_owned(), Cursor::Json(value).text()));
        return Ok(());
    }
    set_in_body(&mut fields, name, value);
    *body = Body::Json(fields.to_string().into());
    Ok(())
}

/// Returns the fields of a body to which parameters are added.
pub(super) fn fields(body: &Body) -> Result<Value, PaginateError> {
    let fields = match body {
        Body::Empty | Body::Form(_) => Some(Value::Object(Map::new())),
        Body::Json(json) => serde_json::from_slice(json).ok().filter(Value::is_object),
        Body::Raw { .. } | Body::Multipart(_) | Body::Stream(_) => None,
    };
    fields.ok_or_else(|| {
        PaginateError::Settings(
            "the parameters of the pages are sent in the body, which is neither a JSON object nor a form: use one of \
             them, or set `in_body(false)` to send the parameters in the query"
                .to_owned(),
        )
    })
}

/// Adds fields to a JSON body.
fn body_with(mut fields: Value, parameters: &[(&str, &Cursor)]) -> String {
    let text = parameters.iter().fold(fields.to_string(), |text, (name, value)| text + name + &value.json());
    let mut exact = Vec::new();
    for (name, value) in parameters {
        match value {
            Cursor::Json(value) => set_in_body(&mut fields, name, value.clone()),
            // `Value` cannot represent this number exactly: a placeholder that does not occur in the body is inserted
            // and then replaced by the number.
            Cursor::Number { number } => {
                let mut placeholder = format!("exact number {}", exact.len());
                while text.contains(&placeholder) {
                    placeholder.push('.');
                }
                set_in_body(&mut fields, name, placeholder.clone().into());
                exact.push((format!("\"{placeholder}\""), number));
            }
        }
    }
    exact.iter().fold(fields.to_string(), |body, (placeholder, number)| body.replacen(placeholder, number, 1))
}

/// Sets a field. A dotted name is a path through objects; at each level, an existing key that equals the rest of the
/// name takes precedence.
pub(super) fn set_in_body(fields: &mut Value, name: &str, value: Value) {
    let (mut here, mut rest) = (fields, name);
    loop {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Some((step, remaining)) = rest.split_once('.').filter(|_| here.get(rest).is_none()) else {
            here[rest] = value;
            return;
        };
        (here, rest) = (&mut here[step], remaining);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn number_is_written_into_a_body_without_rounding() {
        let number = Cursor::Number { number: "12345678901234567890123.50".to_owned() };
        let other = Cursor::Number { number: "0.10".to_owned() };
        let text = Cursor::Json(json!("exact number 1"));
        let fields = json!({ "a": "exact number 0", "b": 1 });
        assert_eq!(
            body_with(fields, &[("page.cursor", &number), ("c", &text), ("d", &other)]),
            r#"{"a":"exact number 0","b":1,"page":{"cursor":12345678901234567890123.50},"c":"exact number 1","d":0.10}"#
        );
    }

    #[test]
    fn name_with_dots_is_a_path_unless_the_key_exists() {
        let cases = [
            (json!({}), "a", json!({ "a": 1 })),
            (json!({}), "a.b", json!({ "a": { "b": 1 } })),
            (json!({ "a": { "c": 2 } }), "a.b", json!({ "a": { "b": 1, "c": 2 } })),
            (json!({ "a.b": 0 }), "a.b", json!({ "a.b": 1 })),
            (json!({ "x": { "a.b": 0 } }), "x.a.b", json!({ "x": { "a.b": 1 } })),
            (json!({ "a": 5 }), "a.b", json!({ "a": { "b": 1 } })),
        ];
        for (mut fields, name, expected) in cases {
            set_in_body(&mut fields, name, 1.into());
            assert_eq!(fields, expected, "{name}");
        }
    }
}
