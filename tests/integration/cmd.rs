//! Help as transcripts in `tests/cmd`, and exit codes.

use std::path::Path;

use crate::support::App;

#[test]
fn the_help_is_the_one_in_the_transcripts() {
    trycmd::TestCases::new()
        .register_bin("rewind", Path::new(env!("CARGO_BIN_EXE_rewind")))
        .env("NO_COLOR", "1")
        .case("tests/cmd/*.trycmd");
}

#[test]
fn each_way_to_end_has_its_exit_code_and_a_word_on_what_to_do() {
    let no_baselines = "rewind baseline create";
    let cases: [(&[&str], i32, &str); 9] = [
        (&["gate", "--no-such-option"], 2, "--help"),
        (&["gate"], 5, no_baselines),
        (&["gate", "--filter", "none-*"], 5, no_baselines),
        (&["replay", "latest"], 2, "rewind record"),
        (&["show", "latest"], 2, "rewind record"),
        (&["diff", "nothing"], 2, "rewind record"),
        (&["import", "nowhere"], 2, "nowhere"),
        (&["record", "--", "no-such-agent"], 127, "PATH"),
        (&["record", "--", "sh", "-c", "exit 7"], 7, "no model call"),
    ];
    for (arguments, code, word) in cases {
        let run = App::new().run(arguments).exits(code);
        assert!(
            run.stderr.contains(word),
            "{arguments:?} says nothing of `{word}`:\n{}",
            run.stderr
        );
        assert_eq!(
            run.stdout, "",
            "{arguments:?} prints an error to standard output"
        );
    }
}
