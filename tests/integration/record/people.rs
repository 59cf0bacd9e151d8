//! Personal data: with `[redact] personal = true` nothing keeps it, and what was recorded replays.

use std::process::Command;

use serde_json::json;

use super::secrets::{contains, files};
use super::{Bench, answer, delta, stop, text};
use crate::support::upstream::{Upstream, json, stream_head};

fn has_check_digit(number: &str) -> bool {
    let digits = number.chars().filter_map(|c| c.to_digit(10)).rev();
    let sum: u32 = digits
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn iban(account: u64) -> String {
    // `DE00` behind the account, letters as numbers (ISO 7064).
    let rest = format!("{account:018}131400")
        .chars()
        .fold(0, |rest, c| (rest * 10 + c.to_digit(10).unwrap()) % 97);
    format!("DE{:02}{account:018}", 98 - rest)
}

/// Returns 200 different identifiers, 40 of each kind.
fn people() -> Vec<String> {
    (0..40_u64)
        .flat_map(|n| {
            let card = format!("4111 22{n:02} 3333 9{n:02}");
            let check = (0..10).find(|check| has_check_digit(&format!("{card}{check}")));
            [
                format!("mia.berg{n}@mail{n}.posteo.de"),
                format!("+49 30 90{n:02}82{n:02}"),
                iban(370_400_440_532_013_000 + n * 7),
                format!("{card}{}", check.unwrap()),
                format!("84.{}.7.{}", 100 + n, 30 + n),
            ]
        })
        .collect()
}

/// The agent: prose, escaped JSON, tool arguments and results, and a stream whose end it sends back.
const AGENT: &str = r#"
P = json.load(open("people.json"))
def content(stream, raw):
    if not stream:
        return json.loads(raw)["choices"][0]["message"]
    lines = [json.loads(l[6:]) for l in raw.splitlines() if l.startswith("data: {")]
    return {"role": "assistant",
            "content": "".join(l["choices"][0]["delta"].get("content", "") for l in lines)}
messages = [{"role": "system", "content": "You know " + P[0] + "."},
            {"role": "user", "content": "Write to " + ", then ".join(P[:40]) + "."},
            {"role": "user", "content": json.dumps({"inner": json.dumps({P[40]: P[41:80]})})}]
def turn(stream):
    reply = ask("", messages=messages, stream=stream)
    assert reply.status == 200, reply.read()
    messages.append(content(stream, reply.read().decode()))
turn(False)
call = messages[-1]["tool_calls"][0]
messages.append({"role": "tool", "tool_call_id": call["id"],
                 "content": json.dumps({"asked": json.loads(call["function"]["arguments"]),
                                        "lines": "\n".join(P[120:160])})})
turn(True)
messages.append({"role": "user", "content": "And " + P[0] + " again?"})
turn(False)
print("has", sum(p in json.dumps(messages) for p in P[80:120] + P[160:]))
"#;

fn provider() -> Upstream {
    Upstream::start(|request| {
        let people = people();
        let body = text(&request.body);
        if body.contains("again?") {
            return json(200, &answer(&format!("Yes, {}.", people[0])));
        }
        if body.contains("\"stream\"") {
            let mut pieces = vec![stream_head()];
            for person in &people[160..] {
                let (first, second) = person.split_at(person.len() / 2);
                pieces.extend([delta(" then "), delta(first), delta(second), delta(",")]);
            }
            pieces.push(stop());
            pieces.push(crate::support::upstream::last_chunk());
            return pieces;
        }
        let mut whole = answer(&people[80..100].join("\n"));
        whole["choices"][0]["message"]["tool_calls"] = json!([{
            "id": "call_1", "type": "function", "function": {"name": "mail",
                "arguments": json!({"to": people[100..120]}).to_string()}
        }]);
        json(200, &whole)
    })
}

fn rewind(bench: &Bench, arguments: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rewind"))
        .current_dir(bench.path())
        .env("RUST_LOG", "trace")
        .arg("-vv")
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn of_two_hundred_people_nobody_is_kept_and_the_session_replays() {
    let upstream = provider();
    let bench = Bench::new(AGENT);
    let people = people();
    let file = bench.path().join("people.json");
    std::fs::write(&file, json!(people).to_string()).unwrap();
    let config = format!(
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream.openai]\nurl = \"{}\"\n\n\
         [report]\ncontent = \"full\"\n\n[replay]\nallow_tools = [\"*\"]\n\n[redact]\npersonal = true\n",
        upstream.url()
    );
    std::fs::write(bench.path().join("rewind.toml"), config).unwrap();
    let output = bench.record(&upstream);
    // The agent itself gets everything as it was sent.
    assert_eq!(text(&output.stdout), "has 80\n", "{output:?}");
    let asked = upstream.received().len();
    let mut all = text(&output.stderr);
    for arguments in [
        "replay latest --offline -- python3 agent.py",
        "replay latest --offline --require normalised -- python3 agent.py",
        "show latest",
        "session export latest -o exported",
        "share latest --include-content -o shared.html",
        "baseline create latest --name people --from start",
        "gate --offline",
    ] {
        let (code, said) = rewind(&bench, arguments);
        assert_eq!(code, Some(0), "{arguments}: {said}");
        all.push_str(&said);
    }
    assert_eq!(upstream.received().len(), asked, "nothing went out");
    std::fs::remove_file(file).unwrap();
    let files = files(bench.path().as_std_path());
    assert!(files.len() > 10, "{}", files.len());
    for person in &people {
        assert!(!all.contains(person.as_str()), "{person} was said");
        for (name, bytes) in &files {
            assert!(!contains(bytes, person.as_bytes()), "{person} is in {name}");
        }
    }
}

#[test]
fn an_imported_session_loses_its_personal_data_where_that_is_wanted() {
    let upstream = Upstream::start(|_request| json(200, &answer("ask mia.berg@posteo.de")));
    let bench = Bench::new(r#"print(ask("who is +49 30 901820?").status)"#);
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    let (code, said) = rewind(&bench, "session export latest -o exported");
    assert_eq!(code, Some(0), "{said}");
    std::fs::write(
        bench.path().join("rewind.toml"),
        "[redact]\npersonal = [\"email\"]\n",
    )
    .unwrap();
    let (code, said) = rewind(&bench, "session import exported --store other");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = rewind(&bench, "session export latest -o clean --store other");
    assert_eq!(code, Some(0), "{said}");
    let clean: Vec<u8> = files(bench.path().join("clean").as_std_path())
        .into_iter()
        .flat_map(|(_name, bytes)| bytes)
        .collect();
    assert!(!contains(&clean, b"posteo"), "{}", text(&clean));
    assert!(contains(&clean, b"ask person-"), "{}", text(&clean));
    assert!(
        contains(&clean, b"+49 30 901820"),
        "only e-mail was asked for"
    );
}
