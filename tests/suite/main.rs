//! The tests of the `registry` binary, from outside, in one program of modules.

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
