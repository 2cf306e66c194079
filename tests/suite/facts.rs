//! Tests that hold the facts of the built-in entries against public descriptions, which are fetched and never shipped.
//!
//! An entry counts as checked by machine if a description confirms where a credential is tried or how pages are found;
//! what a description contradicts is a failure, unless `table::ANSWERED` says why ours is right. That a description says
//! nothing of a key is no failure.

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

/// The number of entries that must be checked at least.
const MIN_CONFIRMED_ENTRIES: usize = 45;

#[test]
fn entries_agree_with_the_public_descriptions_of_their_apis() {
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
        for wrong in &report.mismatches {
            if let Some(at) =
                ACCEPTED_DIFFERENCES.iter().position(|(of, key, _)| of.contains(name) && *key == wrong.key)
            {
                accepted.insert((at, *name));
            } else {
                faults.push(format!("{name}: {wrong}"));
            }
        }
        let found: Vec<_> = report.confirmed.iter().map(|(key, how)| format!("{key} {how}")).collect();
        println!(
            "{name} ({}): {}; not said: {}",
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
    for (at, (names, key, why)) in ACCEPTED_DIFFERENCES.iter().enumerate() {
        for name in names.iter().filter(|name| !accepted.contains(&(at, **name))) {
            faults.push(format!("{name}: its description does not contradict `{key}`, which is answered: {why}"));
        }
    }
    println!("{checked} entries are checked");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked >= MIN_CONFIRMED_ENTRIES, "{checked}");
}

#[test]
fn entries_name_exactly_the_packages_they_are_compared_with() {
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

/// Asks several programs at once for entries.
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
