//! The examples with real SDKs: each is gated by its own baselines, and realistic regressions turn it red.
//!
//! `scripts/test-env` installs their packages; each test runs in a copy of the example.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{App, Run, ScriptedModel, checkout, run_blocks};

/// A copy of one example with its packages.
struct Example {
    app: App,
    folder: PathBuf,
}

impl Example {
    fn new(name: &str) -> Self {
        let app = App::new();
        checkout(&app, "clone");
        let folder = app.folder().join("clone/examples").join(name);
        let environment = root().join("target/test-env");
        if folder.join("package.json").exists() {
            // Copied, since `npm ci` would empty what a link leads to.
            let mut copy = app.program("cp");
            copy.arg("-r").arg(environment.join("node/node_modules"));
            let output = copy.arg(&folder).output().unwrap();
            Run::new(&copy, output).exits(0);
        } else {
            symlink(environment.join("py"), folder.join(".venv")).unwrap();
        }
        Self { app, folder }
    }

    /// Replaces a text that stands exactly once in a file.
    #[track_caller]
    fn change(&self, file: &str, old: &str, new: &str) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {file}");
        fs::write(path, text.replace(old, new)).unwrap();
    }

    fn rewind(&self, arguments: &[&str]) -> Run {
        let mut command = self.app.rewind();
        command.current_dir(&self.folder).args(arguments);
        let output = command.output().unwrap();
        Run::new(&command, output)
    }

    /// Gates without any live call.
    fn offline(&self) -> Run {
        self.rewind(&["gate", "--offline"])
    }
}

#[test]
fn support_python_goes_as_its_readme_says() {
    readme("support-python");
}

#[test]
fn triage_node_goes_as_its_readme_says() {
    readme("triage-node");
}

#[test]
fn market_workers_goes_as_its_readme_says() {
    readme("market-workers");
}

#[test]
fn helpdesk_langgraph_goes_as_its_readme_says() {
    readme("helpdesk-langgraph");
}

/// Its blocks run and print what is shown: the gate passes at 0 tokens, a regression is red, a baseline is made.
fn readme(name: &str) {
    let example = Example::new(name);
    let checked = example.rewind(&["baseline", "check"]).exits(0);
    assert!(!checked.stdout.is_empty());
    let readme = root().join("examples").join(name).join("README.md");
    let ran = run_blocks(&example.app, &readme, &example.folder);
    assert_eq!(ran, 4, "blocks of {name}");
}

/// So many forks are red, each because the final answer is not whole.
#[track_caller]
fn all_lack_their_answer(gate: &Run, forks: usize) {
    let lines = verdicts(gate);
    assert_eq!(lines.len(), forks, "{}", gate.stdout);
    for line in lines {
        assert!(
            line.starts_with("FAIL") && line.contains("the final answer lacks an expected text"),
            "{line}"
        );
    }
}

#[test]
fn an_answer_that_reaches_the_customer_in_part_is_red_without_a_model() {
    let example = Example::new("support-python");
    example.change("agent.py", "print(event.delta,", "print(event.delta[:1],");
    all_lack_their_answer(&example.offline().exits(1), 6);
}

#[test]
fn an_answer_that_a_service_cuts_is_red_without_a_model() {
    let example = Example::new("helpdesk-langgraph");
    example.change("app.py", "reply=text,", "reply=text[:6],");
    all_lack_their_answer(&example.offline().exits(1), 2);
}

#[test]
fn a_renamed_tool_needs_a_live_run_and_is_named() {
    let example = Example::new("triage-node");
    let agent = fs::read_to_string(example.folder.join("agent.mjs")).unwrap();
    let renamed = agent.replace("search_issues", "list_issues");
    fs::write(example.folder.join("agent.mjs"), renamed).unwrap();
    let gate = example.offline().exits(3);
    let lines = verdicts(&gate);
    assert_eq!(lines.len(), 2, "{}", gate.stdout);
    for line in lines {
        assert!(
            line.starts_with("NOT MEASURED") && line.contains("needs live"),
            "{line}"
        );
    }
    let altered = "this change alters: tool `list_issues`, tool `search_issues`";
    assert!(gate.stdout.contains(altered), "{}", gate.stdout);
}

#[test]
fn a_worker_that_is_left_out_is_red() {
    let example = Example::new("market-workers");
    let workers = "for market in markets)";
    example.change("agent.py", workers, "for market in markets[:-1])");
    let gate = example.rewind(&["gate"]).exits(1);
    let lines = verdicts(&gate);
    assert_eq!(lines.len(), 2, "{}", gate.stdout);
    for line in lines {
        assert!(
            line.starts_with("FAIL") && line.contains("`get_price` was not called as recorded"),
            "{line}"
        );
    }
}

#[test]
fn a_refund_without_confirmation_is_violated_and_leaves_the_ledger_alone() {
    let example = Example::new("support-python");
    let ask_first = "- Never call `refund` before the customer has confirmed the exact amount. Name the amount and ask.\n";
    example.change("prompts/support.txt", ask_first, "");
    let gate = example.rewind(&["gate"]).exits(1);
    let lines = verdicts(&gate);
    assert!(
        lines[0].starts_with("FAIL  money-back@last")
            && lines[0].ends_with("forbidden tool `refund` was called (step 5)"),
        "{}",
        gate.stdout
    );
    assert!(
        !example.folder.join("ledger.jsonl").exists(),
        "money was moved"
    );
}

#[test]
fn a_setup_that_fails_measures_nothing_and_says_why() {
    let example = Example::new("support-python");
    // Nothing can be installed: the test needs no registry to see that `setup` runs for real.
    example.change(
        "requirements.txt",
        "openai==",
        "./no-such-package\nopenai==",
    );
    let gate = example.offline().exits(3);
    assert!(
        gate.stdout
            .contains("`setup` of the agent ended with status 1")
            && gate.stdout.contains("no-such-package"),
        "{}",
        gate.stdout
    );
    for file in [
        "rewind-report.json",
        "junit.xml",
        "report.md",
        "report.html",
    ] {
        let path = example.folder.join("rewind-report").join(file);
        let report = fs::read_to_string(path).unwrap();
        assert!(report.contains("`setup` of the agent ended"), "{report}");
    }
}

#[test]
fn the_examples_pin_what_the_test_environment_has() {
    let environment = fs::read_to_string(root().join("tests/sdk/requirements.txt")).unwrap();
    let installed: Vec<&str> = environment.lines().collect();
    for name in ["support-python", "market-workers", "helpdesk-langgraph"] {
        let file = root().join("examples").join(name).join("requirements.txt");
        for line in fs::read_to_string(file).unwrap().lines() {
            assert!(
                installed.contains(&line),
                "{name} wants {line}: pin it in tests/sdk/requirements.txt too"
            );
        }
    }
}

#[test]
fn no_line_of_the_examples_agents_is_there_for_rewind() {
    for file in [
        "support-python/agent.py",
        "support-python/shop.py",
        "triage-node/agent.mjs",
        "triage-node/tracker.mjs",
        "market-workers/agent.py",
        "market-workers/sources.py",
        "helpdesk-langgraph/app.py",
        "helpdesk-langgraph/directory.py",
    ] {
        let text = fs::read_to_string(root().join("examples").join(file)).unwrap();
        assert!(!text.to_lowercase().contains("rewind"), "{file}");
    }
}

#[test]
fn the_service_runs_without_rewind() {
    let example = Example::new("helpdesk-langgraph");
    let model = ScriptedModel::start(&example.app, &example.folder.join("model.toml"));
    let ask = "import asyncio, httpx, app\n\
        async def ask():\n    \
            way = httpx.ASGITransport(app.app)\n    \
            async with httpx.AsyncClient(transport=way, base_url='http://helpdesk') as client:\n        \
                answer = await client.post('/chat', json={'message': 'The VPN is down'})\n        \
                print(answer.status_code, answer.json()['reply'])\n\
        asyncio.run(ask())\n";
    let mut python = example.app.program(".venv/bin/python");
    python
        .current_dir(&example.folder)
        .env("OPENAI_API_KEY", "none")
        .env("OPENAI_BASE_URL", format!("{}/v1", model.url()))
        .args(["-c", ask]);
    let output = python.output().unwrap();
    let asked = Run::new(&python, output).exits(0);
    assert!(
        asked.stdout.starts_with("200 The VPN gateway in Berlin"),
        "{}",
        asked.stdout
    );
    assert_eq!(model.calls(), 3);
}

/// Returns the lines of the table, the worst first.
fn verdicts(gate: &Run) -> Vec<&str> {
    gate.stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
