//! Tests of all built-in entries. Single facts are tested in [`decisions`], older stored connections in [`stored`].

mod decisions;
mod stored;

use super::*;
use crate::provider::Catalogue;

#[test]
fn entry_alone_is_read_as_in_its_file() {
    let whole = FILES.iter().flat_map(|text| file::read(text).unwrap());
    let mut count = 0;
    for written in whole {
        let alone = entry(&written.name).unwrap();
        assert_eq!((alone.name, alone.keys), (written.name, written.keys));
        count += 1;
    }
    assert_eq!(count, names().count());
}

#[test]
fn provider_names_are_unique() {
    let each = FILES.iter().map(|text| Catalogue::parse(text).unwrap().names().count());
    assert_eq!(each.sum::<usize>(), Catalogue::builtin().names().count());
}

#[test]
fn every_entry_has_categories_docs_and_field_descriptions() {
    for provider in Catalogue::builtin().providers() {
        let name = &provider.name;
        assert!(!provider.categories.is_empty() && provider.docs.is_some(), "{name}");
        assert!(provider.raw.contains_key("display_name") && provider.accepts(provider.auth_mode), "{name}");
        let fields = provider.credentials.iter().chain(&provider.config);
        for field in fields.filter(|field| !field.hidden) {
            assert!(!field.description.is_empty(), "{name}: {}", field.name);
        }
    }
}

#[test]
fn every_entry_states_its_sources_itself() {
    let general = ["unauthenticated", "private-api-bearer", "private-api-basic"];
    for name in names() {
        let written = entry(name).unwrap().keys.unwrap();
        assert_eq!(written.contains_key("facts"), !general.contains(&name), "{name}");
    }
    let check = Catalogue::builtin().check();
    assert_eq!((check.problems, check.warnings), (vec![], vec![]));
    assert_eq!((check.total, check.facts.unconfirmed), (89, general.len()));
}

#[test]
fn entry_without_verification_request_is_listed() {
    let catalogue = Catalogue::builtin();
    let without = catalogue.providers().filter(|provider| provider.proxy.verification.is_none());
    let without: Vec<&str> = without.map(|provider| provider.name.as_str()).collect();
    // General entries have no fixed endpoint; the other two obtain a token when a connection is added.
    assert_eq!(
        without,
        ["microsoft-oauth2-cc", "paypal-cc", "private-api-basic", "private-api-bearer", "unauthenticated"]
    );
}
