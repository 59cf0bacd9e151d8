//! Runs of small shell scripts.

use std::collections::BTreeMap;
use std::future::pending;

use super::*;

fn spec(dir: &Utf8Path, script: &str) -> AgentSpec {
    AgentSpec {
        command: ["sh", "-c", script].map(str::to_owned).into(),
        cwd: dir.to_owned(),
        environment: Environment {
            variables: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            removed: Vec::new(),
        },
        stdio: Stdio::Capture { limit: 1 << 20 },
        ..AgentSpec::default()
    }
}

fn hook(script: &str) -> Hook {
    Hook {
        command: ["sh", "-c", script].map(str::to_owned).into(),
        timeout: Duration::from_mins(1),
    }
}

async fn execute(spec: &AgentSpec, input: Option<&str>) -> Result<Ended, AgentError> {
    let routing = Routing {
        base: "http://127.0.0.1:9/r/t".into(),
        placeholder: "rewind-t".into(),
        door: None,
        servers: Vec::new(),
        clock: None,
    };
    let run_dir = RunDir::create().unwrap();
    spec.execute(input, &routing, &run_dir, pending()).await
}

fn folder() -> (TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap().to_owned();
    (dir, path)
}

fn text(ended: &Ended) -> Option<&str> {
    let stdout = ended.stdout.as_deref();
    stdout.map(|bytes| std::str::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn a_run_has_its_own_directories_and_its_input() {
    let (_dir, path) = folder();
    let mut spec = spec(
        &path,
        "cat \"$REWIND_RUN_DIR/in/question.json\"; test -d \"$TMPDIR\" && echo \" $REWIND_INPUT\"",
    );
    spec.input = InputMode::JsonFile("in/question.json".into());
    let ended = execute(&spec, Some("why?")).await.unwrap();
    assert_eq!(text(&ended), Some("{\"input\":\"why?\"} why?\n"));
}

#[tokio::test]
async fn an_input_larger_than_a_variable_still_arrives() {
    let (_dir, path) = folder();
    let mut spec = spec(&path, "wc -c; echo \"[$REWIND_INPUT]\"");
    spec.input = InputMode::Stdin;
    let ended = execute(&spec, Some(&"x".repeat(300_000))).await.unwrap();
    let said = text(&ended).unwrap().replace(' ', "");
    assert_eq!(said, "300000\n[]\n");
}

#[tokio::test]
async fn what_comes_after_runs_though_the_agent_failed_and_what_comes_before_must_hold() {
    let (_dir, path) = folder();
    let mut spec = spec(&path, "cat order; exit 3");
    spec.before = Some(hook("echo before > order"));
    spec.after = Some(hook("echo after >> order; exit 5"));
    let ended = execute(&spec, None).await.unwrap();
    assert_eq!((ended.exit, text(&ended)), (3, Some("before\n")));
    assert!(ended.faults[0].contains("`after`"), "{:?}", ended.faults);
    let order = fs::read_to_string(path.join("order")).unwrap();
    assert_eq!(order, "before\nafter\n");
    spec.before = Some(hook("exit 4"));
    let error = execute(&spec, None).await.unwrap_err().to_string();
    assert!(error.contains("`before`"), "{error}");
    let order = fs::read_to_string(path.join("order")).unwrap();
    assert_eq!(order, "before\nafter\n", "nothing else ran");
}

#[tokio::test]
async fn an_answer_file_of_an_earlier_run_is_no_answer() {
    let (_dir, path) = folder();
    let mut writes = spec(&path, "echo answer > out.txt");
    writes.answer_file = Some("out.txt".into());
    let ended = execute(&writes, None).await.unwrap();
    assert_eq!(text(&ended), Some("answer\n"));
    let mut silent = spec(&path, "true");
    silent.answer_file = Some("out.txt".into());
    let ended = execute(&silent, None).await.unwrap();
    assert_eq!(text(&ended), None);
    assert!(ended.faults[0].contains("older"), "{:?}", ended.faults);
    let mut own = spec(&path, "echo mine > \"$REWIND_RUN_DIR/out.txt\"");
    own.answer_file = Some("{run_dir}/out.txt".into());
    let ended = execute(&own, None).await.unwrap();
    assert_eq!(text(&ended), Some("mine\n"));
}

#[tokio::test]
async fn an_answer_that_is_no_file_or_has_no_end_is_a_fault_and_nothing_waits_for_it() {
    let (_dir, path) = folder();
    for (script, word) in [
        ("mkfifo out.txt", "no file"),
        ("rm out.txt; mkdir out.txt", "no file"),
        ("rmdir out.txt; truncate -s 5M out.txt", "larger than 4 MB"),
    ] {
        let mut spec = spec(&path, script);
        spec.answer_file = Some("out.txt".into());
        let ended = execute(&spec, None).await.unwrap();
        assert_eq!(text(&ended), None);
        assert!(ended.faults[0].contains(word), "{:?}", ended.faults);
    }
}

#[tokio::test]
async fn what_cannot_start_says_which_key_is_wrong() {
    let (_dir, path) = folder();
    let mut lost = spec(&path.join("nowhere"), "true");
    lost.command = vec!["python3".into(), "agent.py".into()];
    let mut copied = lost.clone();
    copied.copied = Some(path.clone());
    for lost in [lost, copied] {
        let said = execute(&lost, None).await.unwrap_err().to_string();
        assert!(said.contains("nowhere does not exist"), "{said}");
        assert!(said.contains("`cwd`"), "{said}");
    }
    let mut before = spec(&path, "true");
    before.before = Some(Hook {
        command: vec!["no-such-command-anywhere".into()],
        timeout: Duration::from_mins(1),
    });
    let said = execute(&before, None).await.unwrap_err().to_string();
    assert!(said.starts_with("`before` of the agent could"), "{said}");
    let slow = Hook {
        command: ["sh", "-c", "trap 'exit 0' TERM; echo busy; sleep 60 & wait"]
            .map(str::to_owned)
            .into(),
        timeout: Duration::from_secs(1),
    };
    before.before = Some(slow);
    let said = execute(&before, None).await.unwrap_err().to_string();
    assert!(said.contains("ran longer than 1 s"), "{said}");
    let long = "x".repeat(3_000_000);
    let argument = spec(&path, "true");
    let said = execute(&argument, Some(&long)).await.unwrap_err();
    assert!(said.to_string().contains("`input = \"stdin\"`"), "{said}");
}

#[tokio::test]
async fn a_zero_byte_in_the_input_reaches_an_agent_that_reads_it() {
    let (_dir, path) = folder();
    let mut spec = spec(&path, "wc -c; echo \"[$REWIND_INPUT]\"");
    spec.input = InputMode::Stdin;
    let ended = execute(&spec, Some("a\0b")).await.unwrap();
    assert_eq!(text(&ended).unwrap().replace(' ', ""), "3\n[]\n");
}

#[tokio::test]
async fn an_agent_that_works_beside_the_copied_folder_gets_a_copy_of_its_own() {
    let (_dir, path) = folder();
    for folder in ["config", "other"] {
        fs::create_dir(path.join(folder)).unwrap();
    }
    fs::write(path.join("other/x"), "there").unwrap();
    let mut spec = spec(&path.join("config/../other"), "cat x; echo new > x");
    spec.copied = Some(path.join("config"));
    let ended = execute(&spec, None).await.unwrap();
    assert_eq!(text(&ended), Some("there"));
    assert_eq!(fs::read_to_string(path.join("other/x")).unwrap(), "there");
}

#[tokio::test]
async fn a_run_in_a_copy_leaves_the_original_as_it_is() {
    let (_dir, path) = folder();
    fs::create_dir(path.join("sub")).unwrap();
    fs::write(path.join("sub/out.txt"), "old").unwrap();
    let mut spec = spec(&path.join("sub"), "echo new > out.txt");
    spec.copied = Some(path.clone());
    spec.answer_file = Some("out.txt".into());
    let ended = execute(&spec, None).await.unwrap();
    assert_eq!(text(&ended), Some("new\n"));
    let kept = fs::read_to_string(path.join("sub/out.txt")).unwrap();
    assert_eq!(kept, "old");
}
