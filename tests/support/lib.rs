//! Support library of the workspace's tests: the `registry` binary in a separate directory, real and recorded servers
//! to run it against, and the tools that those need.
//!
//! The tests use the product from outside. Everything that a helper starts ends with the test (or, if it is shared,
//! with the test process), and nothing is written outside the target directory and temporary directories.

#![expect(clippy::expect_used, reason = "only tests call this crate, and it reports failures by panics")]

pub mod api_server;
mod background;
pub mod bench_server;
pub mod catalogue;
pub mod database;
pub mod descriptions;
pub mod echo;
pub mod faketime;
pub mod golden;
pub mod graphql;
pub mod http_client;
pub mod http_server;
mod install;
pub mod internal;
pub mod measure;
pub mod measured_cluster;
pub mod metered;
pub mod nango_client;
pub mod npm;
pub mod oauth;
pub mod octokit;
pub mod pgbouncer;
pub mod postgres;
pub mod prism;
pub mod raw_http;
pub mod registry;
pub mod release_registry;
pub mod rng;
pub mod schemathesis;
pub mod step_log;
pub mod tools;
pub mod typescript;
pub mod upstream;
pub mod virtual_time;

pub use api_server::ApiServer;
pub use background::{lock, wait};
pub use database::{DatabaseKind, TestDatabase};
pub use http_server::serve;
pub use registry::{Output, Registry, Running};
