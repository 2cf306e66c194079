//! A PostgreSQL server for measurements, whose CPU is counted.

use std::path::PathBuf;

use crate::{
    measure::{Outcome, cpu_of_postgres},
    postgres::{Database, Server},
};

/// A throw-away server with production settings: it waits for the disk.
#[derive(Debug)]
pub struct MeasuredCluster {
    server: &'static Server,
    data: PathBuf,
}

impl MeasuredCluster {
    /// Starts a server, with settings in addition to the usual ones.
    ///
    /// # Errors
    ///
    /// Fails if the server does not start.
    pub fn start(settings: &[&str]) -> Outcome<Self> {
        let usual = ["fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB"];
        let all: Vec<&str> = usual.iter().chain(settings).copied().collect();
        // Leaked, because the server runs as long as this process, and its databases need a `'static` reference.
        let server: &'static Server = Box::leak(Box::new(Server::start(&all)?));
        let data = PathBuf::from(server.create_empty_database().sql("SHOW data_directory").trim());
        Ok(Self { server, data })
    }

    /// Creates an empty database.
    pub fn database(&self) -> Database {
        self.server.create_empty_database()
    }

    /// Returns the CPU seconds of the server so far.
    ///
    /// # Errors
    ///
    /// Fails if the server has ended.
    pub fn cpu(&self) -> Outcome<f64> {
        cpu_of_postgres(&self.data)
    }
}
