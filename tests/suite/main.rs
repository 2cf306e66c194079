//! End-to-end tests of the `registry` binary, the conformance suite of databases, and tests of the rules of the source.
//! All modules are in one test program, which links faster than one program each.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests report failures by panics, and print measurements for `--nocapture`"
)]

mod api_keys;
mod architecture;
mod auth_servers;
mod bad_input;
mod catalogue;
mod compile_fail;
#[cfg(debug_assertions)]
mod conformance;
mod connection_reads;
mod connections;
mod crash;
mod database;
mod database_copy;
mod demo;
mod deploy;
mod described_github;
mod docs;
mod doctor;
mod encryption;
mod example_apis;
mod example_feeds;
mod example_recordings;
mod facts;
mod files;
mod frozen;
mod functions;
mod future_clock;
mod graphql;
mod hostile_api;
mod import;
mod integrations_crate;
mod interruption;
mod openapi_schema;
mod pagination;
mod pooler;
mod postgres;
mod previous_version;
mod providers;
mod public_items;
mod rate_limit;
mod recorded_github;
mod recordings;
mod records;
mod refresh;
mod request_paths;
mod response_bodies;
mod schedules;
mod schema;
mod schemathesis;
mod secrets;
mod serve;
mod serve_access;
mod serve_client;
mod serve_connections;
mod serve_database;
mod serve_hostile;
mod serve_metrics;
mod serve_requests;
mod slow_tests;
mod sources;
mod support_library;
mod synced_registry;
mod typescript;
mod value_checks;
mod webhooks;
mod wording;
