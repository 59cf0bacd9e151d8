//! MCP servers over HTTP: by the forward proxy and by an address of their own, recorded, served, forked.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::support::{App, Run, ScriptedModel, repository_path};

/// A server that ends with this value.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts a program that listens on a port, given as `PORT` and, where wanted, as its last argument.
    fn start(app: &App, words: &[&str], takes_port: bool) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = app.program(words[0]);
        command.args(&words[1..]).env("PORT", port.to_string());
        if takes_port {
            command.arg(port.to_string());
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "{words:?} ended");
            thread::yield_now();
        }
        Self { process, port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn names(shown: &Value) -> Vec<String> {
    let steps = shown["timelines"][0]["steps"].as_array().unwrap().iter();
    let tools = steps.filter(|step| step["captured"] == "mcp");
    tools
        .map(|step| step["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_python_client_is_captured_by_the_forward_proxy_and_served_without_its_server() {
    by_proxy("legacy", "streamable-http", "mcp");
}

#[test]
fn a_python_client_of_the_newest_protocol_is_served_without_its_server_over_http() {
    by_proxy("auto", "streamable-http", "mcp");
}

#[test]
fn a_python_client_of_the_older_transport_is_served_without_its_server() {
    by_proxy("sse", "sse", "sse");
}

fn by_proxy(mode: &str, transport: &str, path: &str) {
    let app = App::new();
    let python = repository_path("target/test-env/py/bin/python");
    let script = repository_path("tests/sdk/mcp_server.py");
    let server = Server::start(&app, &[&python, &script, transport], true);
    let (agent, rules) = ("tests/sdk/mcp_agent.py", "tests/sdk/mcp_agent.toml");
    let (agent, rules) = (repository_path(agent), repository_path(rules));
    let url = server.url(path);
    let run = |words: &[&str], question: &str| {
        let command = ["--", &python, &agent, mode, question, &url];
        app.run(words.iter().copied().chain(command))
    };
    let question = "Get me to Oslo";
    let record = ["record", "--proxy", "--name", "fly", "--scripted", &rules];
    let recorded = run(&record, question).exits(0);
    let answer = "You fly to Oslo: failed: Error executing tool fail: no seat\n";
    assert!(
        recorded.stdout.starts_with(answer),
        "{}{}",
        recorded.stdout,
        recorded.stderr
    );
    let bookings = app.folder().join("bookings.txt");
    assert_eq!(fs::read_to_string(&bookings).unwrap(), "OSLO-7\n");
    let shown = app.run(["show", "fly"]).exits(0).stdout;
    for name in [
        "prompts/get",
        "resources/read",
        "find_flight",
        "book",
        "fail",
    ] {
        assert!(shown.contains(name), "{shown}");
    }
    fs::remove_file(&bookings).unwrap();

    // A fork behind the booking: the server is there, and books nothing.
    let fork = [
        "replay",
        "fly",
        "--proxy",
        "--from",
        "last",
        "--scripted",
        &rules,
        "--json",
    ];
    let replay = run(&fork, question).exits(0).json();
    assert_eq!(replay["tools_ran"], json!([]), "{replay}");
    assert!(!bookings.exists());
    // A fork before it: the server that was not asked before is introduced first.
    let fork = [
        "replay",
        "fly",
        "--proxy",
        "--from",
        "tool:find_flight",
        "--scripted",
        &rules,
        "--json",
    ];
    let replay = run(&fork, question).exits(0).json();
    assert_eq!(replay["tools_ran"][0]["name"], "find_flight", "{replay}");
    assert!(!bookings.exists());

    drop(server);
    let offline = ["replay", "fly", "--proxy", "--offline", "--json"];
    let replay = run(&offline, question).exits(0).json();
    assert_eq!(replay["unaffected"], true, "{replay}");
    assert_eq!(replay["tools_served"], 5, "{replay}");
}

#[test]
fn a_node_client_gets_its_server_and_the_servers_questions_by_an_address_of_its_own() {
    by_address("streamableHttp", "mcp");
}

#[test]
fn a_node_client_falls_back_to_the_older_transport_by_an_address_of_its_own() {
    by_address("sse", "sse");
}

fn by_address(transport: &str, path: &str) {
    let app = App::new();
    let node = PathBuf::from(repository_path("target/test-env/node"));
    assert!(node.join("stamp").exists(), "run scripts/test-env once");
    // Node looks for packages beside the file that imports them.
    let agent = node.join(format!("mcp_http_{path}.mjs"));
    fs::copy(repository_path("tests/sdk/mcp_http.mjs"), &agent).unwrap();
    let all = node.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let server = Server::start(&app, &["node", all.to_str().unwrap(), transport], false);
    let config = format!(
        "[mcp.everything]\nurl = \"{}\"\n[agent]\nenv = [\"WORD\"]\n",
        server.url(path)
    );
    app.write("rewind.toml", &config);
    let model = ScriptedModel::start(
        &app,
        &PathBuf::from(repository_path("tests/sdk/mcp_node.toml")),
    );
    let upstreams = model.upstreams();
    let run = |words: &[&str], word: &str| {
        let mut command = app.rewind();
        command
            .args(words)
            .arg("--")
            .arg("node")
            .arg(&agent)
            .arg(path)
            .env("WORD", word);
        let output = command.output().unwrap();
        Run::new(&command, output)
    };
    let mut record = vec!["record", "--name", "all"];
    record.extend(upstreams.iter().map(String::as_str));
    let recorded = run(&record, "one").exits(0);
    for said in [
        "blue",
        "[\"sampling\",\"elicitation\"]",
        "Echo: one",
        "All servers work.\n",
    ] {
        assert!(
            recorded.stdout.contains(said),
            "no {said} in {}",
            recorded.stdout
        );
    }
    let falls_back = recorded.stdout.contains("falls back");
    assert_eq!(falls_back, path == "sse", "{}", recorded.stdout);
    let shown = app.run(["show", "all", "--json"]).exits(0).json();
    assert_eq!(names(&shown).len(), 10, "{shown}");
    let stdout = recorded
        .stdout
        .split("All servers work.")
        .next()
        .unwrap()
        .to_owned();

    // Behind the fork the server says what it says now.
    let mut fork = vec!["replay", "all", "--from", "1", "--json"];
    fork.extend(upstreams.iter().map(String::as_str));
    app.write(
        "rewind.toml",
        &format!("{config}[tools.echo]\neffect = \"read\"\n"),
    );
    let forked = run(&fork, "two").exits(0).json();
    let ran = forked["tools_ran"].to_string();
    assert!(ran.contains("\"echo\""), "{forked}");

    drop(server);
    let offline = run(&["replay", "all", "--offline"], "one").exits(0);
    assert!(offline.stdout.starts_with(&stdout), "{}", offline.stdout);
}
