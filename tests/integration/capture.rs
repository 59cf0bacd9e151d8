//! The forward proxy: an agent that knows nothing of Rewind, its model and its tools behind TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::support::{App, Run};

fn root(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    path.to_str().unwrap().to_owned()
}

/// `https://weather.test` on a loopback port: a forecast, and orders that are counted.
struct Weather {
    addr: SocketAddr,
    /// The server's certificate, which nobody trusts unless told.
    certificate: String,
    /// The first lines of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Weather {
    fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["weather.test".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let weather = Self {
            addr: listener.local_addr().unwrap(),
            certificate: made.cert.pem(),
            asked: Arc::default(),
        };
        let (config, asked) = (Arc::new(config), Arc::clone(&weather.asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, asked) = (Arc::clone(&config), Arc::clone(&asked));
                thread::spawn(move || answer(stream, config, &asked));
            }
        });
        weather
    }

    /// Returns what was asked so far, and forgets it.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Answers one request and closes.
fn answer(stream: TcpStream, config: Arc<ServerConfig>, asked: &Mutex<Vec<String>>) {
    let connection = ServerConnection::new(config).unwrap();
    let mut tls = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if tls.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    tls.read_exact(&mut vec![0; length]).unwrap();
    assert!(!head.contains("proxy-authorization"), "{head}");
    asked
        .lock()
        .unwrap()
        .push(head.lines().next().unwrap().to_owned());
    let body = if head.starts_with("post") {
        json!({"order": 7})
    } else {
        json!({"sky": "grey"})
    };
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tls.write_all(answer.as_bytes()).unwrap();
    tls.conn.send_close_notify();
    tls.flush().unwrap();
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
