//! The recorded clock: dates, lots and ids that stand in prompts are those of the recording.

use std::fs;

use serde_json::json;

use crate::support::{App, Run, repository_path};

/// Puts into its prompt the day, what it drew, and a part of an id; fetches of two processes at once.
const PYTHON: &str = r#"
import datetime, json, os, random, urllib.request, uuid
drawn = random.sample(["red", "green", "blue", "white", "black", "grey"], 4)
question = "%s %s %s %s" % (
    datetime.datetime.now().strftime("%A, week %W of %Y"), datetime.date.today().toordinal(), drawn, uuid.uuid4().hex[:7])
assert isinstance(datetime.datetime.now(), datetime.datetime) and isinstance(datetime.datetime(2020, 1, 2), datetime.date)
body = {"model": "m", "messages": [{"role": "user", "content": question}]}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"content-type": "application/json"})
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"#;

const NODE: &str = r#"
import { randomUUID } from "node:crypto";
const drawn = ["red", "green", "blue", "white", "black", "grey"].map((name) => name + Math.floor(Math.random() * 1000));
const now = new Date();
if (!(now instanceof Date) || new Date(2020, 0, 2).getFullYear() !== 2020) throw new Error("no date");
const question = `${now.toDateString()} ${Math.floor(Date.now() / 864e5)} ${drawn} ${randomUUID().slice(0, 7)} ${crypto.randomUUID().slice(0, 7)}`;
const answer = await fetch(process.env.OPENAI_BASE_URL + "/chat/completions", {
  method: "POST", headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "m", messages: [{ role: "user", content: question }] }),
});
console.log((await answer.json()).choices[0].message.content);
"#;

fn prove(file: &str, text: &str, command: &[&str]) {
    let app = App::new();
    app.write(file, text);
    app.write("model.toml", "[[rule]]\nreply = { text = \"noted\" }\n");
    let run = |words: &[&str]| {
        let words = words.iter().chain(&["--"]).chain(command);
        app.run(words)
    };
    for (clock, is_same) in [("recorded", true), ("real", false)] {
        app.write("rewind.toml", &format!("[replay]\nclock = \"{clock}\"\n"));
        run(&["record", "--name", clock, "--scripted", "model.toml"]).exits(0);
        let replay = run(&["replay", clock, "--offline", "--json"]).json();
        assert_eq!(replay["unaffected"], json!(is_same), "{clock}: {replay}");
    }
    // A fork goes on in the recorded time, and so does a replay of the fork.
    app.write("rewind.toml", "[replay]\nclock = \"recorded\"\n");
    run(&[
        "replay",
        "recorded",
        "--from",
        "1",
        "--label",
        "again",
        "--scripted",
        "model.toml",
    ])
    .exits(0);
    let replay = run(&[
        "replay",
        "recorded",
        "--timeline",
        "again",
        "--offline",
        "--json",
    ]);
    assert_eq!(replay.exits(0).json()["unaffected"], true);
}

#[test]
fn a_python_prompt_with_dates_lots_and_ids_is_that_of_the_recording() {
    prove("agent.py", PYTHON, &["python3", "agent.py"]);
}

#[test]
fn a_node_prompt_with_dates_lots_and_ids_is_that_of_the_recording() {
    prove("agent.mjs", NODE, &["node", "agent.mjs"]);
}

#[test]
fn the_time_goes_on_from_the_start_of_the_recording() {
    let app = App::new();
    let folder = app.folder().join("auto");
    fs::create_dir_all(&folder).unwrap();
    let site = fs::read_to_string(repository_path("src/agent/auto/sitecustomize.py")).unwrap();
    app.write("auto/sitecustomize.py", &site);
    let script = "import datetime, time, sys, subprocess, os\n\
        print(datetime.date.today(), datetime.datetime.now(datetime.timezone.utc).year, time.gmtime().tm_year, \
        time.strftime('%Y', time.gmtime()), datetime.datetime.utcnow().date(), 'REWIND_SEED' in os.environ)\n\
        if len(sys.argv) < 2: subprocess.run([sys.executable, __file__, 'child'], check=True)\n";
    app.write("agent.py", script);
    let path = format!("{}:{}", folder.display(), repository_path("python"));
    let begun = fs::read_to_string("/proc/uptime").unwrap();
    let begun: f64 = begun.split(' ').next().unwrap().parse().unwrap();
    // Noon of 14 July 2015, as of a second ago.
    let start = 1_436_875_200_u64;
    let clock = format!("{start}000000000:{:.0}000000000", begun - 1.0);
    let mut command = app.program("python3");
    command.arg(app.folder().join("agent.py")).env("TZ", "UTC");
    command
        .env("PYTHONPATH", path)
        .env("REWIND_CLOCK", clock)
        .env("REWIND_SEED", "1");
    let output = command.output().unwrap();
    let run = Run::new(&command, output).exits(0);
    let line = "2015-07-14 2015 2015 2015 2015-07-14 False\n";
    assert_eq!(run.stdout, line.repeat(2), "{}", run.stderr);
}
