//! What the packages for Python and JavaScript do with functions of every kind.

use std::fs;
use std::process::Command;

use crate::support::{App, Run, repository_path};

/// Runs `rewind` with these options on a script of `tests/fixtures/agents`; returns how many tools ran, too.
fn run(app: &App, options: &[&str], program: &str, script: &str) -> (Run, String) {
    let ran = app.folder().join("ran");
    let variables = [
        format!("BOOKINGS={}", ran.display()),
        format!("PYTHONPATH={}", repository_path("python")),
        format!("REWIND_JS={}", repository_path("js/index.js")),
    ];
    let script = repository_path(&format!("tests/fixtures/agents/{script}"));
    let mut words = options.to_vec();
    words.extend(["--", "env"]);
    words.extend(variables.iter().map(String::as_str));
    words.extend([program, &script]);
    let run = app.run(words).exits(0);
    (run, fs::read_to_string(ran).unwrap())
}

fn recorded_and_replayed(program: &str, script: &str, expected: &str, count: &str) {
    let app = App::new();
    let (recorded, ran) = run(&app, &["record", "--name", "shims"], program, script);
    assert_eq!(recorded.stdout.trim(), expected.trim());
    assert_eq!(ran, count);
    // All but those that were refused before they ran.
    let replay = ["replay", "shims", "--offline"];
    let (replayed, ran) = run(&app, &replay, program, script);
    let said = replayed.stdout.split("\n\ntimeline").next().unwrap();
    assert_eq!(said.trim(), expected.trim());
    assert_eq!(ran, "0");
}

#[test]
fn python_functions_of_every_kind_give_the_same_again() {
    let expected = "\
['a', [1, 2], None, {'other': {'deep': [1.5, True]}}]
FileNotFoundError: [Errno 2] No such file: 'here'
__main__.Odd: very odd
ValueError: no more [0, 1, 2]
[0, 1, 2]
608400
{'at': 'me'}
True
TypeError: the argument `value` of the tool `unkept` is a bytes, which is no JSON value; Rewind keeps None, bool, int, float, str, list and dict: wrap a function that takes and returns these
TypeError: the argument `value` of the tool `unkept` has the key 1, which is no text; Rewind keeps JSON values only
TypeError: the argument `value` of the tool `unkept` is nan, which JSON does not know
TypeError: the argument `value` of the tool `unkept`, at ['deep'][0], is a type, which is no JSON value; Rewind keeps None, bool, int, float, str, list and dict: wrap a function that takes and returns these
400 404 404
403 400";
    recorded_and_replayed("python3", "shims.py", expected, "86");
}

#[test]
fn javascript_functions_of_every_kind_give_the_same_again() {
    let expected = "\
{\"left\":\"a\",\"right\":[1.5,true]}
RangeError no here
RewindToolError very odd
SyntaxError no more 0,1,2
true
undefined
TypeError the argument `value` of the tool `unkept` is a Date, which is no JSON value; Rewind keeps null, booleans, numbers, strings, arrays and plain objects: wrap a function that takes and returns these
TypeError the argument `value` of the tool `unkept` is NaN, which JSON does not know
TypeError the argument `deep` of the tool `unkept`, at [0], is a function, which is no JSON value; Rewind keeps null, booleans, numbers, strings, arrays and plain objects: wrap a function that takes and returns these
TypeError the argument `value` of the tool `unkept` is a bigint, which is no JSON value; Rewind keeps null, booleans, numbers, strings, arrays and plain objects: wrap a function that takes and returns these";
    recorded_and_replayed("node", "shims.mjs", expected, "45");
}

#[test]
fn without_rewind_a_wrapped_function_is_the_function_itself() {
    let python = "from rewind import tool\ndef f(): pass\nassert tool(f) is f and tool('x')(f) is f and tool(effect='read')(f) is f";
    let js = format!(
        "import {{ tool }} from '{}'; const f = () => 1; if (tool(f, {{ effect: 'read' }}) !== f) process.exit(1)",
        repository_path("js/index.js")
    );
    let commands: [(&str, &[&str]); 2] = [
        ("python3", &["-c", python]),
        ("node", &["--input-type=module", "-e", &js]),
    ];
    for (program, arguments) in commands {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_remove("REWIND_TOOLS")
            .env("PYTHONPATH", repository_path("python"));
        assert!(command.status().unwrap().success(), "{program}");
    }
}
