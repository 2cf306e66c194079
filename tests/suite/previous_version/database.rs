//! The checked-in databases, and copies of them with a `registry` that uses them.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use nango_tests::{DatabaseKind, Registry, TestDatabase};
use serde_json::Value;

use super::{Api, api::BASE_URL};

/// Encryption key of the fixtures; not a secret.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One of the checked-in databases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixture {
    pub(super) kind: DatabaseKind,
    /// Whether payloads are encrypted.
    pub(super) sealed: bool,
}

/// A database with the registries that use it, and the API.
pub(super) struct OpenedDatabase {
    pub(super) registry: Registry,
    /// The binary with the integration `proof`, on the same database.
    pub(super) proof: Registry,
    pub(super) url: String,
    pub(super) api: Api,
    pub(super) database: TestDatabase,
}

impl Fixture {
    pub(super) const ALL: [Self; 4] = [
        Self { kind: DatabaseKind::Sqlite, sealed: false },
        Self { kind: DatabaseKind::Sqlite, sealed: true },
        Self { kind: DatabaseKind::Postgres, sealed: false },
        Self { kind: DatabaseKind::Postgres, sealed: true },
    ];

    /// Returns the JSON that the previous version printed.
    pub(super) fn printed(self) -> Value {
        serde_json::from_slice(&unpack(&self.path("json.gz"))).expect("JSON")
    }

    /// Returns the content of the database: the `SQLite` file, or the statements of `pg_dump`.
    fn content(self) -> Vec<u8> {
        unpack(&self.database_path())
    }

    /// Stores the content and the printed JSON.
    pub(super) fn store(self, content: &[u8], printed: &Value) {
        pack(&self.database_path(), content);
        pack(&self.path("json.gz"), format!("{printed:#}\n").as_bytes());
    }

    fn database_path(self) -> PathBuf {
        self.path(if self.kind == DatabaseKind::Sqlite { "db.gz" } else { "sql.gz" })
    }

    fn path(self, extension: &str) -> PathBuf {
        let product = self.kind.product();
        let payloads = if self.sealed { "sealed" } else { "plain" };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/previous_version");
        folder.join(format!("{product}-{payloads}.{extension}"))
    }
}

impl OpenedDatabase {
    /// Copies a checked-in database. Returns `None` if there is no server for it.
    pub(super) fn load(fixture: Fixture) -> Option<Self> {
        let opened = Self::empty(fixture)?;
        let content = fixture.content();
        match opened.database.on_server() {
            None => fs::write(opened.registry.database(), content).expect("a copy of the database"),
            Some(database) => {
                database.sql(&String::from_utf8(content).expect("SQL"));
            }
        }
        Some(opened)
    }

    /// Prepares a database that does not exist yet. Returns `None` if there is no server for it.
    pub(super) fn empty(fixture: Fixture) -> Option<Self> {
        let mut registry = Registry::new();
        let integration = |name: &str| format!("[integrations.{name}]\nbase_url = \"{BASE_URL}\"\n");
        registry.config(&format!("{}{}", integration("hubspot"), integration("github")));
        let database = fixture.kind.create()?;
        // Both registries use the file in the directory of the first.
        let url = database.url(registry.dir());
        let mut proof = Registry::proof(BASE_URL);
        proof.config(&format!("{}provider = \"github-pat\"\n", integration("proof")));
        let api = Api::start();
        for registry in [&mut registry, &mut proof] {
            api.serve_requests_of(registry);
            registry.env("NANGO_DATABASE_URL", &url).env("NANGO_ENCRYPTION_KEY", KEY);
            registry.env("NANGO_ENCRYPT_RECORDS", fixture.sealed.to_string());
        }
        Some(Self { registry, proof, url, api, database })
    }
}

fn unpack(path: &Path) -> Vec<u8> {
    let packed = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut content = Vec::new();
    GzDecoder::new(&*packed).read_to_end(&mut content).expect("a gzip file");
    content
}

fn pack(path: &Path, content: &[u8]) {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(content).expect("bytes in memory");
    fs::write(path, packer.finish().expect("bytes in memory")).expect("a file of the fixtures");
}
