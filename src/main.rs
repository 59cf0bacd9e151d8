//! The `rewind` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    rewind_gate::cli::main()
}
