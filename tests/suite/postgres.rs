//! The binary with a PostgreSQL database.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    process::Command,
};

use nango_tests::{
    Registry, http_server,
    postgres::{self, Server},
    tools,
};
use tempfile::TempDir;

#[test]
fn demo_runs_on_server_and_no_message_contains_password() {
    let Some(database) = postgres::create_empty_database() else { return };
    let url = database.url_with("password=s3cret");
    let registry = Registry::new();
    let made = registry.run(["--database", &url, "demo"]).expect(0);
    assert!(!made.stderr.contains("s3cret") && !made.stdout.contains("s3cret"), "{}", made.stderr);
    assert!(registry.dir().join("nango.key").exists(), "the key file is in the working directory");
    assert!(!registry.database().exists(), "no database file was created");
    let first: u64 =
        database.sql("SELECT seq FROM nango_rs.datasets WHERE model = 'GithubIssue'").parse().expect("a sequence");
    let read =
        registry.run(["--database", &url, "records", "github", "GithubIssue", "--connection", "stand-in", "--json"]);
    assert!(read.expect(0).stdout.contains("\"records\""));
    registry.run(["--database", &url, "demo"]).expect(0);
    let second: u64 =
        database.sql("SELECT seq FROM nango_rs.datasets WHERE model = 'GithubIssue'").parse().expect("a sequence");
    assert!(first > 0 && second >= first, "{first} {second}");

    // Removed rows stay in the server's files until it vacuums, and in backups longer; the commands report both.
    let empty_args = ["--database", &url, "database", "empty", "github", "GithubIssue", "--connection", "stand-in"];
    let emptied = registry.run(empty_args).expect(0);
    assert!(emptied.stderr.contains("the server keeps removed rows until it vacuums"), "{}", emptied.stderr);
    let vacuumed = registry.run(["--database", &url, "database", "vacuum"]).expect(0);
    assert!(vacuumed.stdout.starts_with("vacuumed ") && !vacuumed.stdout.contains("s3cret"), "{}", vacuumed.stdout);
    assert!(vacuumed.stderr.contains("its write-ahead log and their backups"), "{}", vacuumed.stderr);

    // If the key file is missing, the error message does not contain the password either.
    std::fs::remove_file(registry.dir().join("nango.key")).expect("a key that can be removed");
    let refused = registry.run(["--database", &url, "connection", "list"]).expect(3);
    let message = refused.stderr;
    assert!(message.contains("nango.key is missing") && !message.contains("s3cret"), "{message}");
}

/// Certificates of an authority that only the test trusts.
struct Certificates(TempDir);

impl Certificates {
    /// Creates them with `openssl`, for the address 0.0.0.0. Returns `None` if `openssl` is missing, which is then
    /// printed.
    fn new() -> Option<Self> {
        const CONFIG: &str = "[req]\ndistinguished_name=name\n[name]\n[authority]\nbasicConstraints=critical,CA:TRUE\n\
                              [server]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=IP:0.0.0.0\n";
        let Some(openssl) = tools::find("openssl") else {
            return tools::skip("a server with TLS", "it needs `openssl`");
        };
        let certificates = Self(tempfile::Builder::new().prefix("tls-").tempdir().expect("a temporary directory"));
        // The server runs as another user, who must be able to read the files.
        fs::set_permissions(certificates.0.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        fs::write(certificates.path("config"), CONFIG).expect("a file");
        let make = |name: &str, signing_args: &[&str]| {
            let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
            let mut command = Command::new(&openssl);
            command
                .current_dir(certificates.0.path())
                .args(["req", "-x509", "-config", "config", "-nodes", "-days", "2"]);
            command.args([
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-subj",
                &format!("/CN={name}"),
            ]);
            command.args(["-extensions", name, "-keyout", &key, "-out", &certificate]).args(signing_args);
            let ran = command.output().expect("`openssl` runs");
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        };
        make("authority", &[]);
        make("server", &["-CA", "authority.pem", "-CAkey", "authority.key"]);
        Some(certificates)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Starts a server with TLS on a free port of the loopback interface.
fn server_with_tls(certificates: &Certificates) -> Option<(Server, u16)> {
    let owner = fs::metadata(postgres::server()?.data()?).expect("the files of a server");
    let (key, certificate) = (certificates.path("server.key"), certificates.path("server.pem"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions");
    chown(&key, Some(owner.uid()), Some(owner.gid())).expect("another owner");
    let port = http_server::free_port();
    let files = [("ssl_cert_file", certificate), ("ssl_key_file", key)];
    let [certificate, key] = files.map(|(name, file)| format!("{name}={}", file.display()));
    let port_setting = format!("port={port}");
    let server = Server::start(&["listen_addresses=127.0.0.1", &port_setting, "ssl=on", &certificate, &key]);
    Some((server.expect("a server with TLS"), port))
}

#[test]
fn server_on_another_host_is_verified_unless_url_disables_it() {
    let Some(certificates) = Certificates::new() else { return };
    let Some((_server, port)) = server_with_tls(&certificates) else { return };
    let authority = certificates.path("authority.pem");
    let authority = authority.display();
    // This address reaches the loopback interface, but does not count as a loopback address.
    let url = format!("postgres://postgres:s3cret@0.0.0.0:{port}/postgres");
    let list = |registry: &Registry, url: &str| registry.run(["--database", url, "connection", "list"]);

    let mut registry = Registry::new();
    let refused = list(&registry, &url).expect(3).stderr;
    assert!(refused.contains("is not secure: its certificate is signed by an unknown authority"), "{refused}");
    assert!(refused.contains("?sslrootcert=FILE") && !refused.contains("s3cret"), "{refused}");
    list(&registry, &format!("{url}?sslrootcert={authority}")).expect(0);
    list(&registry, &format!("{url}?sslmode=require")).expect(0);
    let local = url.replace("0.0.0.0", "127.0.0.1");
    list(&registry, &local).expect(0);
    let other = list(&registry, &format!("{local}?sslmode=verify-full&sslrootcert={authority}")).expect(3).stderr;
    assert!(other.contains("is not secure: its certificate is for another host name"), "{other}");
    let missing = list(&registry, &format!("{url}?sslrootcert=no-such-file")).expect(3).stderr;
    assert!(missing.contains("the file `no-such-file` of its parameter `sslrootcert` cannot be read"), "{missing}");

    registry.env("PGSSLMODE", "verify_full");
    let unknown = list(&registry, &url).expect(3).stderr;
    assert!(unknown.contains("PGSSLMODE has an unknown value"), "{unknown}");
    registry.env("PGSSLMODE", "require");
    list(&registry, &url).expect(0);
    registry.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", certificates.path("authority.pem"));
    list(&registry, &url).expect(0);
}

#[test]
fn superuser_warning_is_printed_once_and_only_on_stderr() {
    let Some(database) = postgres::create_empty_database() else { return };
    if database.sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") != "t" {
        return;
    }
    let warning = "warning: the database role `postgres` is a superuser: create a separate role";
    let registry = Registry::new();
    let listed = registry.run(["--database", &database.url, "connection", "list", "--json"]).expect(0);
    assert_eq!(listed.stderr.matches(warning).count(), 1, "{}", listed.stderr);
    listed.json();
    let owner = format!("{}_owner", database.name());
    database.sql(&format!("DROP SCHEMA nango_rs CASCADE; CREATE ROLE {owner} LOGIN"));
    database.sql(&format!("ALTER DATABASE {} OWNER TO {owner}", database.name()));
    let url = database.url.replace("user=postgres", &format!("user={owner}"));
    let listed = registry.run(["--database", &url, "connection", "list"]).expect(0);
    assert!(!listed.stderr.contains("warning"), "{}", listed.stderr);
    // A superuser is refused here, because a database owned by another role could run code with its rights.
    let refused = registry.run(["--database", &database.url, "connection", "list"]).expect(3).stderr;
    assert!(refused.contains(&format!("log in as `{owner}`")), "{refused}");
    database.sql(&format!("ALTER DATABASE {} OWNER TO postgres", database.name()));
    database.sql(&format!("DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}"));
}
