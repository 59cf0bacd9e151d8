//! End-to-end tests: the built binary, real sockets, real SQLite, real child processes.

mod record;
mod support;
