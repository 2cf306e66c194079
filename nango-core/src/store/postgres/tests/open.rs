//! Tests of opening: unsupported servers and schemas, and processes that open a database at the same time.

use super::*;

async fn refused(url: &str) -> String {
    Chain(&opening_error(url).await).to_string()
}

#[tokio::test]
async fn unusable_server_is_reported_with_reason() {
    let Some(server) = postgres_server::server() else { return };
    let url = server.url("no_such_database");
    let error = refused(&url).await;
    assert!(
        error.contains("the database `no_such_database` at") && error.contains("createdb no_such_database"),
        "{error}"
    );
    let error = refused("postgres://me:hush@127.0.0.1:1/shop").await;
    assert!(error.starts_with("the database `shop` at 127.0.0.1:1 cannot be reached:"), "{error}");
    let error = refused("postgresql://me:hush@host.invalid/shop?sslmode=disable").await;
    assert!(error.starts_with("the database `shop` at host.invalid:5432 cannot be reached:"), "{error}");
    let error = refused("postgres://me:hush@h:port/shop").await;
    assert!(error.starts_with("invalid database URL: invalid port number"), "{error}");
    let error = refused("mysql://me:hush@h/shop").await;
    assert!(
        error.contains("`mysql:`") && error.contains("sqlite:nango.db") && error.contains("postgres://"),
        "{error}"
    );
}

#[tokio::test]
async fn unknown_user_is_refused() {
    let Some(database) = database() else { return };
    database.sql("SELECT 1");
    let url = database.url.replace("user=postgres", "user=no_such_user&password=hush");
    if url == database.url {
        // A server that was given by its URL, which names the user differently.
        return;
    }
    let error = opening_error(&url).await;
    assert!(error.to_string().ends_with("refused the login"), "{error}");
    assert!(Chain(&error).to_string().contains(": role \"no_such_user\""), "{}", Chain(&error));
    assert_eq!(error.remedy(), Some(Remedy::CheckLogin));
}

#[tokio::test]
async fn schema_of_first_version_is_migrated() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    let store = Postgres::open(&database.url).await.unwrap();
    store.put_connection(super::maintenance::connection()).await.unwrap();
    store.close().await.unwrap();
    let later = "version renew_at refresh_holder refresh_until failures failed_at failure refused rejected_since \
                 end_user tags webhook_url";
    for name in later.split(' ') {
        database.sql(&format!("ALTER TABLE nango_rs.connections DROP COLUMN {name}"));
    }
    for name in ["scan_began", "scan_live", "scan_forward", "brought_forward", "waits"] {
        database.sql(&format!("ALTER TABLE nango_rs.datasets DROP COLUMN {name}"));
    }
    database.sql(
        "ALTER TABLE nango_rs.record_keys DROP COLUMN updated, DROP COLUMN older, DROP COLUMN older_walk, \
         DROP COLUMN parent; \
         ALTER TABLE nango_rs.run_models DROP COLUMN skipped_older; \
         ALTER TABLE nango_rs.runs DROP COLUMN queued, DROP COLUMN first_run, DROP COLUMN attempt, DROP COLUMN idle, \
         DROP COLUMN options, DROP COLUMN mark, DROP COLUMN checkpoint_version; \
         DROP INDEX nango_rs.runs_finished, nango_rs.runs_running; \
         DROP TABLE nango_rs.api_keys, nango_rs.secrets; \
         DROP TABLE nango_rs.delete_states, nango_rs.processes, nango_rs.parents, nango_rs.schedules, \
         nango_rs.due_runs; \
         UPDATE nango_rs.version SET number = 1",
    );
    let store = Postgres::open(&database.url).await.unwrap();
    let [stored] = &store.connections(None).await.unwrap()[..] else { panic!("the connection is missing") };
    assert_eq!((stored.version, stored.refresh_at, &stored.failure), (1, None, &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_concurrently_create_one_schema() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    let opening: Vec<_> = (0..6)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move { Postgres::open(&url).await.unwrap() })
        })
        .collect();
    let mut stores = Vec::new();
    for store in opening {
        stores.push(store.await.unwrap());
    }
    assert_eq!(database.sql("SELECT application, number FROM nango_rs.version"), format!("nng1|{SCHEMA_VERSION}"));
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'records\\___' AND relkind = 'r'"), "16");
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
    // They share one hash key: a record of one process is unchanged for the other, and its cursors are valid.
    let run = begin(&stores[0]).await;
    save(&stores[0], run, [1], "x").await;
    assert_eq!(save(&stores[5], run, [1], "x").await, [RowOutcome::Unchanged]);
    let cursor = Some(feed(&stores[0]).await[0].cursor.clone());
    assert_eq!(
        stores[5].read(&dataset(), ReadQuery { cursor, ..ReadQuery::default() }).await.unwrap(),
        FeedPage::default()
    );
}

#[tokio::test]
async fn foreign_schemas_are_refused_and_not_changed() {
    let Some(server) = postgres_server::server() else { return };
    for (made, expect) in [
        ("CREATE TABLE nango_rs.things (a INT)", "belongs to another program"),
        ("CREATE TABLE nango_rs.version (a INT)", "belongs to another program"),
        (
            "CREATE TABLE nango_rs.version (application TEXT, number BIGINT); INSERT INTO nango_rs.version \
             VALUES ('x', 1)",
            "belongs to another program",
        ),
        (
            "CREATE TABLE nango_rs.version (application TEXT, number BIGINT); INSERT INTO nango_rs.version \
             VALUES ('nng1', 99)",
            format!(
                "has schema version 99, this program supports versions up to {SCHEMA_VERSION}: use a newer program"
            )
            .as_str(),
        ),
    ] {
        let database = server.create_empty_database();
        database.sql(&format!("CREATE SCHEMA nango_rs; {made}"));
        let error = refused(&database.url).await;
        assert!(error.contains(expect) && error.contains(database.name()), "{error}");
        assert_eq!(
            database
                .sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'nango_rs'::regnamespace AND relkind = 'r'"),
            "1"
        );
    }
    // A newer program only added to the schema.
    let database = server.create_empty_database();
    Postgres::open(&database.url).await.unwrap().close().await.unwrap();
    database.sql("UPDATE nango_rs.version SET number = 99");
    Postgres::open(&database.url).await.unwrap().close().await.unwrap();
    assert_eq!(database.sql("SELECT number FROM nango_rs.version"), "99");
    database.sql("UPDATE nango_rs.meta SET value = '99' WHERE key = 'readable_from'");
    assert!(refused(&database.url).await.contains("has schema version 99"));
    // The schema of Nango itself does not conflict.
    let database = server.create_empty_database();
    database.sql("CREATE SCHEMA nango; CREATE TABLE nango._nango_connections (id INT)");
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    assert_eq!(save(&store, run, [1], "x").await, [RowOutcome::Added]);
}

#[tokio::test]
async fn user_without_rights_is_reported() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    let role = format!("{}_guest", database.name());
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let url = database.url.replace("user=postgres", &format!("user={role}"));
    let error = if url == database.url { None } else { Some(refused(&url).await) };
    database.sql(&format!("DROP ROLE {role}"));
    if let Some(error) = error {
        assert!(error.starts_with("the database denied permission: permission denied for database"), "{error}");
    }
}

#[tokio::test]
async fn store_works_without_named_statements() {
    let Some(database) = database() else { return };
    let url = database.url_with("statement-cache-capacity=0");
    let store = Postgres::open(&url).await.unwrap();
    let run = begin(&store).await;
    for text in ["a", "a", "b"] {
        let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
        save(&store, run, 0..10, text).await;
        let end = unguarded_finish_scan(run, key(), dataset(), scan);
        store.finish_scan(end).await.unwrap();
    }
    assert_eq!(ids(&feed(&store).await), "0 1 2 3 4 5 6 7 8 9");
    let named = store.read_with((), |db, ()| {
        let count = "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''";
        Box::pin(async move { Ok(db.query_scalar::<i64>(count).fetch_one(&mut *db.sql).await?) })
    });
    assert_eq!(named.await.unwrap(), 0);
}
