//! Keys and secrets: who gets to see them, and that nothing keeps them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use camino::Utf8Path;
use serde_json::{Value, json};

use super::{Bench, REAL_KEY, answer, delta, output_text, stop, text};
use crate::support::upstream::{Upstream, json, last_chunk, stream_head, whole};

#[test]
fn the_provider_gets_the_real_key_and_the_agent_never_sees_it() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new(
        r#"
ask("q").read()
print(any("REAL" in value for value in os.environ.values()))
print(ask("q", path="/files").status)
"#,
    );
    let keys = bench.path().join("keys");
    std::fs::write(&keys, format!("openai={REAL_KEY}\n")).unwrap();
    let command = ["python3", "agent.py"];
    let output = bench
        .rewind(&upstream, &["--key-file", "keys"], &command)
        .output();
    let output = output.unwrap();
    assert_eq!(text(&output.stdout), "False\n403\n", "{output:?}");
    let received = upstream.received();
    let key = format!("Bearer {REAL_KEY}");
    assert_eq!(received[0].header("authorization"), Some(key.as_str()));
    assert_eq!(received.len(), 1, "only model endpoints get the key");
}

#[test]
fn a_key_of_the_agents_own_passes_with_a_note_unless_keys_are_strict() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new(
        r#"
own = {"Authorization": "Bearer sk-proj-OWN0123456789abcdefghij"}
print(ask("q", headers=own).status)
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    assert!(
        text(&output.stderr).contains("a key of its own"),
        "{output:?}"
    );
    let key = upstream.received()[0]
        .header("authorization")
        .map(str::to_owned);
    assert_eq!(
        key.as_deref(),
        Some("Bearer sk-proj-OWN0123456789abcdefghij")
    );
    std::fs::write(
        bench.path().join("rewind.toml"),
        "[capture]\nstrict_keys = true\n",
    )
    .unwrap();
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "403\n", "{output:?}");
    assert_eq!(upstream.received().len(), 1);
}

/// Secrets in every place where one can stand, each under a name.
fn secrets() -> BTreeMap<&'static str, String> {
    let tail = "Zx9Qw8Er7Ty6Ui5Op4As3Df2Gh1Jk0Lz";
    BTreeMap::from([
        ("header", format!("sk-proj-HEAD{tail}")),
        ("query", format!("sk-proj-QUERY{tail}")),
        ("system", format!("sk-ant-api03-SYST{tail}{tail}")),
        ("cloud", format!("AKIA{}", "Q7ZX2LMN4PRT6UVW")),
        ("user", format!("ghp_USER{tail}")),
        ("tool", format!("sk-proj-TOOL{tail}")),
        ("answer", format!("sk-proj-ANSW{tail}")),
        ("pieces", format!("sk-proj-PIECES{tail}")),
        ("escaped", format!("sk-proj-ESCA{tail}")),
        ("cookie", format!("sk-proj-COOK{tail}")),
    ])
}

#[test]
fn no_secret_is_written_anywhere() {
    let upstream = Upstream::start(|request| {
        let secrets = secrets();
        if text(&request.body).contains("\"stream\"") {
            let (first, second) = secrets["pieces"].split_at(15);
            return vec![
                stream_head(),
                delta("the key is "),
                delta(first),
                delta(second),
                stop(),
                last_chunk(),
            ];
        }
        let inner = json!({ "token": secrets["escaped"] }).to_string();
        let body = answer(&format!("use {} and {inner}", secrets["answer"])).to_string();
        let cookie = format!("session={}", secrets["cookie"]);
        whole(
            200,
            &[
                ("content-type", "application/json"),
                ("set-cookie", &cookie),
            ],
            body.as_bytes(),
        )
    });
    let secrets = secrets();
    let agent = format!(
        r#"
S = json.loads('''{}''')
tool = {{"role": "tool", "tool_call_id": "c1", "content": json.dumps({{"env": S["tool"]}})}}
call = {{"role": "assistant", "content": None, "tool_calls": [{{"id": "c1", "type": "function",
        "function": {{"name": "env", "arguments": json.dumps({{"key": S["tool"]}})}}}}]}}
messages = [{{"role": "system", "content": "Key: " + S["system"] + " and " + S["cloud"]}},
            {{"role": "user", "content": S["user"]}}, call, tool]
reply = ask("", messages=messages, headers={{"x-custom-token": S["header"]}},
            path="/chat/completions?key=" + S["query"])
reply = reply.read().decode()
assert S["answer"] in reply or "[redacted" in reply
print("".join(json.loads(l[6:])["choices"][0]["delta"].get("content", "")
              for l in ask("q", stream=True).read().decode().splitlines()
              if l.startswith("data: {{")))
"#,
        json!(secrets)
    );
    let bench = Bench::new(&agent);
    let mut rewind = bench.rewind(&upstream, &[], &["python3", "agent.py"]);
    let output = rewind.env("RUST_LOG", "trace").output().unwrap();
    // The agent itself gets everything as it was sent.
    assert_eq!(
        text(&output.stdout),
        format!("the key is {}\n", secrets["pieces"]),
        "{output:?}"
    );
    let said = text(&output.stderr) + &said_later(&bench, &upstream);
    let control = format!("KEY = {:?}\n", secrets["cloud"]);
    std::fs::write(bench.path().join("control.py"), control).unwrap();
    assert_ne!(scanned(bench.path(), "control.py"), json!({}));
    std::fs::remove_file(bench.path().join("control.py")).unwrap();
    assert_eq!(scanned(bench.path(), "baselines"), json!({}));
    std::fs::remove_file(bench.path().join("agent.py")).unwrap();
    let mut all = secrets.clone();
    all.insert("real key", REAL_KEY.to_owned());
    for (place, secret) in &all {
        assert!(!said.contains(secret), "the {place} secret is in the log");
        for (file, bytes) in files(bench.path().as_std_path()) {
            assert!(
                !contains(&bytes, secret.as_bytes()),
                "the {place} secret is in {file}"
            );
        }
    }
    let calls = bench.calls();
    assert!(
        output_text(&calls[1]).contains("[redacted"),
        "{}",
        output_text(&calls[1])
    );
    assert!(text(&calls[0].exchange.body.as_ref().unwrap().to_bytes()).contains("[redacted"));
}

/// Replays the session, shows it, writes it out and gates it live; returns all that was said.
fn said_later(bench: &Bench, upstream: &Upstream) -> String {
    let mut said = String::new();
    let store = bench.store();
    let config = format!(
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream.openai]\nurl = \"{}\"\n\n\
         [report]\ncontent = \"full\"\n\n[replay]\nallow_tools = [\"*\"]\n",
        upstream.url()
    );
    std::fs::write(bench.path().join("rewind.toml"), config).unwrap();
    for arguments in [
        "replay latest --offline -- python3 agent.py",
        "show latest",
        "show latest --json",
        "session export latest -o exported",
        "share latest --include-content -o shared.html",
        "baseline create latest --name secrets --from start --reviewed-by me",
        "gate --live --filter secrets",
        "baseline accept secrets --reason new",
        "report rewind-report/rewind-report.json --format terminal",
    ] {
        if arguments.starts_with("gate") {
            // With another prompt it goes live.
            let agent = bench.path().join("agent.py");
            let changed = std::fs::read_to_string(&agent).unwrap();
            std::fs::write(&agent, changed.replace("Key: ", "Your key: ")).unwrap();
        }
        let mut later = Command::new(env!("CARGO_BIN_EXE_rewind"));
        later
            .current_dir(bench.path())
            .env("RUST_LOG", "trace")
            .env("OPENAI_API_KEY", REAL_KEY)
            .arg("-vv")
            .args(arguments.split(' '));
        if arguments.contains("latest") {
            later.arg("--store").arg(&store);
        }
        let output = later.output().unwrap();
        assert_ne!(output.status.code(), Some(2), "{arguments}: {output:?}");
        said.push_str(&text(&output.stdout));
        said.push_str(&text(&output.stderr));
    }
    said
}

/// Returns what detect-secrets finds in a file, or in all files of a folder.
fn scanned(dir: &Utf8Path, what: &str) -> Value {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let scanner = root.join("target/test-env/py/bin/detect-secrets");
    assert!(
        scanner.exists(),
        "detect-secrets is missing: run scripts/test-env once"
    );
    let mut scan = Command::new(scanner);
    let output = scan
        .current_dir(dir)
        .args(["scan", "--all-files", what])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["results"].clone()
}

#[test]
fn a_scanner_finds_nothing_in_the_baselines_of_this_repository() {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(scanned(root, "baselines"), json!({}));
}

pub(super) fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

pub(super) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
