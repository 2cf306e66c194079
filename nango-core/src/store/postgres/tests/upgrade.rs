//! Test with a database of the last version before redaction, which stored API responses unredacted.

use super::*;

const BEFORE: &str = include_str!("../../fixtures/before-redaction.postgres.sql");
const MORE: &str = "
    INSERT INTO nango_rs.run_logs (run, at, level, message, fields)
        VALUES (2, 1, 'warn', 'left out: OLD-SECRET-log', '{\"a\":\"OLD-SECRET-field\"}');
    UPDATE nango_rs.connections SET failures = 1, failed_at = 1, refused = 1,
        failure = 'answered 401 (OLD-SECRET-failure)';
";

#[tokio::test]
async fn stored_errors_and_logs_are_cleaned_when_an_older_schema_is_opened() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    database.sql(&format!("{BEFORE} {MORE}"));
    let store = Postgres::open(&database.url).await.unwrap();
    let [integration, connection, function, variant] = ["github", "one", "repo-issues", "base"].map(str::to_owned);
    let key = FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant };
    let [run] = &store.runs_of(&key, 10).await.unwrap()[..] else { panic!("one run") };
    let error = run.error.as_ref().unwrap();
    assert_eq!(error["kind"], "Http");
    assert!(error["message"].as_str().unwrap().starts_with("The text was removed when the database was upgraded"));
    assert_eq!(store.logs(run.id).await.unwrap(), []);
    let stored = store.connection("github", "one").await.unwrap().unwrap();
    assert!(stored.failure.is_some_and(|failure| failure.refused && !failure.message.contains("OLD-SECRET")));
    assert_eq!(store.meta_value("plain_config").await.unwrap().as_deref(), Some(&[1][..]));
    let left = database.sql(
        "SELECT (SELECT count(*) FROM nango_rs.runs r WHERE r::text LIKE '%OLD-SECRET%') + \
         (SELECT count(*) FROM nango_rs.run_logs) + \
         (SELECT count(*) FROM nango_rs.connections c WHERE c::text LIKE '%OLD-SECRET%')",
    );
    assert_eq!(left, "0");
}
