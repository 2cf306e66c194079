//! Words of command lines that are shown to users.

/// Quotes a word for a POSIX shell, if it needs quotes.
pub(crate) fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_quoted_when_shell_would_split_it() {
        assert_eq!(shell_quoted("acme-1"), "acme-1");
        assert_eq!(shell_quoted("it's me"), r"'it'\''s me'");
        assert_eq!(shell_quoted(""), "''");
    }
}
