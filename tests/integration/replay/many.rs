//! A session with thousands of steps.

use crate::support::App;

/// Asks two thousand questions, each on its own, over one connection.
const AGENT: &str = r#"
import http.client, json, os
from urllib.parse import urlsplit

base = urlsplit(os.environ["OPENAI_BASE_URL"])
connection = http.client.HTTPConnection(base.netloc, timeout=60)
headers = {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
for number in range(2000):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Question %d" % number}]}
    connection.request("POST", base.path + "/chat/completions", json.dumps(body), headers)
    answer = json.load(connection.getresponse())
print(answer["choices"][0]["message"]["content"])
"#;

#[test]
fn thousands_of_steps_are_shown_exported_imported_and_replayed() {
    let app = App::new();
    app.write("agent.py", AGENT);
    app.write(
        "rules.toml",
        "[[rule]]\nreply = { text = \"An answer.\" }\n",
    );
    let agent = ["--", "python3", "agent.py"];
    let record = ["record", "--name", "big", "--scripted", "rules.toml"];
    app.run([&record[..], &agent].concat()).exits(0);
    let shown = app.run(["show", "big"]).exits(0).stdout;
    assert!(shown.contains("2000"), "{}", shown.len());
    app.run(["session", "export", "big", "-o", "big"]).exits(0);
    app.run(["session", "import", "big"]).exits(0);
    app.run(["session", "export", "latest", "-o", "again"])
        .exits(0);
    let read = |file: &str| std::fs::read(app.folder().join(file)).unwrap();
    for file in [
        "session.toml",
        "messages.jsonl",
        "steps.jsonl",
        "wire.jsonl",
    ] {
        let (first, second) = (format!("big/{file}"), format!("again/{file}"));
        assert!(read(&first) == read(&second), "{file} is as it was");
    }
    let replay = ["replay", "latest", "--offline", "--json"];
    let replay = app.run([&replay[..], &agent].concat()).exits(0).json();
    assert_eq!(
        (&replay["served"], &replay["unaffected"]),
        (&2000.into(), &true.into())
    );
}
