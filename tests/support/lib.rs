//! What the workspace's tests share: the `registry` binary in a directory of its own, real and recorded servers to run
//! it against, and the tools that those need.
//!
//! A test here looks at the product from outside. Everything a helper starts ends with the test (or, where it is
//! shared, with the test process), and nothing outside the target directory and temporary directories is written.

#![expect(clippy::expect_used, reason = "only tests call this crate, and a panic is how it reports to them")]

mod background;
pub mod bench_server;
pub mod catalogue;
pub mod descriptions;
pub mod echo;
pub mod faketime;
pub mod golden;
pub mod measure;
pub mod metered;
pub mod npm;
pub mod oauth;
pub mod octokit;
pub mod pgbouncer;
pub mod postgres;
pub mod prism;
pub mod registry;
pub mod release_registry;
pub mod rng;
pub mod tools;
pub mod upstream;
pub mod virtual_time;

pub use background::wait;
pub use registry::{Output, Registry, Running};
