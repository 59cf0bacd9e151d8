//! Agents of every shape, recorded, replayed and gated through the built program: services, functions,
//! conversations, JSON input, several in one repository, with what runs around them.

mod mistakes;

use std::fs;

use serde_json::Value;

use crate::support::{ASK, App, Run};

/// A scripted model that answers with what it was asked.
const RULES: &str = "[[rule]]\nreply = { text = \"I heard: {{last_user}}\" }\n";

/// Returns a repository with the scripted model, this agent in `agent.py`, and this configuration.
fn repository(agent: &str, config: &str) -> App {
    let app = App::new();
    app.write("ask.py", ASK);
    app.write("agent.py", agent);
    app.write("model.toml", RULES);
    app.write(
        "rewind.toml",
        &format!("{config}\n[upstream]\nscripted = \"model.toml\"\n"),
    );
    app
}

/// Makes the latest session the baseline `name`.
fn baseline(app: &App, name: &str, definition: &str) {
    let folder = format!("baselines/{name}/session");
    app.run(["session", "export", "latest", "-o", &folder])
        .exits(0);
    app.write(
        &format!("baselines/{name}/baseline.toml"),
        &format!("{definition}\n[[check]]\nkind = \"no_error\"\n"),
    );
}

fn gate(app: &App) -> Run {
    app.run(["gate", "--json"])
}

/// Returns the verdicts of a gate's report, one for each fork.
fn verdicts(report: &Value) -> Vec<String> {
    let forks = report["forks"].as_array().unwrap().iter();
    forks
        .map(|fork| fork["decision"]["verdict"].as_str().unwrap().to_owned())
        .collect()
}

fn shown(app: &App) -> Value {
    app.run(["show", "latest", "--json"]).exits(0).json()
}

const SERVICE: &str = r#"
import http.server, sys
from ask import *
class Handler(http.server.BaseHTTPRequestHandler):
    history = []
    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.reply(200 if self.path == "/health" else 404, {})
    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))["question"]
        Handler.history.append(question)
        answer = ask(" / ".join(Handler.history))
        if "explode" in question:
            self.reply(500, {"error": "exploded"})
        else:
            self.reply(200, {"data": {"answer": answer}})
    def log_message(self, *rest):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

const SERVED: &str = r#"
[agent]
serve = ["python3", "agent.py", "{port}"]
ready = "/health"
request = { path = "/ask", body = { question = "{input}" }, answer = "/data/answer" }
"#;

#[test]
fn a_service_is_asked_turn_by_turn_and_gated() {
    let app = repository(SERVICE, SERVED);
    let record = ["record", "--input", "first", "--input", "second"];
    app.run(record).exits(0);
    let session = shown(&app);
    assert_eq!(session["input"], r#"["first","second"]"#);
    let timeline = &session["timelines"][0];
    assert_eq!(
        timeline["outcome"]["answer"], "I heard: first / second",
        "{session}"
    );
    assert_eq!(timeline["steps"].as_array().unwrap().len(), 2);
    app.run(["replay", "latest", "--offline"]).exits(0);
    baseline(&app, "talk", "turns = [\"first\", \"second\"]");
    assert_eq!(
        verdicts(&gate(&app).exits(0).json()),
        ["unaffected", "unaffected"]
    );
    // Another question: the recording has no answer to it.
    let other = "turns = [\"first\", \"third\"]\n[[check]]\nkind = \"no_error\"\n";
    app.write("baselines/talk/baseline.toml", other);
    let report = app.run(["gate", "--offline", "--json"]).json();
    assert!(
        !verdicts(&report).contains(&"unaffected".to_owned()),
        "{report}"
    );
}

#[test]
fn a_service_that_fails_or_is_never_ready_says_so() {
    let app = repository(SERVICE, SERVED);
    app.run(["record", "--input", "fine"]).exits(0);
    baseline(&app, "fine", "");
    // A secret in the service's reply is in no report.
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD";
    let leaking = SERVICE
        .replace("\"explode\"", "\"fine\"")
        .replace("\"exploded\"", &format!("\"no {key}\""));
    app.write("agent.py", &leaking);
    let gated = app.run(["gate"]).exits(1);
    assert!(gated.stdout.contains("status 500"), "{}", gated.stdout);
    let replayed = app
        .run(["replay", "latest", "--offline", "--json"])
        .exits(1);
    for shown in [&gated.stdout, &replayed.stdout, &replayed.stderr] {
        assert!(!shown.contains(key), "{shown}");
    }
    let app = repository(SERVICE, SERVED);
    let failed = app.run(["record", "--input", "explode"]).exits(1);
    assert!(failed.stderr.contains("status 500"), "{}", failed.stderr);
    let app = repository(
        SERVICE,
        &SERVED.replace("\"/health\"", "\"/nothing\"\nready_timeout = \"500ms\""),
    );
    let failed = app.run(["record", "--input", "x"]).exits(1);
    assert!(failed.stderr.contains("not ready"), "{}", failed.stderr);
    let app = repository("raise SystemExit(9)", SERVED);
    let failed = app.run(["record", "--input", "x"]).exits(9);
    assert!(
        failed.stderr.contains("the service ended"),
        "{}",
        failed.stderr
    );
}

#[test]
fn a_python_function_is_called_with_its_input() {
    let agent = r#"
from ask import *
async def run(question):
    print("thinking")
    if isinstance(question, dict):
        return {"answer": ask(question["q"]), "top": question["top"]}
    return ask(question)
"#;
    let app = repository(agent, "[agent]\nentry = \"agent:run\"\n");
    let recorded = app.run(["record", "--input", "why?"]).exits(0);
    assert_eq!(recorded.stdout, "I heard: why?\n");
    assert!(recorded.stderr.contains("thinking"), "{}", recorded.stderr);
    assert_eq!(
        shown(&app)["timelines"][0]["outcome"]["answer"],
        "I heard: why?"
    );
    baseline(&app, "why", "");
    assert_eq!(verdicts(&gate(&app).exits(0).json())[0], "unaffected");
    let json = app.run(["record", "--input", "{\"q\": \"how?\", \"top\": 3}"]);
    assert_eq!(
        json.exits(0).stdout,
        "{\"answer\": \"I heard: how?\", \"top\": 3}\n"
    );
    let app = repository(agent, "[agent]\nentry = \"agent:runn\"\n");
    let failed = app.run(["record", "--input", "x"]).exits(1);
    assert!(
        failed.stderr.contains("it has ask, run"),
        "{}",
        failed.stderr
    );
    let app = repository(agent, "[agent]\nentry = \"agentz:run\"\n");
    let failed = app.run(["record", "--input", "x"]).exits(1);
    assert!(
        failed.stderr.contains("no Python module `agentz`"),
        "{}",
        failed.stderr
    );
}

#[test]
fn json_input_and_turns_reach_a_program_as_json() {
    let agent = "import sys\nfrom ask import *\nprint(ask(sys.stdin.read().strip()))\n";
    let config = "[agent]\ncommand = [\"python3\", \"agent.py\"]\ninput = \"json-stdin\"\n";
    let app = repository(agent, config);
    let recorded = app.run(["record", "--input", "a", "--input", "b"]).exits(0);
    assert_eq!(recorded.stdout, "I heard: [\"a\",\"b\"]\n");
    baseline(&app, "turns", "turns = [\"a\", \"b\"]");
    assert_eq!(verdicts(&gate(&app).exits(0).json())[0], "unaffected");
    app.run(["record", "--input", "{\"question\": \"c\"}"])
        .exits(0);
    baseline(&app, "table", "input = { question = \"c\" }");
    assert_eq!(verdicts(&gate(&app).exits(0).json()), ["unaffected"; 4]);
    let plain = repository(agent, "[agent]\ncommand = [\"python3\", \"agent.py\"]\n");
    let refused = plain
        .run(["record", "--input", "a", "--input", "b"])
        .exits(2);
    assert!(refused.stderr.contains("json-stdin"), "{}", refused.stderr);
}

#[test]
fn several_agents_of_a_repository_are_gated_by_their_names() {
    let agent = "import sys\nfrom ask import *\nprint(ask(sys.argv[1], system=sys.argv[0]))\n";
    let config = "[agents.one]\ncommand = [\"python3\", \"agent.py\"]\n\
                  [agents.two]\ncommand = [\"python3\", \"two.py\"]\noutput = \"stdout\"\n";
    let app = repository(agent, config);
    app.write("two.py", agent);
    app.run(["record", "--agent", "one", "--input", "q"])
        .exits(0);
    baseline(&app, "first", "agent = \"one\"");
    // The one that was recorded, where nothing is said.
    app.run(["record", "--", "python3", "two.py", "q"]).exits(0);
    assert_eq!(shown(&app)["input"], "q");
    baseline(&app, "second", "");
    let report = gate(&app).exits(0).json();
    assert_eq!(verdicts(&report), ["unaffected"; 4], "{report}");
    let unsaid = app.run(["record", "--input", "- q"]).exits(2);
    assert!(unsaid.stderr.contains("--agent"), "{}", unsaid.stderr);
    assert!(unsaid.stderr.contains("`one`, `two`"), "{}", unsaid.stderr);
    baseline(&app, "third", "agent = \"tow\"");
    let refused = gate(&app).exits(2);
    assert!(
        refused.stderr.contains("`one`, `two`"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("`third`"), "{}", refused.stderr);
}

#[test]
fn what_belongs_around_an_agent_runs_around_it() {
    let agent = "import sys\nfrom ask import *\nprint(ask(open('state').read()))\n\
                 open('answer.txt', 'w').write('done')\n";
    let config = "[agent]\ncommand = [\"python3\", \"agent.py\"]\noutput = \"file:answer.txt\"\n\
                  setup = \"echo setup >> log\"\nbefore = \"echo fresh > state; echo before >> log\"\n\
                  after = [\"sh\", \"-c\", \"rm state; echo after >> log\"]\n";
    let app = repository(agent, config);
    let log = || fs::read_to_string(app.folder().join("log")).unwrap();
    app.run(["record", "--input", "q"]).exits(0);
    assert_eq!(log(), "setup\nbefore\nafter\n");
    assert_eq!(shown(&app)["timelines"][0]["outcome"]["answer"], "done");
    baseline(&app, "a", "");
    baseline(&app, "b", "");
    fs::remove_file(app.folder().join("log")).unwrap();
    assert_eq!(verdicts(&gate(&app).exits(0).json()), ["unaffected"; 4]);
    assert_eq!(log(), "setup\nbefore\nafter\nbefore\nafter\n");
    // With its inputs named it runs once for them, whoever runs the agent.
    let cached = config.replace("before =", "setup_inputs = [\"agent.py\"]\nbefore =");
    let cached = format!("{cached}\n[upstream]\nscripted = \"model.toml\"\n");
    app.write("rewind.toml", &cached);
    fs::remove_file(app.folder().join("log")).unwrap();
    gate(&app).exits(0);
    app.run(["record", "--input", "q"]).exits(0);
    app.run(["replay", "latest", "--offline"]).exits(0);
    assert_eq!(log().matches("setup").count(), 1, "{}", log());
    assert_eq!(log().matches("before").count(), 4, "{}", log());
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\nsetup = \"echo no network >&2; exit 7\"\n\
         [upstream]\nscripted = \"model.toml\"\n",
    );
    assert_eq!(verdicts(&gate(&app).exits(3).json()), ["not_measured"; 4]);
    let broken = app.run(["gate"]).exits(3);
    for part in ["NOT MEASURED", "no network", "exit 7", "reports: "] {
        assert!(broken.stdout.contains(part), "{part}: {}", broken.stdout);
    }
}

#[test]
fn runs_in_copies_leave_the_repository_as_it_is() {
    let agent = "import os\nfrom ask import *\nask('q')\nassert not os.path.exists('answer.txt')\n\
                 open('answer.txt', 'w').write('done')\n";
    let config = "[agent]\ncommand = [\"python3\", \"agent.py\"]\noutput = \"file:answer.txt\"\n\
                  isolate = \"copy\"\n";
    let app = repository(agent, config);
    app.run(["record", "--input", "q"]).exits(0);
    assert_eq!(shown(&app)["timelines"][0]["outcome"]["answer"], "done");
    assert!(!app.folder().join("answer.txt").exists());
    let check = "[[check]]\nkind = \"output\"\nof = \"file:answer.txt\"\nequals = \"done\"\n\
                 [[check]]\nkind = \"exec\"\ncommand = [\"python3\", \"-c\", \
                 \"print('{\\\"pass\\\":', 'true' if open('answer.txt').read() == 'done' else 'false', '}')\"]\n";
    baseline(&app, "a", check);
    baseline(&app, "b", "");
    assert_eq!(verdicts(&gate(&app).exits(0).json()), ["unaffected"; 4]);
    assert!(!app.folder().join("answer.txt").exists());

    // What the copy had from the beginning is nothing that the run wrote.
    baseline(&app, "c", &check.replace("answer.txt", "agent.py"));
    let gate = gate(&app).exits(1);
    assert!(gate.stdout.contains("agent.py"), "{}", gate.stdout);
}

#[test]
fn a_change_runs_only_the_baselines_of_the_agents_that_it_concerns() {
    let agent = "import sys\nfrom ask import *\nprint(ask(sys.argv[1]))\n";
    let config = "[agents.one]\ncommand = [\"python3\", \"agent.py\"]\npaths = [\"agent.py\", \"ask.py\"]\n\
                  [agents.two]\ncommand = [\"python3\", \"two.py\"]\npaths = [\"two.py\"]\n";
    let app = repository(agent, config);
    app.write("two.py", agent);
    for (name, agent) in [("first", "one"), ("second", "two")] {
        app.run(["record", "--agent", agent, "--input", "q"])
            .exits(0);
        baseline(&app, name, &format!("agent = \"{agent}\""));
    }
    let git = |arguments: &[&str]| {
        let mut git = app.program("git");
        git.args(["-c", "user.name=n", "-c", "user.email=e@example.com"]);
        assert!(
            git.args(arguments).output().unwrap().status.success(),
            "{arguments:?}"
        );
    };
    app.write(".gitignore", ".rewind/\nrewind-report/\n__pycache__/\n");
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "all"]);
    let names = || {
        let report = app
            .run(["gate", "--changed-since", "main", "--json"])
            .exits(0)
            .json();
        let forks = report["forks"].as_array().unwrap().clone();
        let name = |fork: &Value| fork["evidence"]["baseline"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = forks.iter().map(name).collect();
        names.dedup();
        names
    };
    assert_eq!(names(), Vec::<String>::new());
    app.write("two.py", &format!("{agent}# changed\n"));
    app.write("new.md", "no file of an agent");
    assert_eq!(names(), ["second"]);
    app.write(
        "rewind.toml",
        &fs::read_to_string(app.folder().join("rewind.toml"))
            .unwrap()
            .replace("two]", "two] #"),
    );
    assert_eq!(names(), ["first", "second"]);
    let unknown = app.run(["gate", "--changed-since", "nowhere"]).exits(2);
    assert!(unknown.stderr.contains("fetch-depth"), "{}", unknown.stderr);
}
