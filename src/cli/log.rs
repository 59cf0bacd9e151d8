//! What is said on standard error while a command runs, beside its own output.

use tracing_subscriber::EnvFilter;

/// Lets warnings be heard; with `-v` what happens as well, with `-vv` every detail.
///
/// Of other crates nothing is heard: what they print may hold headers with keys.
pub(super) fn init(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::new(format!("off,rewind_gate={level}"));
    let format = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .without_time();
    // A second one is refused: the first goes on.
    let _is_first = format.try_init().is_ok();
}
