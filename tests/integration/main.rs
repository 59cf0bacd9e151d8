//! End-to-end tests: the built binary, real sockets, real SQLite, real child processes.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests fail loudly; the lints' exemption covers only the tests themselves"
)]

mod action;
mod agents;
mod architecture;
mod auto;
mod baseline;
mod blog;
mod capture;
mod checks;
mod cmd;
mod examples;
mod export;
mod github;
mod history;
mod imports;
mod init;
mod judge;
mod mcp;
mod mutants;
mod packages;
mod pages;
mod readme;
mod record;
mod replay;
mod reports;
mod sdk;
mod selftest;
mod shims;
mod support;
mod told;
mod tools;
