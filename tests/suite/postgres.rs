//! The binary on a database of its own on a server.

use nango_tests::{Registry, postgres};

#[test]
fn the_demo_runs_on_a_server_and_no_message_shows_the_password() {
    let Some(server) = postgres::server() else { return };
    let database = server.empty();
    let url = database.with("password=hush");
    let registry = Registry::new();
    let made = registry.run(["--database", &url, "demo"]).expect(0);
    assert!(!made.stderr.contains("hush") && !made.stdout.contains("hush"), "{}", made.stderr);
    assert!(registry.dir().join("nango.key").exists(), "the key lies in the working directory");
    assert!(!registry.database().exists(), "no file was made");
    let first: u64 =
        database.sql("SELECT seq FROM nango_rs.datasets WHERE model = 'GithubIssue'").parse().expect("a sequence");
    let read =
        registry.run(["--database", &url, "records", "github", "GithubIssue", "--connection", "stand-in", "--json"]);
    assert!(read.expect(0).stdout.contains("\"records\""));
    registry.run(["--database", &url, "demo"]).expect(0);
    let second: u64 =
        database.sql("SELECT seq FROM nango_rs.datasets WHERE model = 'GithubIssue'").parse().expect("a sequence");
    assert!(first > 0 && second >= first, "{first} {second}");

    // The key is gone, and somebody reads the message aloud.
    std::fs::remove_file(registry.dir().join("nango.key")).expect("a key that can be removed");
    let refused = registry.run(["--database", &url, "connection", "list"]).expect(3);
    assert!(refused.stderr.contains("nango.key is missing") && !refused.stderr.contains("hush"), "{}", refused.stderr);
}
