//! Help and exit codes, as transcripts in `tests/cmd`.

use std::path::Path;

#[test]
fn transcripts_of_the_command_line_hold() {
    trycmd::TestCases::new()
        .register_bin("rewind", Path::new(env!("CARGO_BIN_EXE_rewind")))
        .env("CI", "")
        .env("NO_COLOR", "1")
        .case("tests/cmd/*.trycmd");
}
