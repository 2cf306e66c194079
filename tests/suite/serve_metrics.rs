//! `GET /metrics`: access, counts, and the table of the documentation.

use std::{collections::BTreeSet, fs, path::Path};

use nango_tests::{ApiServer, Registry};

#[test]
fn metrics_need_a_key_and_are_those_of_the_documentation() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    server.get("/providers/no-such-provider").refused(404, "not_found");
    server.request(reqwest::Method::GET, "/metrics").without_key().send().refused(401, "missing_auth_header");
    let answer = server.get("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let metrics = answer.expect(200);
    let metrics = metrics.as_str().expect("a text");
    for line in [
        r#"nango_http_requests_total{route="getMetrics",status="4xx"} 1"#,
        r#"nango_runs_total{type="sync",status="success"} 0"#,
        "nango_runs_due 0.0",
        "nango_runs_running 0.0",
        "nango_database_available 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "`{line}` in:\n{metrics}");
    }
    let written: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/operations.md");
    let guide = fs::read_to_string(guide).expect("the guide");
    let documented: BTreeSet<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `").filter(|rest| rest.starts_with("nango_")))
        .filter_map(|rest| rest.split(['`', '{']).next())
        .collect();
    assert_eq!(documented, written, "the table of docs/guides/operations.md and the metrics of the server");
    server.stop().expect(0);
}
