//! The tests of the `registry` binary, from outside, in one program of modules.

#![expect(clippy::expect_used, reason = "only tests: a panic is how they report")]

mod bad_input;
mod compile_fail;
mod connections;
mod demo;
mod functions;
mod interruption;
mod pagination;
mod recorded_github;
mod records;
mod schema;
mod servers;
mod support;
mod webhooks;
