//! Path of a request that confirms a delete: `confirm_deletes(get = "/repos/{owner}/issues/{record.number}")`.

use serde_json::{Map, Value};

use crate::{
    declare::{ConfirmField, ConfirmRequest, PathValue, fill},
    error::{Error, ErrorKind, Result},
    paginate::path::lookup,
};

/// Returns the path for one stored record; every value is encoded as one segment, or after `?` as one query value.
///
/// `payload` is the record as JSON. Returns `None` if no request is possible, so that the record is kept: the payload
/// is missing, a field is missing, `null`, a list or an object, or a value is not valid as a path segment.
///
/// # Errors
///
/// Fails if the metadata of the connection does not fit its type, or has a value that is not valid as a path segment.
pub fn confirm_path(
    request: &ConfirmRequest,
    metadata: Option<Value>,
    record_id: &str,
    payload: Option<&str>,
) -> Result<Option<String>> {
    let metadata = metadata.unwrap_or_else(|| Value::Object(Map::new()));
    let mut metadata = request.metadata.map(|read| read(metadata)).transpose()?.unwrap_or_default().into_iter();
    let mut values = Vec::with_capacity(request.fields.len());
    for field in request.fields {
        values.push(match *field {
            ConfirmField::Metadata(name) => (name.to_owned(), metadata.next().unwrap_or_default()),
            ConfirmField::Record(path) => {
                let value =
                    if path == "id" { Some(record_id.to_owned()) } else { payload.and_then(|json| text(json, path)) };
                let Some(value) = value else { return Ok(None) };
                (format!("{RECORD}{path}"), value)
            }
        });
    }
    let values: Vec<(&str, &dyn PathValue)> =
        values.iter().map(|(name, value)| (name.as_str(), value as &dyn PathValue)).collect();
    match fill(request.literals, &values) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.name.starts_with(RECORD) => Ok(None),
        Err(error) => Err(Error::new(ErrorKind::Connection, format!("the metadata's {error}"))),
    }
}

/// Prefix of the names of a record's fields. The names of metadata fields have no dot.
const RECORD: &str = "record.";

/// Returns a string, number or boolean of a JSON text as text.
fn text(json: &str, path: &str) -> Option<String> {
    let value = lookup(json, path)?.get().trim();
    match value.as_bytes().first()? {
        b'"' => serde_json::from_str(value).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "descriptors contain functions of this type")]
    fn owner(metadata: Value) -> Result<Vec<String>> {
        match metadata["owner"].as_str() {
            Some(owner) => Ok(vec![owner.to_owned()]),
            None => Err(Error::new(ErrorKind::Connection, "no owner")),
        }
    }

    static ISSUE: ConfirmRequest = ConfirmRequest {
        literals: &["/repos/", "/issues/", "?key=", ""],
        fields: &[ConfirmField::Metadata("owner"), ConfirmField::Record("user.number"), ConfirmField::Record("id")],
        metadata: Some(owner),
        response_path: None,
    };

    fn path(owner: &str, id: &str, payload: Option<&Value>) -> Result<Option<String>> {
        let payload = payload.map(ToString::to_string);
        confirm_path(&ISSUE, Some(json!({ "owner": owner })), id, payload.as_deref())
    }

    #[test]
    fn values_of_metadata_and_record_are_encoded_into_the_path() {
        let record = |number: Value| json!({ "id": 9, "user": { "number": number } });
        let check = |number: Value, expect: &str| {
            assert_eq!(path("a/b", "x&y", Some(&record(number))).unwrap().as_deref(), Some(expect));
        };
        check(json!(7), "/repos/a%2Fb/issues/7?key=x%26y");
        check(json!("C#/\""), "/repos/a%2Fb/issues/C%23%2F%22?key=x%26y");
        check(json!(u64::MAX), "/repos/a%2Fb/issues/18446744073709551615?key=x%26y");
        check(json!(true), "/repos/a%2Fb/issues/true?key=x%26y");
    }

    #[test]
    fn record_without_the_value_has_no_path() {
        assert_eq!(path("o", "1", None).unwrap(), None);
        for user in
            [json!({}), json!(null), json!({ "number": null }), json!({ "number": [1] }), json!({ "number": {} })]
        {
            assert_eq!(path("o", "1", Some(&json!({ "user": user }))).unwrap(), None, "{user}");
        }
        for number in ["", ".", ".."] {
            assert_eq!(path("o", "1", Some(&json!({ "user": { "number": number } }))).unwrap(), None, "{number}");
        }
    }

    #[test]
    fn id_needs_no_payload() {
        static BY_ID: ConfirmRequest = ConfirmRequest {
            literals: &["/issues/", ""],
            fields: &[ConfirmField::Record("id")],
            metadata: None,
            response_path: None,
        };
        assert_eq!(confirm_path(&BY_ID, None, "a b", None).unwrap().as_deref(), Some("/issues/a%20b"));
        assert_eq!(confirm_path(&BY_ID, None, "..", Some("{}")).unwrap(), None);
    }

    #[test]
    fn metadata_of_another_type_is_a_connection_error() {
        let record = json!({ "user": { "number": 7 } });
        let error = path("..", "1", Some(&record)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        let expect = "the metadata's `owner` is \"..\" in the path \
                      `/repos/{owner}/issues/{record.user.number}?key={record.id}`: a value in a path must \
                      not be empty, `.` or `..`";
        assert_eq!(error.to_string(), expect);
        assert_eq!(confirm_path(&ISSUE, None, "1", None).unwrap_err().to_string(), "no owner");
    }
}
