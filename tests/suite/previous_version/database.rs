//! The checked-in databases, and copies of them with a `registry` that uses them.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use nango_tests::{Registry, postgres};
use serde_json::Value;

use super::{Api, api::BASE_URL};

/// Encryption key of the fixtures; not a secret.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

/// One of the checked-in databases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixture {
    pub(super) kind: Kind,
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
    /// Database on a server, which is dropped at the end; `None` for a file.
    pub(super) database: Option<postgres::Database>,
}

impl Fixture {
    pub(super) const ALL: [Self; 4] = [
        Self { kind: Kind::Sqlite, sealed: false },
        Self { kind: Kind::Sqlite, sealed: true },
        Self { kind: Kind::Postgres, sealed: false },
        Self { kind: Kind::Postgres, sealed: true },
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
        self.path(if self.kind == Kind::Sqlite { "db.gz" } else { "sql.gz" })
    }

    fn path(self, extension: &str) -> PathBuf {
        let kind = if self.kind == Kind::Sqlite { "sqlite" } else { "postgres" };
        let payloads = if self.sealed { "sealed" } else { "plain" };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/previous_version");
        folder.join(format!("{kind}-{payloads}.{extension}"))
    }
}

impl OpenedDatabase {
    /// Copies a checked-in database. Returns `None` if there is no server for it.
    pub(super) fn load(fixture: Fixture) -> Option<Self> {
        let opened = Self::empty(fixture)?;
        let content = fixture.content();
        match &opened.database {
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
        let database = match fixture.kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(postgres::server()?.create_empty_database()),
        };
        let file = || format!("sqlite:{}", registry.database().display());
        let url = database.as_ref().map_or_else(file, |database| database.url.clone());
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
