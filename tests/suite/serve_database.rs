//! The HTTP API while its database is down.

use nango_tests::{ApiServer, Registry, TestDatabase, api_server::wait_for_status, postgres::Server, tools};

#[test]
fn server_refuses_work_while_the_database_is_down_and_recovers() {
    let postgres = match Server::start(&[]) {
        // A database refers to its server until the process ends; a watchdog then stops the server.
        Ok(server) => &*Box::leak(Box::new(server)),
        Err(reason) => {
            tools::skip::<()>("the outage of a database", reason);
            return;
        }
    };
    let database = TestDatabase::from(postgres.create_empty_database());
    let mut registry = Registry::new();
    registry.use_database(&database);
    let server = ApiServer::start(&mut registry);
    server.get("/providers/github").expect(200);
    postgres.crash();
    wait_for_status(&server, "/ready", 503);
    server.get("/health").expect(200);
    server.get("/ready").refused(503, "database_unavailable");
    let refused = server.get("/providers/github");
    assert_eq!(refused.header("retry-after"), "1");
    refused.refused(503, "database_unavailable");
    postgres.restart();
    wait_for_status(&server, "/ready", 200);
    server.get("/providers/github").expect(200);
    let output = server.stop().expect(0);
    for event in ["\"database_unavailable\"", "\"database_available\""] {
        assert!(output.stderr.contains(&format!("\"event\":{event}")), "{}", output.stderr);
    }
}
