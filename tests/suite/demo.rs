//! `registry demo`, the first command that a new user runs.

use nango_tests::Registry;

#[test]
fn demo_runs_sync_and_removes_its_files() {
    let registry = Registry::new();
    let output = registry.run(["demo"]).expect(0);
    for part in ["GithubIssue", "added", "deleted", "create-issue", "cargo run -- list"] {
        assert!(output.stdout.contains(part), "no {part:?} in\n{}", output.stdout);
    }
    let remaining_files: Vec<_> = std::fs::read_dir(registry.dir()).expect("the directory").collect();
    assert!(remaining_files.is_empty(), "{remaining_files:?}");
}

#[test]
fn demo_keeps_database_named_by_the_user() {
    let registry = Registry::new();
    registry.run(["--database", "sqlite:kept.db", "demo"]).expect(0);
    let page = registry.json([
        "--database",
        "sqlite:kept.db",
        "records",
        "github",
        "GithubIssue",
        "--connection",
        "stand-in",
        "--filter",
        "deleted",
        "--json",
    ]);
    assert_eq!(page["records"].as_array().map(Vec::len), Some(1), "{page:#}");
    assert_eq!(page["records"][0]["_nango_metadata"]["last_action"], "DELETED");
    assert!(page["records"][0]["title"].is_string(), "a deleted record keeps its last content: {page:#}");

    registry.run(["--database", "sqlite:kept.db", "demo"]).expect(0);
}
