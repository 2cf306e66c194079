use proptest::prelude::*;

use super::*;

fn found(target: &str) -> LinkTarget {
    LinkTarget::Target(target.to_owned())
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a table of values")]
fn check(value: impl AsRef<[u8]>, expect: LinkTarget) {
    let value = value.as_ref();
    assert_eq!(target_in(value, "next"), expect, "{}", value.escape_ascii());
}

#[test]
fn link_header_in_a_form_of_the_rfc_has_its_target() {
    for (value, target) in [
        (r#"<https://h.test/x?page=2>; rel="next", <https://h.test/x?page=9>; rel="last""#, "https://h.test/x?page=2"),
        (r#"<https://h.test/x?page=1>; rel="prev", <https://h.test/x?page=3>; rel="next""#, "https://h.test/x?page=3"),
        ("<https://h.test/x?page=2>; rel=next", "https://h.test/x?page=2"),
        (r#"<https://h.test/x?page=2>;rel="next""#, "https://h.test/x?page=2"),
        (r#"<https://h.test/x?q=a,b&page=2>; rel="next""#, "https://h.test/x?q=a,b&page=2"),
        (r#"<https://h.test/x?q=a;b>; rel="next""#, "https://h.test/x?q=a;b"),
        (r#"<https://h.test/x?q=a%2Cb%20c>; rel="next""#, "https://h.test/x?q=a%2Cb%20c"),
        (r#"<https://h.test/2>; title="a, b; rel=\"prev\""; rel="next""#, "https://h.test/2"),
        (r#"<https://h.test/2>; rel="prev next""#, "https://h.test/2"),
        (r#"</x?page=2>; rel="next""#, "/x?page=2"),
        (r#"<?page=2>; rel="next""#, "?page=2"),
        (r#"  < /2 > ;REL = "Next" ;title*=UTF-8''x"#, "/2"),
        ("</style.css>; rel=preload; nopush, </2>; rel=next; nopush", "/2"),
        (",, </1>; rel=first\t,\t</2>\t;\trel=next ,", "/2"),
        (r#"</2>; rel="next"; title="<>""#, "/2"),
    ] {
        check(value, found(target));
    }
}

#[test]
fn link_header_in_a_nonstandard_form_has_its_target() {
    for (value, target) in [
        ("</x?page=2>; rel='next'", "/x?page=2"),
        ("</1>; rel='prev', </2>; rel='next'; title='a, b'", "/2"),
        ("</2>; title='it, <b>; rel=last'; rel='last next'", "/2"),
        (r#"</2>; rel="'next'""#, "/2"),
        ("</2>; rel=prev next", "/2"),
        (r#"</1>; rel="first";, </2>; rel="next""#, "/2"),
        // Separators are missing.
        (r#"</2> rel="next""#, "/2"),
        (r#"</2>; title="x" rel="next""#, "/2"),
        (r#"</2>; title=x rel="next""#, "/2"),
        (r#"</1>; rel="prev" </2>; rel="next""#, "/2"),
        (r#"</1>; rel="prev"; </2>; rel="next""#, "/2"),
        (r#"</1>; rel="prev"</2>; rel="next""#, "/2"),
        // Quotes are not closed, or are closed too early.
        (r#"</2>; rel="next"#, "/2"),
        (r#"</2>; rel="next, </9>; rel="last""#, "/2"),
        (r#"</1>; title="cut, </2>; rel="next""#, "/2"),
        ("</1>; title='tis the season, </2>; rel='next'", "/2"),
        ("</2>; title='it's'; rel='next'", "/2"),
    ] {
        check(value, found(target));
    }
}

#[test]
fn bytes_outside_ascii_are_percent_encoded_in_the_target() {
    check("</x?q=café&page=2>; rel=\"next\"", found("/x?q=caf%C3%A9&page=2"));
    check(b"</x?q=caf\xe9&page=2>; rel=\"next\"", found("/x?q=caf%E9&page=2"));
    check(b"</1>; rel=prev; title=\"caf\xe9\", </2>; rel=next", found("/2"));
    check("</1>; rel=\"prev\"; title=\"„Zurück“, zur 1\", </2>; rel=\"next\"", found("/2"));
    check(b"</x?q=%E9\xff>; rel=next", found("/x?q=%E9%FF"));
    assert_eq!(target_in("</2>; rel=nächste".as_bytes(), "nächste"), found("/2"));
}

#[test]
fn member_that_is_malformed_is_skipped() {
    for value in [
        r#"junk, </2>; rel="next""#,
        r#"junk; rel="prev", </2>; rel="next""#,
        r#"<>; rel="prev", </2>; rel="next""#,
        r#"</1; rel="prev", </2>; rel="next""#,
        r#"https://h.test/x?q=a,b&page=1; rel="prev", </2>; rel="next""#,
        r#"=; "", </2>; rel="next""#,
        // The relation occurs twice, and one target is readable.
        r#"<>; rel="next", </2>; rel="next""#,
    ] {
        check(value, found("/2"));
    }
}

#[test]
fn member_with_the_relation_and_without_a_target_is_unreadable() {
    for value in [
        r#"<>; rel="next""#,
        "<  >; rel=next",
        r#"https://h.test/x?page=2; rel="next""#,
        "https://h.test/x?page=2; rel=next; nopush",
        r#"https://h.test/x?q=a,b&page=2; rel="next""#,
        "https://h.test/x;v=1?page=2; rel='next'",
        r#"</x?page=2; rel="next""#,
        r#"</x?page=2; rel="next", </9>; rel="last""#,
        r#"</x?q=a<b&page=2>; rel="next""#,
        r#"</x?q=a>b&page=2>; rel="next""#,
        r#"</x?q=a> b&page=2>; rel="next""#,
        r#"junk </2>; rel="next""#,
        r#"; rel="next""#,
        r#"</1>; rel="prev", <>; rel="next", </9>; rel="last""#,
    ] {
        check(value, LinkTarget::Unreadable);
    }
}

#[test]
fn link_header_without_the_relation_is_absent() {
    for value in [
        "",
        " ,, ",
        "junk",
        "<",
        "<a",
        "<a>",
        "<a>;",
        "<a>; rel",
        "<a>; rel=",
        r#"<a>; rel="last""#,
        "<a>; rel='last'",
        r#"<a>; title="rel=next""#,
        "<a>; title='x; rel=next'",
        "<a>; rel=nextpage",
        "<a>; relation=next",
        "<a>; rev=next",
        r#"<a?rel="next">; rel="last""#,
        "<>; rel=last",
        // Only the first `rel` of a link is used.
        r#"</1>; rel="prev"; rel="next""#,
    ] {
        check(value, LinkTarget::Absent);
    }
}

#[test]
fn several_link_headers_are_one_list() {
    let headers =
        |values: &[&str]| -> HeaderMap { values.iter().map(|value| (LINK, value.parse().unwrap())).collect() };
    let two = headers(&[r#"</1>; rel="prev""#, r#"</3>; rel="next""#]);
    assert_eq!((target(&two, "next"), target(&two, "last")), (found("/3"), LinkTarget::Absent));
    assert_eq!(target(&headers(&["<>; rel=next", "</1>; rel=prev"]), "next"), LinkTarget::Unreadable);
    assert_eq!(target(&headers(&["<>; rel=next", "</2>; rel=next"]), "next"), found("/2"));
    assert_eq!(target(&HeaderMap::new(), "next"), LinkTarget::Absent);
}

/// Generates a parameter that is not `rel`.
fn parameter() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "; title=\"([a-zé ,;<>='(/]|\\\\\"){0,12}\"",
        "; title='[a-zé ,;<>=\"(/]{0,12}'",
        "; (nopush|title=[a-z0-9]{1,5}|title\\*=UTF-8''[a-z]{1,5})",
    ]
}

fn link(target: &str, relations: &str, quote: &str, before: &str, after: &str) -> String {
    format!("<{target}>{before}; rel={quote}{relations}{quote}{after}")
}

proptest! {
    #[test]
    fn link_header_of_any_text_never_panics(value in "[<>;,=\"' a-z\\\\/é]{0,40}|.*", bytes in any::<Vec<u8>>()) {
        let _ = target_in(value.as_bytes(), "next");
        let _ = target_in(&bytes, "next");
    }

    #[test]
    fn well_formed_header_is_read_back(
        target in "[a-z/?&=,;:%.\"'é-]{1,30}",
        params in proptest::collection::vec(parameter(), 6),
        quote in prop_oneof![Just("\""), Just("'"), Just("")],
        next in "next|NEXT|next last|first next",
        order in Just([0, 1, 2]).prop_shuffle(),
        separator in prop_oneof![Just(","), Just(", "), Just(" ,\t")],
    ) {
        let members = [
            link("/0", "prev", quote, &params[0], &params[1]),
            link(&target, &next, quote, &params[2], &params[3]),
            link("/9", "last", quote, &params[4], &params[5]),
        ];
        let value = order.map(|at| members[at].clone()).join(separator);
        let encoded = target.replace('é', "%C3%A9");
        prop_assert_eq!(target_in(value.as_bytes(), "next"), found(&encoded), "{}", value);
    }

    /// A member without one of its delimiters must not end a walk: it is still read, or it is unreadable.
    #[test]
    fn member_that_lost_a_delimiter_is_never_absent(
        quote in prop_oneof![Just("\""), Just("'"), Just("")],
        at in any::<proptest::sample::Index>(),
    ) {
        let value = format!("</2>; rel={quote}next{quote}, </9>; rel={quote}last{quote}");
        let delimiters: Vec<usize> =
            value.match_indices(['<', '>', ';', '"', '\'', ' ', ',']).map(|(at, _)| at).collect();
        let mut damaged = value.clone();
        damaged.remove(*at.get(&delimiters));
        let got = target_in(damaged.as_bytes(), "next");
        prop_assert!(got == found("/2") || got == LinkTarget::Unreadable, "{}: {:?}", damaged, got);
    }
}
