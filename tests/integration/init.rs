//! `rewind init` in fresh repositories: what it writes works, and nothing that exists is lost.

use std::fs;

use crate::support::App;

const AGENT: &str = r#"
import json, os, sys, urllib.request
body = {"model": "m", "messages": [{"role": "user", "content": sys.argv[1]}]}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    json.dumps(body).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
)
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"#;

#[test]
fn the_files_of_a_fresh_repository_gate_its_agent() {
    let app = App::new();
    app.write("src/agent.py", AGENT);
    app.write(".gitignore", "*.log\n.rewind");
    fs::create_dir(app.folder().join(".git")).unwrap();
    let said = app.run(["init", "--yes"]).exits(0).stdout;
    for word in [
        "src/agent.py",
        "wrote rewind.toml",
        "OPENAI_API_KEY",
        "rewind record",
    ] {
        assert!(said.contains(word), "no `{word}` in:\n{said}");
    }
    let read = |path: &str| fs::read_to_string(app.folder().join(path)).unwrap();
    assert_eq!(read(".gitignore"), "*.log\n.rewind\nrewind-report/\n");
    assert!(read(".gitattributes").contains("wire.jsonl -diff"));
    assert!(read(".github/workflows/rewind.yml").contains("uses: rewind-gate/rewind"));
    assert!(read("rewind.toml").contains("command = [\"python3\", \"src/agent.py\"]"));
    app.write("model.toml", "[[rule]]\nreply = { text = \"yes\" }\n");
    let scripted = ["--scripted", "model.toml"];
    let record = ["record", "--name", "first", "--input", "why?"];
    app.run([&record[..], &scripted].concat()).exits(0);
    // As `init` says.
    let create = ["baseline", "create", "first", "--name", "first"];
    assert!(said.contains(&create.join(" ")), "{said}");
    app.run(create).exits(0);
    app.run([&["gate"][..], &scripted].concat()).exits(0);
    // It is a beginning: everything is reported, nothing fails.
    app.write("src/agent.py", "raise SystemExit(1)\n");
    let failed = app.run(["gate"]).exits(0);
    assert!(failed.stdout.contains("FAIL"), "{}", failed.stdout);
    assert!(
        failed.stdout.contains("enforce = false"),
        "{}",
        failed.stdout
    );
}

#[test]
fn what_exists_stays_unless_it_is_to_be_replaced() {
    let app = App::new();
    app.write("rewind.toml", "# mine\n");
    let said = app
        .run(["init", "--yes", "--agent-command", "node 'my agent.mjs'"])
        .exits(0)
        .stdout;
    assert!(
        said.contains("kept rewind.toml as it is; --force"),
        "{said}"
    );
    let read = || fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    assert_eq!(read(), "# mine\n");
    let force = [
        "init",
        "--yes",
        "--force",
        "--agent-command",
        "node 'my agent.mjs'",
    ];
    app.run(force).exits(0);
    assert!(
        read().contains("command = [\"node\", \"my agent.mjs\"]"),
        "{}",
        read()
    );
    let again = app
        .run(["init", "--yes", "--agent-command", "node 'my agent.mjs'"])
        .exits(0)
        .stdout;
    assert!(again.contains("rewind.toml needs nothing"), "{again}");
    assert_eq!(again.matches("needs nothing").count(), 4, "{again}");
    let wrong = app.run(["init", "--agent-command", "node 'x"]).exits(2);
    assert!(wrong.stderr.contains("without its end"), "{}", wrong.stderr);
}

#[test]
fn in_a_folder_of_a_repository_the_workflow_stands_at_its_root() {
    let app = App::new();
    fs::create_dir(app.folder().join(".git")).unwrap();
    app.write(
        "agents/mail/package.json",
        r#"{"scripts": {"agent": "node mail.mjs"}}"#,
    );
    let mut init = app.rewind();
    init.current_dir(app.folder().join("agents/mail"))
        .args(["init"]);
    assert!(init.output().unwrap().status.success());
    let workflow = app.folder().join(".github/workflows/rewind.yml");
    let workflow = fs::read_to_string(workflow).unwrap();
    assert!(
        workflow.contains("working-directory: 'agents/mail'"),
        "{workflow}"
    );
    let config = fs::read_to_string(app.folder().join("agents/mail/rewind.toml")).unwrap();
    assert!(
        config.contains("\"npm\", \"run\", \"--silent\", \"agent\", \"--\""),
        "{config}"
    );
}
