//! Paths in a JSON response, such as `data.items` or `errors[0].message`.

/// Step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'p> {
    /// A key of an object. A number also matches an index of a list.
    Key(&'p str),
    /// An index of a list.
    Index(usize),
}

/// Last step of the path of records that are the values of an object.
const VALUES: &str = "*";

/// Parses a path into its steps, each with the original text of the path from this step on. Returns `None` if the text
/// is not a path. The empty text is the path of the whole body.
pub fn parse(text: &str) -> Option<Vec<(Segment<'_>, &str)>> {
    let mut steps = Vec::new();
    let mut start = 0;
    if text.is_empty() {
        return Some(steps);
    }
    for part in text.split('.') {
        let rest = &text[start..];
        start += part.len() + 1;
        let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        // A part is a name with or without indices; the first part may consist of indices only.
        if !name.is_empty() {
            steps.push((Segment::Key(name), rest));
        } else if indices.is_empty() || !steps.is_empty() {
            return None;
        }
        while !indices.is_empty() {
            let (index, after) = indices.strip_prefix('[')?.split_once(']')?;
            steps.push((Segment::Index(index.parse().ok()?), ""));
            indices = after;
        }
    }
    Some(steps)
}

/// Checks the path of one value.
///
/// # Errors
///
/// Fails if the text is not a path, or selects several values.
pub fn check(text: &str) -> Result<(), String> {
    let Some(steps) = parse(text) else {
        return Err(format!("`{text}` is not a path such as `data.items` or `results[0].rows`"));
    };
    if steps.iter().any(|(step, _)| *step == Segment::Key(VALUES)) {
        return Err(format!(
            "`{text}` selects several values: `*` is allowed only at the end of `response_path`, such as `items.*`"
        ));
    }
    Ok(())
}

/// Checks the path of the records: as [`check`], but it may end with `*`.
///
/// # Errors
///
/// Fails if the text is not a path, or if `*` is not its last step.
pub fn check_records(text: &str) -> Result<(), String> {
    check(records(text).0)
}

/// Splits the path of the records: the path of the list or object, and whether the records are the values of an object
/// (`items.*`).
pub fn records(text: &str) -> (&str, bool) {
    match text.strip_suffix(VALUES) {
        Some("") => ("", true),
        Some(object) => match object.strip_suffix('.') {
            Some("") | None => (text, false),
            Some(object) => (object, true),
        },
        None => (text, false),
    }
}

/// Checks the name of the field for the key of a record.
///
/// # Errors
///
/// Fails if the name is empty or has the characters of a path.
pub fn check_field(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['.', '[', ']', '*']) {
        return Err(format!("`{name}` is not the name of a field such as `id`: a name has no `.`, `[`, `]` and `*`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_one_value_has_names_and_indices() {
        for path in ["", "a", "data.items", "results[0].rows", "errors[0].message", "[0].next", "@odata.nextLink"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in ["a..b", ".a", "a.", "a[", "a[x]", "a[0]b", "a[-1]"] {
            assert!(check(path).is_err_and(|error| error.contains("is not a path")), "{path}");
        }
        for path in ["*", "items.*", "a.*.b"] {
            assert!(check(path).is_err_and(|error| error.contains("only at the end of `response_path`")), "{path}");
        }
    }

    #[test]
    fn path_of_records_may_end_with_a_star() {
        for (path, expect) in [
            ("", ("", false)),
            ("items", ("items", false)),
            ("*", ("", true)),
            ("items.*", ("items", true)),
            ("a[0].*", ("a[0]", true)),
            ("items*", ("items*", false)),
        ] {
            assert_eq!((records(path), check_records(path)), (expect, Ok(())), "{path}");
        }
        for path in ["a.*.b", "*.*", "a..*", ".*"] {
            assert!(check_records(path).is_err(), "{path}");
        }
    }

    #[test]
    fn field_for_the_key_is_a_name() {
        assert_eq!(check_field("id"), Ok(()));
        for name in ["", "a.b", "a[0]", "*"] {
            assert!(check_field(name).is_err(), "{name}");
        }
    }
}
