//! Nango's own catalogue, fetched and never shipped: all of its entries load, what cannot be used is named, and the facts
//! that both catalogues have are compared.

mod comparison;
mod differences;

use std::{collections::BTreeSet, time::Instant};

use nango_tests::{Registry, catalogue, rng::is_long_run};

/// How many of the entries are usable: the others need what connections do not have (client certificates, XML, SAML,
/// credentials of one vendor), or lack what their kind needs.
const USABLE: u64 = 998;

#[test]
fn nango_catalogue_loads_completely_and_unusable_entries_are_named() {
    let Some(file) = catalogue::providers() else { return };
    let file = file.to_str().expect("a path of text");
    let registry = Registry::new();
    let started = Instant::now();
    let report = registry.run(["providers", "check", "--providers", file, "--json"]).json();
    let took = started.elapsed();
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no `{name}`: {report:#}"));
    let problems = report["problems"].as_array().expect("a list");
    println!("{} entries, {} usable, in {took:?}", count("total"), count("usable"));

    assert_eq!(count("total"), catalogue::ENTRIES as u64);
    assert!(count("usable") >= USABLE, "{problems:#?}");
    assert_eq!(count("usable") + problems.len() as u64, count("total"), "{problems:#?}");
    let names: BTreeSet<_> = problems.iter().map(|problem| problem["provider"].as_str().expect("a name")).collect();
    assert_eq!(names.len(), problems.len(), "each once");
    let silent =
        problems.iter().find(|problem| problem["reason"].as_str().is_none_or(|reason| reason.trim().len() < 10));
    assert_eq!(silent, None, "each with its reason");
    assert!(std::fs::read_dir(registry.dir()).expect("the directory").next().is_none(), "looking writes no file");
}

/// Both catalogues may be wrong: a difference is a reason to read the provider's documentation, not a failure. A difference
/// that was looked at is listed, so that a new one is seen.
#[test]
fn facts_of_both_catalogues_differ_only_where_reviewed() {
    if !is_long_run() {
        return;
    }
    let Some(file) = catalogue::providers() else { return };
    let compared = comparison::run(&Registry::new(), file.to_str().expect("a path of text"));
    println!("{compared}");
    assert_eq!(compared.entries, comparison::ENTRIES);
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let (unlisted, outdated) = (compared.unlisted(), compared.outdated());
    if in_ci {
        assert_eq!((unlisted.len(), outdated.len()), (0, 0), "differences that are new, and listed ones that are gone");
    } else {
        assert!(unlisted.is_empty(), "read the documentation of these and list what stays: {unlisted:#?}");
        assert!(outdated.is_empty(), "take these out of the list: {outdated:#?}");
    }
}
