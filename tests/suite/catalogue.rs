//! Nango's provider catalogue, downloaded for the tests and never shipped: every entry loads, unusable entries are
//! named, and the facts in both catalogues are compared.

mod comparison;
mod differences;

use std::{collections::BTreeSet, time::Instant};

use nango_tests::{Registry, catalogue, rng::is_long_run};

/// Lower limit of usable entries. The others need what connections do not support (client certificates, XML, SAML,
/// credentials of one vendor), or lack a field that their auth mode requires.
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
    let without_reason =
        problems.iter().find(|problem| problem["reason"].as_str().is_none_or(|reason| reason.trim().len() < 10));
    assert_eq!(without_reason, None, "each with its reason");
    assert!(std::fs::read_dir(registry.dir()).expect("the directory").next().is_none(), "the check writes no file");
}

/// Either catalogue may be wrong: a difference is a reason to read the provider's documentation, not an error. Reviewed
/// differences are listed, so that new ones are noticed.
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
        assert_eq!((unlisted.len(), outdated.len()), (0, 0), "new differences, and listed ones that no longer exist");
    } else {
        assert!(
            unlisted.is_empty(),
            "check these against the providers' documentation and add the remaining ones to REVIEWED: {unlisted:#?}"
        );
        assert!(outdated.is_empty(), "remove these from REVIEWED: {outdated:#?}");
    }
}
