//! The tests of the `registry` binary, from outside, in one program of modules.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "only tests: a panic is how they report, and a figure is told where somebody asks for the output"
)]

mod ahead;
mod bad_input;
mod bodies;
mod budget;
mod catalogue;
mod clock;
mod compile_fail;
mod connections;
mod crash;
mod database;
mod demo;
mod described_github;
mod encryption;
mod facts;
mod files;
mod frozen;
mod functions;
mod hostile_api;
mod interruption;
mod moves;
mod pagination;
mod paths;
mod peers;
mod pooler;
mod postgres;
mod previous_version;
mod providers;
mod recorded_github;
mod records;
mod refresh;
mod schema;
mod secrets;
mod servers;
mod support;
mod synced;
mod webhooks;
