//! Reads of the connection row by a run, counted in the statement log of a PostgreSQL server. The code that reads it is
//! the same for all databases.

use nango_tests::{Registry, postgres::Server, tools, upstream::Upstream};

/// A read of one connection by its name.
const READ: &str = "FROM nango_rs.connections WHERE integration = $1 AND id = $2";
/// The statement with which a run takes its lease.
const LEASE: &str = "INSERT INTO nango_rs.runs ";

#[test]
fn run_reads_its_connection_once_before_it_takes_its_lease() {
    // Not the server that all tests share: its log would contain the statements of other tests.
    let server = match Server::start(&["log_statement=all", "log_min_messages=log"]) {
        Ok(server) => &*Box::leak(Box::new(server)),
        Err(why) => return tools::skip("the statements of a run", why).unwrap_or_default(),
    };
    let database = server.create_empty_database();
    let upstream = Upstream::new();
    let mut registry = Registry::proof(upstream.url());
    registry.env("NANGO_DATABASE_URL", &database.url);
    registry.connect("proof", "acme");

    let logged_before = server.log().len();
    registry.run(["run", "proof", "items", "--connection", "acme"]).expect(0);
    let log = server.log().split_off(logged_before);

    let (before_lease, _) = log.split_once(LEASE).unwrap_or_else(|| panic!("no run took a lease:\n{log}"));
    assert_eq!(before_lease.matches(READ).count(), 1, "reads of the connection:\n{before_lease}");
}
