use crate::provider::Pattern;

#[track_caller]
fn check(pattern: &str, yes: &[&str], no: &[&str]) {
    let pattern: Pattern = pattern.parse().unwrap();
    for text in yes {
        assert!(pattern.is_match(text), "{pattern:?} {text:?}");
    }
    for text in no {
        assert!(!pattern.is_match(text), "{pattern:?} {text:?}");
    }
}

#[test]
fn classes_match_as_in_javascript() {
    check(r"^\d+$", &["0123"], &["٣", "", "1\n"]);
    check(r"^\w+$", &["aZ_9"], &["é", "a-b"]);
    check(r"^\s$", &[" ", "\u{a0}", "\u{feff}", "\u{2028}", "\u{b}"], &["\u{85}", "x"]);
    check(r"^[\w\-]+$", &["a-b"], &["a b"]);
    check("^[a-zA-Z0-9-_]+$", &["a-_9"], &["."]);
    check(r"^[\w-x]$", &["-", "x", "a"], &["."]);
    check(r"^[^\d\s]$", &["a"], &["1", " "]);
    check(r"^[\D]$", &["a"], &["1"]);
    check("^[[&&a]$", &["[", "&", "a"], &["b"]);
    check("^[--a~~b]$", &["a", "~", "b", "-", "A"], &["c", ","]);
    check("^[^]$", &["\n"], &[""]);
    check("[]", &[], &["", "a"]);
    check(r"^[\b]$", &["\u{8}"], &["b"]);
    check("^.$", &["é", "😀"], &["\n", "\r", "\u{2028}"]);
    check(r"\b[a-f0-9]{4}\b", &["é abcd é", "éabcdé"], &["xabcd"]);
    check(r"a\Bb", &["ab"], &[]);
}

#[test]
fn escapes_and_braces_are_literal_as_in_javascript() {
    check(r"^https?:\/\/\S+$", &["https://a"], &["https:a"]);
    check(r"^\x41\u00e9\t\0\$$", &["Aé\t\0$"], &[]);
    check(r"^\$\{apiKey\}$", &["${apiKey}"], &[]);
    check("^a{,2}{x}$", &["a{,2}{x}"], &["aa"]);
    check("^a{2}b{1,}c{0,2}$", &["aab", "aabbcc"], &["ab", "aabccc"]);
    check(r"^<\>]#a }$", &["<>]#a }"], &["<>]"]);
    check("^(?:a|)$", &["a", ""], &["b"]);
    check("^(?<part>a+?)b$", &["aab"], &[]);
    check("a$|^b", &["xa", "bx"], &["ax"]);
}

#[test]
fn leading_lookahead_becomes_guard() {
    let salesforce = r"^(?!(?:.*\.)?[Ff][Oo]\.([Cc][Oo][Mm])$)[a-z.)]+$";
    check(salesforce, &["a.com", "fo.com.x", "xfo.com"], &["fo.com", "a.FO.com", "a.fo.com", "A"]);
    check(r"^(?=.*\d)(?=.*[a-z)(])(?!.*x)[a-z0-9]+$", &["a1"], &["a", "1", "a1x", "A1"]);
}

#[test]
fn syntax_error_has_a_reason() {
    for (pattern, expect) in [
        ("a)", "a `)` has no matching `(`"),
        ("[a", "a `[` is not closed"),
        ("a\\", "it ends with a `\\`"),
        ("*a", "a quantifier has nothing to repeat"),
        ("a**", "a quantifier has nothing to repeat"),
        ("a++", "a quantifier has nothing to repeat"),
        ("^(?!a)*b", "a quantifier has nothing to repeat"),
        (r"[\\-+]", r"the range `\-+` is out of order"),
        (r"\a", r"unknown escape `\a`"),
        (r"\p{L}", r"unknown escape `\p`"),
        (r"\u{41}", "`{41}` is not a character code"),
        (r"\ud800", "`d800` is not a character code"),
        ("(?i:a)", "a group begins with `(?`, but not with `(?:` or `(?<name>`"),
        ("(?<1>a)", "`1` is not a group name: letters, digits and `_` are allowed"),
        ("a{3,2}", "it is not valid JavaScript syntax"),
    ] {
        let error = pattern.parse::<Pattern>().unwrap_err().to_string();
        assert_eq!(error, format!("`{pattern}` cannot be used as a regular expression: {expect}"));
    }
}

proptest::proptest! {
    #[test]
    fn pattern_of_any_text_never_panics(text in r"[a-c0-9(){}\[\]?:<>=!|*+^$.,\\dwsbxuk/-]{0,30}|.*") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            let _ = (pattern.find(&text), pattern.is_match("a1-é"));
        }
    }
}
