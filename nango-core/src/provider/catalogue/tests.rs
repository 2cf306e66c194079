use super::*;
use crate::{
    declare::{Paginate, PaginateKind},
    provider::AuthMode,
};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn builtin_entries_are_read() {
    let catalogue = Catalogue::builtin();
    let github = catalogue.get("github").unwrap();
    assert_eq!(github.proxy.paginate, Some(Paginate::link("next").limit_name("per_page")));
    let hubspot = catalogue.get("hubspot").unwrap().proxy.paginate.clone().unwrap();
    assert_eq!(hubspot, Paginate::cursor("after", "paging.next.after").limit_name("limit").response_path("results"));
    let jira = catalogue.get("jira").unwrap();
    let config = json!({ "subdomain": "acme" });
    assert_eq!(jira.base_url("jira", config.as_object().unwrap()).unwrap().as_str(), "https://acme.atlassian.net/");
    assert!(matches!(&jira.proxy.paginate.as_ref().unwrap().kind, Some(PaginateKind::Offset { start: 0, .. })));
}

#[test]
fn every_builtin_entry_can_be_used() {
    let check = Catalogue::builtin().check();
    assert_eq!((check.problems, check.warnings), (vec![], vec![]));
    assert_eq!(check.usable, check.total);
}

#[test]
fn unknown_provider_is_reported_with_suggestion() {
    let small = Catalogue::parse("acme: { auth_mode: NONE }\nbeta: { auth_mode: NONE }").unwrap();
    let error = small.find("acne").unwrap_err().to_string();
    assert_eq!(error, "unknown provider `acne`; available: `acme` and `beta`; did you mean `acme`?");
    let error = small.find("x").unwrap_err().to_string();
    assert_eq!(error, "unknown provider `x`; available: `acme` and `beta`");
    let many = (0..50).map(|n| format!("p{n}: {{ auth_mode: NONE }}")).collect::<Vec<_>>().join("\n");
    let error = Catalogue::parse(&many).unwrap().find("acme").unwrap_err();
    assert_eq!(error.to_string(), "unknown provider `acme`; 50 are available");
    assert_eq!(error.remedy(), Some(Remedy::ListProviders));
}

/// Returns the problems of an entry with this `proxy`, or the reason why it cannot be read.
fn problems(proxy: &str) -> Vec<String> {
    let yaml = format!("a:\n  display_name: A\n  auth_mode: NONE\n  proxy:\n{proxy}\nb: {{ auth_mode: NONE }}");
    let catalogue = Catalogue::parse(&yaml).unwrap();
    assert!(catalogue.get("b").is_some());
    let (_, listed) = catalogue.entries().next().unwrap();
    match catalogue.find("a") {
        Err(error) => vec![error.to_string()],
        Ok(_) => listed.problems.clone(),
    }
}

#[test]
fn broken_entry_is_reported_and_others_still_load() {
    let check = |proxy: &str, expect: &str| assert_eq!(problems(proxy), [expect], "{proxy}");
    let url = "    base_url: https://a.test\n";
    assert!(problems(url).is_empty());
    let read = "the provider `a` (providers.yaml:1:1) cannot be read: ";
    let unknown = problems("    base_url: https://${x}\n").concat();
    assert!(
        unknown.starts_with(&format!("{read}`proxy.base_url`: `${{x}}` in `https://${{x}}` is not known")),
        "{unknown}"
    );
    check(
        &format!("{url}    headers: {{ 'a b': c }}\n"),
        &format!("{read}`proxy.headers`: `a b` is not a header name"),
    );
    check(&format!("{url}    headers: 1\n"), &format!("{read}`proxy.headers` must be a map, found a number"));
    check(
        &format!("{url}    paginate: {{ type: cursr }}\n"),
        "unknown type `cursr` of `proxy.paginate`; available: `link`, `cursor` and `offset`",
    );
    check(
        &format!("{url}    paginate: {{ type: link }}\n"),
        "`proxy.paginate` of type link needs `link_rel_in_response_header` or `link_path_in_response_body`",
    );
    check(
        &format!("{url}    paginate: {{ type: cursor, cursor_name_in_request: c }}\n"),
        "`proxy.paginate` of type cursor needs `cursor_path_in_response`",
    );
    check(
        &format!("{url}    retry: {{ error_code: ['9xx'] }}\n"),
        "`proxy.retry.error_code`: `9xx` is not a status; use one such as `429`, a class such as `5xx`, or a \
         range such as `500-502`",
    );
    check(&format!("{url}    verification: {{ method: GET }}\n"), "`proxy.verification.endpoints` is missing");
    check(
        &format!("{url}    verification: {{ method: GET, endpoints: [/me, /v1/.%2E/me] }}\n"),
        "`proxy.verification.endpoints`: the segment `.%2E` leads to another path: write the path without it",
    );
}

#[test]
fn broken_entry_is_reported_when_requested() {
    let yaml = "a: { auth_mode: OAUTH3 }\nb: { proxy: {} }\nc: 5\nd: { auth_mode: NONE, auth_mode: BASIC }\n\
                e: { alias: a }\nf: { alias: f }";
    let catalogue = Catalogue::parse(yaml).unwrap();
    let check = |name: &str, expect: &str| {
        let error = catalogue.find(name).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("a", "`auth_mode`: unknown auth mode `OAUTH3`");
    check("b", "(providers.yaml:2:1) cannot be read: `auth_mode` is missing");
    check("c", "it is not a map of keys");
    check("d", "duplicate key `auth_mode` in line 4 and in line 4");
    check("e", "`auth_mode`: unknown auth mode `OAUTH3`");
    check("f", "forms a cycle: f → f");
    assert_eq!(catalogue.names().count(), 6);
    assert_eq!(catalogue.providers().count(), 0);
}

#[test]
fn unreadable_file_is_an_error() {
    let load = |text: &str| Catalogue::load(Some((Path::new("my.yaml"), text))).unwrap_err().to_string();
    let error = load("a:\n  b: [1\nc: 2");
    assert!(error.starts_with("my.yaml:") && error.contains(": the providers cannot be read: "), "{error}");
    let empty = "my.yaml has no provider: add entries such as `acme:` with their keys below";
    assert_eq!(load(""), empty);
    assert_eq!(load("# soon\n"), empty);
    let error = load("[a]");
    assert!(error.starts_with("my.yaml:1:1: the providers cannot be read: "), "{error}");
}

#[test]
fn own_file_overrides_builtin_entries() {
    let text = "
github: { alias: github, display_name: Ours, proxy: { base_url: 'https://ghe.test' } }
acme: { alias: hubspot, display_name: Acme }
slack: { auth_mode: NONE }
";
    let catalogue = Catalogue::load(Some((Path::new("my.yaml"), text))).unwrap();
    let github = catalogue.find("github").unwrap();
    assert_eq!((github.display_name.as_str(), github.proxy.paginate.is_some()), ("Ours", false));
    assert!(github.accepts(AuthMode::Bearer));
    let acme = catalogue.find("acme").unwrap();
    assert_eq!(acme.proxy, Catalogue::builtin().find("hubspot").unwrap().proxy);
    assert_eq!(acme.raw.keys().next().map(String::as_str), Some("display_name"));
    assert_eq!(catalogue.find("slack").unwrap().accepted_modes, [AuthMode::None]);
    assert!(catalogue.get("notion").is_some());
    let origin = |name: &str| catalogue.entries().find(|(known, _)| *known == name).unwrap().1.origin.to_string();
    assert_eq!((origin("acme").as_str(), origin("notion").as_str()), ("my.yaml:3:1", "built in"));
}

#[test]
fn unknown_key_is_a_warning() {
    let yaml =
        "a:\n  auth_mode: NONE\n  authmode: x\n  proxy: { base_url: 'https://a.test', heders: {}, decompress: true }";
    let catalogue = Catalogue::parse(yaml).unwrap();
    let (_, listed) = catalogue.entries().next().unwrap();
    let expect = [
        "unknown key `proxy.heders` is ignored; did you mean `headers`?",
        "unknown key `authmode` is ignored; did you mean `auth_mode`?",
    ];
    assert_eq!(listed.warnings, expect);
    assert!(listed.problems.is_empty());
}

#[test]
fn token_obtaining_mode_also_accepts_bearer() {
    let accepts = |keys: &str| {
        let catalogue = Catalogue::parse(&format!("a: {{ {keys} }}")).unwrap();
        catalogue.find("a").map(|provider| provider.accepted_modes.clone()).map_err(|error| error.to_string())
    };
    assert_eq!(accepts("auth_mode: OAUTH2_CC"), Ok(vec![AuthMode::OAuth2Cc, AuthMode::Bearer]));
    assert_eq!(accepts("auth_mode: API_KEY"), Ok(vec![AuthMode::ApiKey]));
    assert_eq!(accepts("auth_mode: OAUTH2, accepts: [BEARER, BASIC]"), Ok(vec![AuthMode::Bearer, AuthMode::Basic]));
    assert!(accepts("auth_mode: OAUTH2, accepts: [KEY]").unwrap_err().contains("`accepts`: unknown auth mode `KEY`"));
}

proptest! {
    #[test]
    fn catalogue_of_any_text_never_panics(text in "(a|b|alias|auth_mode|proxy|base_url|NONE|OAUTH2|: |:|\n|\n  |\n    |\\{|\\}|\\[|\\]|, |'|\\$\\{|x){0,40}") {
        if let Ok(catalogue) = Catalogue::parse(&text) {
            let check = catalogue.check();
            prop_assert_eq!(check.usable + check.problems.len(), check.total);
        }
    }
}
