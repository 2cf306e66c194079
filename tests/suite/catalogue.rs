//! Nango's own catalogue, fetched and never shipped: all of its entries load, and what cannot be used is named.

use std::{collections::BTreeSet, time::Instant};

use nango_tests::{Registry, catalogue};

/// At least so many of the entries are usable (885 of the 981 that the reference was made with).
const USABLE: u64 = 885;

#[test]
fn nangos_catalogue_loads_whole_and_what_cannot_be_used_is_named() {
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
