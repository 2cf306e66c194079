//! The key `proxy.error`: errors in responses with a success status.

use nango_grammar::json_path;
use serde_json::Value;

use super::key_reader::KeyReader;
use crate::declare::{ErrorAt, ErrorValue};

/// Reads one error, or a list of errors.
pub(super) fn read(proxy: &KeyReader<'_>) -> Result<Vec<ErrorAt>, String> {
    match proxy.get("error") {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let items = list.iter().enumerate();
            items.map(|(i, item)| proxy.child(&format!("error[{i}]"), item).and_then(one)).collect()
        }
        Some(single) => Ok(vec![proxy.child("error", single).and_then(one)?]),
    }
}

fn one(keys: KeyReader<'_>) -> Result<ErrorAt, String> {
    let path = |key: &'static str| {
        let path = keys.string(key)?;
        if let Some(path) = &path {
            json_path::check(path).map_err(|error| format!("`{}`: {error}", keys.path(key)))?;
        }
        Ok::<_, String>(path)
    };
    let mut error = match (path("when")?, keys.get("is"), path("path")?) {
        (Some(when), Some(is), None) => ErrorAt::when(when, value(&keys, is)?),
        (None, None, Some(path)) => ErrorAt::path(path),
        (Some(_), None, None) => return Err(format!("`{}` is missing", keys.path("is"))),
        _ => {
            let (when, is, path) = (keys.path("when"), keys.path("is"), keys.path("path"));
            return Err(format!("an error needs `{when}` and `{is}`, or `{path}`"));
        }
    };
    if let Some(message) = path("message")? {
        error = error.message(message);
    }
    error.partial = keys.flag("partial")?;
    let fatal = keys.strings("fatal")?;
    if error.partial && !fatal.is_empty() {
        let (partial, fatal) = (keys.path("partial"), keys.path("fatal"));
        return Err(format!("`{partial}` and `{fatal}` exclude each other: a partial error never fails the run"));
    }
    let error = error.fatal(fatal);
    keys.warn_about_unread();
    Ok(error)
}

fn value(keys: &KeyReader<'_>, is: &Value) -> Result<ErrorValue, String> {
    match is {
        Value::Bool(value) => Ok((*value).into()),
        Value::String(text) => Ok(text.clone().into()),
        Value::Number(number) if number.is_i64() => Ok(number.as_i64().unwrap_or_default().into()),
        _ => Err(format!("`{}` must be a text, a whole number, true or false", keys.path("is"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    fn read(keys: &str) -> Result<Vec<ErrorAt>, Vec<String>> {
        let text = format!("a: {{ auth_mode: NONE, proxy: {{ base_url: 'https://a.test', error: {keys} }} }}");
        let catalogue = Catalogue::parse(&text).unwrap();
        let (_, entry) = catalogue.entries().next().unwrap();
        if !entry.problems.is_empty() {
            return Err(entry.problems.clone());
        }
        assert_eq!(entry.warnings, Vec::<String>::new(), "{keys}");
        Ok(catalogue.find("a").unwrap().proxy.errors.clone())
    }

    #[test]
    fn error_is_a_flag_a_path_or_a_list() {
        let flag = ErrorAt::when("ok", false).message("error");
        assert_eq!(read("{ when: ok, is: false, message: error }"), Ok(vec![flag.clone()]));
        let path = ErrorAt::path("errors[0].message").partial();
        assert_eq!(read("{ path: 'errors[0].message', partial: true }"), Ok(vec![path.clone()]));
        let both = "[{ when: ok, is: false, message: error }, { path: 'errors[0].message', partial: true }]";
        assert_eq!(read(both), Ok(vec![flag, path]));
        let fatal = "{ when: ok, is: false, message: error, fatal: [invalid_auth, token_revoked] }";
        let expect = ErrorAt::when("ok", false).message("error").fatal(["invalid_auth", "token_revoked"]);
        assert_eq!(read(fatal), Ok(vec![expect]));
        assert_eq!(read("{ when: code, is: -1 }"), Ok(vec![ErrorAt::when("code", -1)]));
        assert_eq!(read("{ when: status, is: failed }"), Ok(vec![ErrorAt::when("status", "failed")]));
    }

    #[test]
    fn invalid_error_is_a_problem() {
        for (keys, expect) in [
            ("{ when: ok }", "`proxy.error.is` is missing"),
            ("{ message: error }", "an error needs `proxy.error.when` and `proxy.error.is`, or `proxy.error.path`"),
            (
                "{ when: ok, is: false, path: error }",
                "an error needs `proxy.error.when` and `proxy.error.is`, or `proxy.error.path`",
            ),
            ("{ when: ok, is: [] }", "`proxy.error.is` must be a text, a whole number, true or false"),
            ("{ when: ok, is: 1.5 }", "`proxy.error.is` must be a text, a whole number, true or false"),
            (
                "{ path: error, partial: true, fatal: [invalid_auth] }",
                "`proxy.error.partial` and `proxy.error.fatal` exclude each other: a partial error never fails the run",
            ),
            ("{ path: error, fatal: { a: 1 } }", "`proxy.error.fatal` must be a list of texts, found a map"),
            ("{ path: a..b }", "`proxy.error.path`: `a..b` is not a path such as `data.items` or `results[0].rows`"),
        ] {
            assert_eq!(read(keys), Err(vec![expect.to_owned()]), "{keys}");
        }
    }
}
