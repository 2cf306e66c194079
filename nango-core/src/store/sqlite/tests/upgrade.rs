//! Test with a database of the last version before redaction, which stored API responses unredacted.

use super::*;

const BEFORE: &str = include_str!("../../fixtures/before-redaction.sqlite.sql");
/// Texts that the program stores only in runs of functions and in token refreshes.
const MORE: &str = "
    INSERT INTO run_logs (run, at, level, message, fields)
        VALUES (2, 1, 'warn', 'left out: OLD-SECRET-log', '{\"a\":\"OLD-SECRET-field\"}');
    UPDATE connections SET failures = 1, failed_at = 1, failure = 'answered 401 (OLD-SECRET-failure)', refused = 1;
";

#[tokio::test]
async fn stored_errors_and_logs_are_cleaned_when_an_older_file_is_opened() {
    let (dir, path) = file();
    Raw::open(&path).unwrap().execute_batch(&format!("PRAGMA page_size = 8192; {BEFORE} {MORE}")).unwrap();
    let contains = |text: &str| {
        let bytes =
            names(&dir).into_iter().flat_map(|name| fs::read(dir.path().join(name)).unwrap()).collect::<Vec<_>>();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    };
    assert!(contains("OLD-SECRET-abc") && contains("OLD-SECRET-log"));

    let store = Sqlite::open(&path).await.unwrap();
    let key = |kind, function: &str| {
        let [integration, connection, variant] = ["github", "one", "base"].map(str::to_owned);
        FunctionKey { kind, integration, connection, function: function.to_owned(), variant }
    };
    for (kind, function) in [(FunctionKind::Sync, "repo-issues"), (FunctionKind::Action, "delete-label")] {
        let [run] = &store.runs_of(&key(kind, function), 10).await.unwrap()[..] else { panic!("one run") };
        let error = run.error.as_ref().unwrap();
        assert_eq!(error["kind"], "Http");
        assert!(error["message"].as_str().unwrap().starts_with("The text was removed when the database was upgraded"));
        assert_eq!(store.logs(run.id).await.unwrap(), []);
        assert_eq!(run.totals.requests, 1);
    }
    let stored = store.connection("github", "one").await.unwrap().unwrap();
    let failure = stored.failure.unwrap();
    assert!(
        failure.refused && failure.attempts == 1 && failure.message.contains("removed when the database was upgraded")
    );
    assert_eq!(store.meta_value("plain_config").await.unwrap().as_deref(), Some(&[1][..]));
    assert!(!contains("OLD-SECRET"), "a text remains in the file");
    store.close().await.unwrap();
    assert!(!contains("OLD-SECRET"), "a text remains in the file");
}
