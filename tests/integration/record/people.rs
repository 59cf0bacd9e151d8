//! Personal data: with `[redact] personal = true` nothing keeps it, and what was recorded replays.

use std::process::Command;

use serde_json::{Value, json};

use super::secrets::{contains, files};
use super::{Bench, REAL_KEY, answer, delta, output_text, stop, text};
use crate::support::upstream::{Piece, Upstream, chunk, json, last_chunk, stream_head};

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
            pieces.push(last_chunk());
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
        .env("OPENAI_API_KEY", REAL_KEY)
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
    // What is asked live is kept by a fork, by the answers for the next push, and by what waits to be accepted.
    let agent = bench.path().join("agent.py");
    let changed = std::fs::read_to_string(&agent).unwrap();
    std::fs::write(&agent, changed.replace("You know", "You really know")).unwrap();
    for arguments in [
        "replay latest --live --from start -- python3 agent.py",
        "gate --live --samples 1 --cache-dir answers",
        "gate --live --samples 1 --cache-dir answers",
        "baseline review",
        "baseline accept people --rerecord --reason new",
    ] {
        let (code, said) = rewind(&bench, arguments);
        assert_eq!(code, Some(0), "{arguments}: {said}");
        all.push_str(&said);
        for folder in ["answers", "rewind-report/pending/people/session"] {
            let is_there = bench.path().join(folder).exists();
            let is_gate = arguments.starts_with("gate");
            assert!(is_there || !is_gate, "{folder} after {arguments}: {said}");
        }
    }
    assert!(upstream.received().len() >= asked + 6);
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

/// A stream of the Responses API that says `pieces`: as deltas, and whole at its end.
fn response_stream(pieces: &[&str]) -> Vec<Piece> {
    let all = pieces.concat();
    let part = json!({"type": "output_text", "text": all, "annotations": []});
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                      "content": [part]});
    let head = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-test-1",
                      "status": "in_progress", "output": []});
    let mut events = vec![
        json!({"type": "response.created", "response": head}),
        json!({"type": "response.output_item.added", "output_index": 0,
               "item": {"id": "msg_1", "type": "message", "role": "assistant",
                        "status": "in_progress", "content": []}}),
    ];
    let place = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
    let at_place = |mut event: Value| {
        let fields = event.as_object_mut().unwrap();
        fields.extend(place.as_object().unwrap().clone());
        event
    };
    for piece in pieces {
        let delta = json!({"type": "response.output_text.delta", "delta": piece});
        events.push(at_place(delta));
    }
    events.push(at_place(
        json!({"type": "response.output_text.done", "text": all}),
    ));
    let mut done = head.clone();
    done["status"] = "completed".into();
    done["output"] = json!([item]);
    done["usage"] = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    events.push(json!({"type": "response.completed", "response": done}));
    typed_events(&events)
}

/// A stream whose events bear the names of their types.
fn typed_events(events: &[Value]) -> Vec<Piece> {
    let event = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        chunk(&format!("event: {kind}\ndata: {event}\n\n"))
    };
    let mut stream = vec![stream_head()];
    stream.extend(events.iter().map(event));
    stream.push(last_chunk());
    stream
}

/// A stream of Anthropic's that says `pieces`.
fn message_stream(pieces: &[&str]) -> Vec<Piece> {
    let head = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
                      "content": [], "stop_reason": null, "usage": {"input_tokens": 3, "output_tokens": 1}});
    let mut events = vec![
        json!({"type": "message_start", "message": head}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    for piece in pieces {
        events.push(json!({"type": "content_block_delta", "index": 0,
                           "delta": {"type": "text_delta", "text": piece}}));
    }
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                       "usage": {"output_tokens": 2}}),
    );
    events.push(json!({"type": "message_stop"}));
    typed_events(&events)
}

#[test]
fn a_stream_of_any_dialect_keeps_no_half_of_anything() {
    let pieces = [
        "Key sk-proj-Zx9Qw8Er7T",
        "y6Ui5Op4As3Df2Gh1J for mia.",
        "berg@posteo",
        ".de.",
    ];
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        path if path.contains("responses") => response_stream(&pieces),
        path if path.contains("messages") => message_stream(&pieces),
        _ => {
            let mut stream = vec![stream_head()];
            stream.extend(pieces.map(delta));
            stream.extend([stop(), last_chunk()]);
            stream
        }
    });
    let bench = Bench::new(
        r#"
print("posteo" in ask("q", stream=True).read().decode())
print("posteo" in ask("q", stream=True, input="q", path="/responses").read().decode())
BASE = urlsplit(os.environ["ANTHROPIC_BASE_URL"])
print("posteo" in ask("q", stream=True, max_tokens=9, path="/v1/messages",
                      headers={"x-api-key": KEY}).read().decode())
"#,
    );
    std::fs::write(
        bench.path().join("rewind.toml"),
        format!(
            "[redact]\npersonal = true\n\n[upstream.anthropic]\nurl = \"{}\"\n",
            upstream.url()
        ),
    )
    .unwrap();
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "True\nTrue\nTrue\n", "{output:?}");
    let calls = bench.calls();
    assert_eq!(calls.len(), 3);
    for call in calls {
        let answer = output_text(&call);
        assert!(answer.starts_with("Key [redacted:"), "{answer}");
        assert!(answer.contains(" for person-"), "{answer}");
        let body = text(&call.exchange.body.as_ref().unwrap().to_bytes());
        for half in ["Zx9Qw8", "Op4As3", "mia.", "berg@", "posteo"] {
            assert!(!body.contains(half), "{half} in {body}");
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
