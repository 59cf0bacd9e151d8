//! The forward proxy: an agent that knows nothing of Rewind, its model and its tools behind TLS.

mod hermetic;
mod http2;
mod pinned;
mod server;
mod sockets;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{App, Run};
use server::Weather;

fn root(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    path.to_str().unwrap().to_owned()
}

/// An agent with the forward proxy switched on.
struct Captured {
    app: App,
    weather: Weather,
}

impl Captured {
    /// Returns a folder whose configuration leads `weather.test` to a server of its own.
    fn new(more: &str) -> Self {
        let captured = Self {
            app: App::new(),
            weather: Weather::start(),
        };
        captured
            .app
            .write("weather.pem", &captured.weather.certificate);
        captured.configure(more);
        captured
    }

    fn configure(&self, more: &str) {
        let config = format!(
            "[agent]\ncommand = [\"python3\", \"{}\"]\n[upstream]\nscripted = \"{}\"\n\
             [capture]\nproxy = true\nupstream_ca = \"weather.pem\"\nresolve = {{ \"weather.test\" = \"{}\" }}\n{more}",
            root("tests/fixtures/agents/weather.py"),
            root("tests/fixtures/agents/weather.toml"),
            self.weather.addr,
        );
        self.app.write("rewind.toml", &config);
    }

    /// Records the configured agent.
    fn recorded() -> Self {
        let captured = Self::new("");
        let recorded = captured.app.run(["record", "--name", "weather"]).exits(0);
        assert!(
            recorded.stdout.contains("Heard: It is grey, order 7."),
            "{}{}",
            recorded.stdout,
            recorded.stderr
        );
        let expected = [
            "get /v1/forecast?city=oslo http/1.1",
            "post /v1/orders http/1.1",
        ];
        assert_eq!(captured.weather.asked(), expected);
        captured
    }

    /// Records a shell script and returns the run.
    fn shell(&self, script: &str) -> Run {
        self.app
            .run(["record", "--name", "shell", "--", "sh", "-c", script])
    }
}

#[test]
fn an_agent_without_a_base_url_is_recorded_with_its_model_and_its_https_tools() {
    let captured = Captured::recorded();
    let shown = captured
        .app
        .run(["show", "weather", "--json"])
        .exits(0)
        .json();
    let steps = shown["timelines"][0]["steps"].as_array().unwrap();
    let kinds: Vec<&Value> = steps.iter().map(|step| &step["kind"]).collect();
    assert_eq!(kinds, ["model", "tool", "tool", "model"], "{shown}");
    let text = captured.app.run(["show", "weather"]).exits(0).stdout;
    for name in [
        "GET weather.test/v1/forecast",
        "POST weather.test/v1/orders",
    ] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_replay_offline_serves_model_and_tools_and_asks_nobody() {
    let captured = Captured::recorded();
    let replay = captured
        .app
        .run(["replay", "weather", "--offline", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&replay["served"], &replay["live"], &replay["tools_served"]),
        (&json!(2), &json!(0), &json!(2)),
        "{replay}"
    );
    assert_eq!(captured.weather.asked(), [""; 0]);
}

#[test]
fn a_request_that_was_not_recorded_is_not_sent_and_the_message_names_the_nearest() {
    let captured = Captured::recorded();
    let agent = root("tests/fixtures/agents/weather.py");
    let options = ["replay", "weather", "--offline", "--json", "--"];
    let words = ["env", "CITY=Bergen", "python3", &agent];
    let replay = captured.app.run([&options[..], &words].concat());
    let replay = replay.exits(1).json();
    let message = replay["divergences"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("GET weather.test/v1/forecast"),
        "{message}"
    );
    assert!(message.contains("/query/city"), "{message}");
    assert_eq!(captured.weather.asked(), [""; 0]);
}

#[test]
fn a_baseline_of_it_gates_without_the_network() {
    let captured = Captured::recorded();
    captured
        .app
        .run(["baseline", "create", "--name", "weather", "weather"])
        .exits(0);
    captured.weather.asked();
    let gate = captured.app.run(["gate", "--offline"]).exits(0);
    assert!(gate.stdout.contains("unaffected"), "{}", gate.stdout);
    assert_eq!(captured.weather.asked(), [""; 0]);
}

#[test]
fn curl_is_captured_and_only_the_agent_itself_may_use_the_proxy() {
    let captured = Captured::new("[capture.hosts]\n\"blocked.test\" = \"block\"\n");
    let code = "curl -s -o /dev/null -w '%{http_code} '";
    let run = captured.shell(&format!(
        "curl -sS 'https://weather.test/v1/forecast?city=Rome'; echo; \
         {code} --proxy \"http://rewind:wrong@${{HTTPS_PROXY##*@}}\" http://weather.test/; \
         {code} http://blocked.test/; \
         {code} -w '%{{http_connect}} ' https://blocked.test/; \
         {code} \"$REWIND_TOOLS/tools/none\"; true"
    ));
    let run = run.exits(0);
    assert!(
        run.stdout.contains("{\"sky\":\"grey\"}"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(run.stdout.contains("407 403 403 405"), "{}", run.stdout);
    assert_eq!(
        captured.weather.asked(),
        ["get /v1/forecast?city=rome http/1.1"]
    );
}

/// Asks as each of these libraries does by itself.
const CLIENTS: &str = r#"
import asyncio, anthropic, httpx, openai, requests

url = "https://weather.test/v1/forecast?city="
print(httpx.get(url + "httpx").json()["sky"])
print(requests.get(url + "requests").json()["sky"])

async def by_async():
    async with httpx.AsyncClient() as client:
        print((await client.get(url + "async")).json()["sky"])
    hello = [{"role": "user", "content": "hello"}]
    answer = await openai.AsyncOpenAI().chat.completions.create(model="gpt-4o-mini", messages=hello)
    print(answer.choices[0].message.content)
    stream = openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=hello, stream=True)
    print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
    answer = anthropic.Anthropic().messages.create(model="claude-haiku-4-5", max_tokens=9, messages=hello)
    print(answer.content[0].text)

asyncio.run(by_async())
"#;

#[test]
fn python_libraries_and_sdks_are_captured_without_a_base_url() {
    let captured = Captured::new("");
    captured.app.write("clients.py", CLIENTS);
    let rules = "[[rule]]\nreply = { text = \"hello you\" }\n";
    captured.app.write("model.toml", rules);
    let python = root("target/test-env/py/bin/python");
    let run = captured.app.run([
        "record",
        "--name",
        "clients",
        "--scripted",
        "model.toml",
        "--",
        "env",
        "-u",
        "OPENAI_BASE_URL",
        "-u",
        "ANTHROPIC_BASE_URL",
        &python,
        "clients.py",
    ]);
    let run = run.exits(0);
    let said = "grey\ngrey\ngrey\nhello you\nhello you\nhello you\n";
    assert!(run.stdout.contains(said), "{}{}", run.stdout, run.stderr);
    let asked = captured.weather.asked();
    for city in ["httpx", "requests", "async"] {
        assert!(asked.iter().any(|line| line.contains(city)), "{asked:?}");
    }
    let shown = captured.app.run(["show", "clients", "--json"]).json();
    let steps = shown["timelines"][0]["steps"].as_array().unwrap().iter();
    let kinds: Vec<&Value> = steps.map(|step| &step["kind"]).collect();
    assert_eq!(kinds, ["tool", "tool", "tool", "model", "model", "model"]);
}

#[test]
fn a_host_that_passes_is_reached_untouched_and_leaves_no_step() {
    let captured = Captured::new("[capture.hosts]\n\"weather.test\" = \"pass\"\n");
    let run = captured
        .shell("curl -sS --cacert weather.pem https://weather.test/v1/forecast")
        .exits(0);
    assert!(run.stdout.contains("grey"), "{}{}", run.stdout, run.stderr);
    let shown = captured.app.run(["show", "shell", "--json"]).json();
    assert_eq!(shown["timelines"][0]["steps"], json!([]), "{shown}");
}

#[test]
fn what_the_certificates_are_made_of_ends_with_the_run() {
    let captured = Captured::new("");
    let run = captured
        .shell("ls \"$REWIND_RUN_DIR\"; grep -l 'PRIVATE KEY' -r \"$REWIND_RUN_DIR\"; echo dir=$REWIND_RUN_DIR")
        .exits(0);
    assert!(run.stdout.contains("ca-bundle.pem"), "{}", run.stdout);
    let dir = run
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("dir="));
    let dir = PathBuf::from(dir.unwrap());
    assert!(!dir.exists());
    assert!(
        !run.stdout.contains(&format!("{}/", dir.display())),
        "{}",
        run.stdout
    );
}

#[test]
fn a_feed_that_is_no_mcp_server_is_a_tool_wherever_it_lies() {
    let captured = Captured::new("");
    let script = "curl --silent --header 'accept: text/event-stream' https://weather.test/sse";
    let recorded = captured.shell(script).exits(0);
    assert!(
        recorded.stdout.starts_with("data: grey"),
        "{}",
        recorded.stdout
    );
    let shown = captured.app.run(["show", "shell"]).exits(0).stdout;
    assert!(shown.contains("GET weather.test/sse"), "{shown}");
    captured.weather.asked();
    let offline = ["replay", "shell", "--offline", "--", "sh", "-c", script];
    let replay = captured.app.run(offline).exits(0);
    assert!(replay.stdout.starts_with("data: grey"), "{}", replay.stdout);
    assert!(captured.weather.asked().is_empty());
}

#[test]
fn java_is_captured_with_a_trust_store_of_its_own_and_without_the_token() {
    let captured = Captured::new("jvm = true\n");
    let agent = ["--", "java", &root("tests/fixtures/agents/Weather.java")];
    let record = ["record", "--name", "java"];
    let recorded = captured.app.run(record.iter().chain(&agent)).exits(0);
    let said = "{\"sky\":\"grey\"}\n{\"order\":7}\n";
    assert!(recorded.stdout.starts_with(said), "{}", recorded.stdout);
    assert_eq!(captured.weather.asked().len(), 2);
    let offline = ["replay", "java", "--offline", "--json"];
    let replay = captured
        .app
        .run(offline.iter().chain(&agent))
        .exits(0)
        .json();
    assert_eq!(replay["exit"], 0, "{replay}");
    assert_eq!(replay["tools_served"], 2, "{replay}");
    assert!(captured.weather.asked().is_empty());
}
