//! Comparison of the built-in provider entries with public API descriptions, which are downloaded and never shipped.
//!
//! An entry counts as checked if a description confirms its verification request or its pagination. A contradiction
//! fails the test unless `table::ACCEPTED_DIFFERENCES` gives the reason why the entry is right. A key that no
//! description mentions is not an error.

mod address;
mod check;
mod entry;
mod synthetic;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use nango_tests::{Registry, descriptions::Descriptions};

use check::check;
use entry::Entry;
use table::{ACCEPTED_DIFFERENCES, COVERED, GATEWAYS};

/// Minimum number of entries that must be confirmed.
const MIN_CONFIRMED_ENTRIES: usize = 45;

#[test]
fn provider_entries_agree_with_public_api_descriptions() {
    let Some(descriptions) = Descriptions::read() else { return };
    let registry = Registry::new();
    let names: Vec<&str> = COVERED.iter().map(|(name, _)| *name).collect();
    let entries = entries(&registry, &names);
    let mut faults = Vec::new();
    let mut accepted = BTreeSet::new();
    let mut checked = 0;
    for ((name, covering), entry) in COVERED.iter().zip(&entries) {
        let gateway = GATEWAYS.iter().find(|(of, _)| of.contains(name)).map(|(_, address)| *address);
        let report = check(entry, &descriptions, covering, gateway);
        for mismatch in &report.mismatches {
            if let Some(index) =
                ACCEPTED_DIFFERENCES.iter().position(|(of, key, _)| of.contains(name) && *key == mismatch.key)
            {
                accepted.insert((index, *name));
            } else {
                faults.push(format!("{name}: {mismatch}"));
            }
        }
        let found: Vec<_> = report.confirmed.iter().map(|(key, how)| format!("{key} {how}")).collect();
        println!(
            "{name} ({}): {}; not documented: {}",
            covering.join(", "),
            found.join(", "),
            report.undocumented.join(", ")
        );
        if report.is_confirmed(entry) {
            checked += 1;
        } else {
            faults.push(format!("{name}: no description confirms how it is verified or how its pages are found"));
        }
    }
    for (index, (names, key, why)) in ACCEPTED_DIFFERENCES.iter().enumerate() {
        for name in names.iter().filter(|name| !accepted.contains(&(index, **name))) {
            faults.push(format!(
                "{name}: its description does not contradict `{key}`, which is listed as accepted: {why}"
            ));
        }
    }
    println!("{checked} entries are checked");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked >= MIN_CONFIRMED_ENTRIES, "{checked}");
}

#[test]
fn provider_entries_list_exactly_the_packages_they_are_compared_with() {
    let Some(descriptions) = Descriptions::read() else { return };
    let listed = Registry::new().json(["providers", "list", "--json"]);
    let named: BTreeMap<_, _> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| Some((row["name"].as_str()?.to_owned(), row["facts"]["described_by"].as_str()?.to_owned())))
        .collect();
    let package = |covering: &[&str]| {
        let packages: BTreeSet<_> =
            covering.iter().map(|name| format!("npm:{}", descriptions.description(name).package)).collect();
        packages.into_iter().collect::<Vec<_>>().join(", ")
    };
    let expected = COVERED.iter().map(|(name, covering)| ((*name).to_owned(), package(covering))).collect();
    assert_eq!(named, expected);
    assert!(named.len() >= MIN_CONFIRMED_ENTRIES, "{named:#?}");
}

/// Reads entries with several processes at once.
fn entries(registry: &Registry, names: &[&str]) -> Vec<Entry> {
    let show = |name: &str| Entry::new(registry.json(["providers", "show", name, "--json"])["entry"].take());
    thread::scope(|scope| {
        let part = names.len().div_ceil(4).max(1);
        let parts: Vec<_> = names
            .chunks(part)
            .map(|names| scope.spawn(move || names.iter().map(|name| show(name)).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("a list")).collect()
    })
}
