//! WebSockets by the forward proxy: recorded message by message, and served without their server.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, accept_hdr};

use super::root;
use super::server::{certified, config};
use crate::support::App;

/// `wss://live.test`: greets, tells the sky of a city in two messages, and ends after the second city.
struct Live {
    addr: SocketAddr,
    certificate: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Live {
    fn start() -> Self {
        let made = certified(&["live.test"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let live = Self {
            addr: listener.local_addr().unwrap(),
            certificate: made.cert.pem(),
            heard: Arc::default(),
        };
        let (config, heard) = (config(&made), Arc::clone(&live.heard));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, heard) = (Arc::clone(&config), Arc::clone(&heard));
                thread::spawn(move || {
                    let tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    talk(tls, &heard);
                });
            }
        });
        live
    }

    /// Returns what was heard so far, and forgets it.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

fn talk(tls: StreamOwned<ServerConnection, TcpStream>, heard: &Mutex<Vec<String>>) {
    #[expect(clippy::result_large_err, reason = "the library says so")]
    let choose = |request: &Request, mut response: Response| {
        assert!(request.headers().get("sec-websocket-extensions").is_none());
        assert!(request.headers().get("proxy-authorization").is_none());
        let protocol = request.headers()["sec-websocket-protocol"].clone();
        response
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr(tls, choose) else {
        return;
    };
    socket.send(Message::text("{\"hello\":1}")).unwrap();
    let mut cities = 0;
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(text) => {
                heard.lock().unwrap().push(text.to_string());
                socket
                    .send(Message::text(format!("grey over {text}")))
                    .unwrap();
                socket
                    .send(Message::binary(vec![0, 159, 146, 150]))
                    .unwrap();
                cities += 1;
            }
            Message::Close(_)
            | Message::Binary(_)
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Frame(_) => {}
        }
        if cities == 2 {
            let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                code: 4001.into(),
                reason: "enough".into(),
            };
            socket.close(Some(frame)).unwrap();
            cities += 1;
        }
    }
}

/// Asks for two cities and prints everything that it hears.
///
/// The library's other client reads and writes TLS from two threads, which Python's `ssl` does not always survive.
const AGENT: &str = r#"
import asyncio, json, os
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

async def main():
    async with connect("wss://live.test/v1/live?units=metric", subprotocols=["weather.1"]) as socket:
        print(socket.subprotocol, await socket.recv())
        for city in ["Oslo", os.environ.get("CITY", "Rome")]:
            await socket.send(json.dumps({"city": city, "at": "2026-11-%02d" % 24}))
            print(await socket.recv())
            print((await socket.recv()).hex())
        try:
            await socket.recv()
        except ConnectionClosed as closed:
            print(closed.rcvd.code, closed.rcvd.reason)

asyncio.run(main())
"#;

struct Agent {
    app: App,
    live: Live,
}

const SAID: &str = "weather.1 {\"hello\":1}\n\
    grey over {\"city\": \"Oslo\", \"at\": \"2026-11-24\"}\n009f9296\n\
    grey over {\"city\": \"Rome\", \"at\": \"2026-11-24\"}\n009f9296\n4001 enough\n";

impl Agent {
    fn recorded() -> Self {
        let agent = Self {
            app: App::new(),
            live: Live::start(),
        };
        agent.configure("");
        agent.app.write("live.pem", &agent.live.certificate);
        agent.app.write("agent.py", AGENT);
        let run = agent.app.run(["record", "--name", "live"]).exits(0);
        assert!(run.stdout.contains(SAID), "{}{}", run.stdout, run.stderr);
        assert_eq!(agent.live.heard().len(), 2);
        agent
    }

    fn configure(&self, more: &str) {
        let python = root("target/test-env/py/bin/python");
        let config = format!(
            "[agent]\ncommand = [\"{python}\", \"agent.py\"]\nenv = [\"CITY\"]\noutput = \"stdout\"\n[capture]\n\
             proxy = true\nupstream_ca = \"live.pem\"\nresolve = {{ \"live.test\" = \"{}\" }}\n{more}",
            self.live.addr
        );
        self.app.write("rewind.toml", &config);
    }

    fn replay(&self, options: &[&str], city: &str) -> crate::support::Run {
        let mut command = self.app.rewind();
        command.args(["replay", "live", "--json"]).args(options);
        command.env("CITY", city);
        let output = command.output().unwrap();
        crate::support::Run::new(&command, output)
    }
}

#[test]
fn every_message_is_a_step_and_is_served_without_the_server() {
    let agent = Agent::recorded();
    let shown = agent.app.run(["show", "live", "--json"]).exits(0).json();
    let steps = shown["timelines"][0]["steps"].as_array().unwrap();
    let seen: Vec<[&Value; 2]> = steps
        .iter()
        .map(|step| ["captured", "effect"].map(|name| &step[name]))
        .collect();
    let (opened, said) = (
        [&json!("http"), &json!("read")],
        [&json!("http"), &json!("mutating")],
    );
    assert_eq!(seen, [opened, said, said], "{shown}");
    let text = agent.app.run(["show", "live"]).exits(0).stdout;
    assert_eq!(text.matches("WS live.test/v1/live").count(), 3, "{text}");

    let replay = agent.replay(&["--offline"], "Rome").exits(0).json();
    assert_eq!(
        (&replay["divergences"], &replay["skipped"]),
        (&json!([]), &json!([])),
        "{replay}"
    );
    assert_eq!(replay["tools_served"], 3);
    assert_eq!(format!("{}\n", replay["answer"].as_str().unwrap()), SAID);
    assert_eq!(agent.live.heard(), [""; 0]);
}

#[test]
fn another_message_is_not_sent_unless_it_may_be() {
    let agent = Agent::recorded();
    let replay = agent.replay(&["--offline"], "Bergen").exits(1).json();
    let message = replay["divergences"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("`/message/city` of the arguments"),
        "{message}"
    );
    assert_eq!(agent.live.heard(), [""; 0]);
    // Behind the fork it may, where it is said to change nothing.
    agent.configure("[tools.\"WS live.test/*\"]\neffect = \"read\"\n");
    let replay = agent.replay(&["--from", "2"], "Bergen").exits(0).json();
    let ran = &replay["tools_ran"][0];
    assert_eq!(
        (&ran["name"], &ran["times"]),
        (&json!("WS live.test/v1/live"), &json!(2))
    );
    let heard = agent.live.heard();
    assert!(heard[1].contains("Bergen"), "{heard:?}");
    // The greeting was served; the server's own is not heard a second time.
    assert_eq!(
        replay["answer"].as_str().unwrap(),
        SAID.replace("Rome", "Bergen").trim_end()
    );
}

#[test]
fn a_socket_without_the_forward_proxy_is_refused_with_the_remedy() {
    let app = App::new();
    let script = "curl -s -H 'connection: upgrade' -H 'upgrade: websocket' -H 'sec-websocket-key: x' \
                  \"$OPENAI_BASE_URL/realtime\"";
    let run = app.run(["record", "--name", "none", "--", "sh", "-c", script]);
    assert!(
        run.stdout.contains("`proxy = true`"),
        "{}{}",
        run.stdout,
        run.stderr
    );
}
