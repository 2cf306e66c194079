//! Tests with servers that cannot prove their identity, and with databases that another role prepared.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// The TLS request of the server's protocol.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Accepts one connection, sends this response to its TLS request, and returns the bytes that follow.
async fn responding(response: &'static [u8]) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).await.unwrap();
        assert_eq!(request, TLS_REQUEST);
        client.write_all(response).await.unwrap();
        let mut rest = vec![0; 1 << 10];
        let read = tokio::time::timeout(Duration::from_secs(5), client.read(&mut rest)).await.unwrap().unwrap();
        rest.truncate(read);
        rest
    });
    (port, seen)
}

async fn refused(url: &str) -> String {
    Chain(&opening_error(url).await).to_string()
}

#[tokio::test]
async fn server_that_refuses_tls_gets_no_login_unless_it_is_on_this_machine() {
    let (port, seen) = responding(b"N").await;
    // This address reaches the loopback interface, but is not a loopback address.
    let error = opening_error(&format!("postgres://me:hush@0.0.0.0:{port}/shop")).await;
    let shown = Chain(&error).to_string();
    assert!(shown.contains(&format!("`shop` at 0.0.0.0:{port} is not secure: server does not support TLS")), "{shown}");
    // The command line words it with the choices of `sslmode`.
    assert_eq!(error.remedy(), Some(Remedy::ConfigureTls));
    assert_eq!(seen.await.unwrap(), b"", "neither a user nor a password");

    for local in ["postgres://me:hush@127.0.0.1", "postgres://me:hush@localhost"] {
        let (port, seen) = responding(b"N").await;
        refused(&format!("{local}:{port}/shop")).await;
        let login = seen.await.unwrap();
        assert!(login.windows(3).any(|part| part == b"me\0"), "{login:?}");
    }
    let (port, seen) = responding(b"N").await;
    refused(&format!("postgres://me:hush@0.0.0.0:{port}/shop?sslmode=prefer")).await;
    assert!(!seen.await.unwrap().is_empty(), "the URL chose it");
}

/// Roles of one test, dropped at its end.
struct Roles<'a>(&'a Database, Vec<String>);

impl<'a> Roles<'a> {
    /// Creates roles that may log in. Returns `None` if the URL of the server cannot be changed to another user.
    fn new<const N: usize>(database: &'a Database, names: [&str; N]) -> Option<(Self, [String; N])> {
        if !database.url.contains("user=postgres") {
            return None;
        }
        let names = names.map(|name| format!("{}_{name}", database.name()));
        for name in &names {
            database.sql(&format!("CREATE ROLE {name} LOGIN"));
        }
        Some((Self(database, names.to_vec()), names))
    }

    fn url(&self, role: &str) -> String {
        self.0.url.replace("user=postgres", &format!("user={role}"))
    }
}

impl Drop for Roles<'_> {
    fn drop(&mut self) {
        for name in &self.1 {
            self.0.sql(&format!(
                "ALTER DATABASE {} OWNER TO postgres; DROP OWNED BY {name} CASCADE; DROP ROLE {name}",
                self.0.name()
            ));
        }
    }
}

/// Returns SQL of a malicious database owner: a version table whose trigger makes the owner a superuser.
fn prepared(evil: &str) -> String {
    format!(
        "SET ROLE {evil}; CREATE SCHEMA nango_rs; \
         CREATE TABLE nango_rs.version (application TEXT, number BIGINT); \
         GRANT ALL ON SCHEMA nango_rs TO PUBLIC; GRANT ALL ON nango_rs.version TO PUBLIC; \
         CREATE FUNCTION nango_rs.evil() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN EXECUTE 'ALTER ROLE {evil} SUPERUSER'; RETURN NULL; END $$; \
         CREATE TRIGGER evil AFTER INSERT ON nango_rs.version EXECUTE FUNCTION nango_rs.evil()"
    )
}

#[tokio::test]
async fn schema_of_another_role_is_refused_before_its_code_runs() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    let Some((roles, [evil, app])) = Roles::new(&database, ["evil", "app"]) else { return };
    database.sql(&format!("ALTER DATABASE {} OWNER TO {evil}", database.name()));
    database.sql(&prepared(&evil));
    for url in [database.url.clone(), roles.url(&app)] {
        let shown = refused(&url).await;
        assert!(shown.contains(&format!("belongs to the role `{evil}`, whose code would run")), "{shown}");
        assert!(shown.contains(&format!("log in as `{evil}`")), "{shown}");
        assert_eq!(shown.contains("a member of"), url != database.url, "{shown}");
    }
    assert_eq!(database.sql(&format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{evil}'")), "f");
    // A membership that another role granted does not make a superuser trust that role.
    database.sql(&format!("GRANT {evil} TO postgres"));
    refused(&database.url).await;
    database.sql(&format!("REVOKE {evil} FROM postgres"));
}

#[tokio::test]
async fn schema_with_an_object_of_another_role_is_refused() {
    let Some(server) = postgres_server::server() else { return };
    for (made, what) in [
        (
            "GRANT CREATE, USAGE ON SCHEMA nango_rs TO {evil}; SET ROLE {evil}; CREATE TABLE nango_rs.extra (a INT)",
            "table `extra`",
        ),
        (
            "GRANT CREATE, USAGE ON SCHEMA nango_rs TO {evil}; SET ROLE {evil}; \
             CREATE FUNCTION nango_rs.extra() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
            "function `extra`",
        ),
        (
            "GRANT USAGE ON SCHEMA nango_rs TO {evil}; GRANT TRIGGER ON nango_rs.runs TO {evil}; \
             CREATE SCHEMA extra AUTHORIZATION {evil}; SET ROLE {evil}; \
             CREATE FUNCTION extra.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER extra AFTER INSERT ON nango_rs.runs EXECUTE FUNCTION extra.f()",
            "trigger `extra`",
        ),
    ] {
        let database = server.create_empty_database();
        let Some((roles, [app, evil])) = Roles::new(&database, ["app", "evil"]) else { return };
        database.sql(&format!("ALTER DATABASE {} OWNER TO {app}", database.name()));
        let url = roles.url(&app);
        Postgres::open(&url).await.unwrap().close().await.unwrap();
        database.sql(&format!("SET ROLE {app}; RESET ROLE; {}", made.replace("{evil}", &evil)));
        let shown = refused(&url).await;
        assert!(
            shown.contains(&format!("the {what} of its schema `nango_rs` belongs to the role `{evil}`")),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn schema_is_used_by_its_owner_and_by_members_of_it() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    let Some((roles, [owner, member])) = Roles::new(&database, ["owner", "member"]) else { return };
    database.sql(&format!("ALTER DATABASE {} OWNER TO {owner}; GRANT {owner} TO {member}", database.name()));
    for role in [&owner, &member] {
        let store = Postgres::open(&roles.url(role)).await.unwrap();
        assert_eq!(store.warnings(), []);
        let run = begin(&store).await;
        save(&store, run, [1], "x").await;
        store.close().await.unwrap();
    }
    let shown = refused(&database.url).await;
    assert!(shown.contains("belongs to the role"), "a superuser does not run the code of others: {shown}");
}

#[tokio::test]
async fn superuser_is_warned_about() {
    let Some(database) = database() else { return };
    if database.sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") != "t" {
        return;
    }
    let store = Postgres::open(&database.url).await.unwrap();
    let role = database.sql("SELECT current_user");
    assert_eq!(store.warnings(), [StoreWarning::Superuser { role }]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_of_another_search_path_are_not_called() {
    let Some(server) = postgres_server::server() else { return };
    let database = server.create_empty_database();
    // In a schema before the system's, with argument types that match better.
    database.sql(
        "CREATE SCHEMA evil; CREATE TABLE evil.called (who TEXT); \
         CREATE FUNCTION evil.clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE sql AS \
         $$ INSERT INTO evil.called VALUES ('clock_timestamp'); SELECT pg_catalog.now() $$; \
         CREATE FUNCTION evil.current_setting(TEXT) RETURNS TEXT LANGUAGE sql AS \
         $$ INSERT INTO evil.called VALUES ('current_setting'); SELECT pg_catalog.current_setting($1) $$; \
         CREATE FUNCTION evil.pg_current_snapshot() RETURNS pg_snapshot LANGUAGE sql AS \
         $$ INSERT INTO evil.called VALUES ('snapshot'); SELECT pg_catalog.pg_current_snapshot() $$; \
         CREATE FUNCTION evil.pg_notify(TEXT, TEXT) RETURNS VOID LANGUAGE sql AS \
         $$ INSERT INTO evil.called VALUES ('notify') $$; \
         CREATE FUNCTION evil.times(NUMERIC, INT) RETURNS NUMERIC LANGUAGE sql AS \
         $$ INSERT INTO evil.called VALUES ('times'); SELECT $1 OPERATOR(pg_catalog.*) $2::numeric $$; \
         CREATE OPERATOR evil.* (LEFTARG = NUMERIC, RIGHTARG = INT, FUNCTION = evil.times)",
    );
    for path in ["evil, pg_catalog", "evil"] {
        database.sql(&format!("ALTER DATABASE {} SET search_path = {path}", database.name()));
        let store = Postgres::open(&database.url).await.unwrap();
        let run = begin(&store).await;
        save(&store, run, [1], path).await;
        store.heartbeat(&run).await.unwrap();
        store.wait_for_change(Duration::from_millis(1_500)).await.unwrap();
        store.close().await.unwrap();
    }
    assert_eq!(database.sql("SELECT string_agg(DISTINCT who, ' ') FROM evil.called"), "");
}
