//! Suggestions for misspelt names ("did you mean").

/// Returns the valid name nearest to `wrong`, if at most a third of its letters differ.
pub fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    valid
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

/// Formats the nearest valid name as the end of a message, `` ; did you mean `a`? ``. Returns an empty text for `None`.
pub fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Formats names as `` `a`, `b` and `c` ``, for lists of allowed values.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestion_differs_in_at_most_a_third_of_the_letters() {
        let names = ["create-issue", "issues-demo", "repo-issues"];
        assert_eq!(nearest("create_issue", names), Some("create-issue"));
        assert_eq!(nearest("isues-dmo", names), Some("issues-demo"));
        assert_eq!(nearest("delete-user", names), None);
        assert_eq!(hint(nearest("isues-dmo", names)), "; did you mean `issues-demo`?");
        assert_eq!(hint(None), "");
        assert_eq!(list(names), "`create-issue`, `issues-demo` and `repo-issues`");
    }
}
