//! How the scripted model answers a changed agent.

use toml::{Table, Value, toml};

use super::Change;
use super::random::Random;
use super::subject::{Lane, Subject, ToolCall, Turn};

/// Sentences that change a prompt and mean nothing; a rule recognises the change by them.
const SENTENCES: &[&str] = &[
    "Be brief.",
    "Use plain words.",
    "Take your time.",
    "Keep to the point.",
    "Write for a general reader.",
    "Mind the units.",
];

/// Returns the change of a prompt after which the model holds one conversation like this.
pub(super) fn prompted(lane: &Lane, random: &mut Random) -> Change {
    let sentence = random.one_of(SENTENCES).copied().expect("sentences");
    Change {
        prompt: Some((lane.agent.clone(), sentence)),
        rules: talk(lane, sentence),
        ..Change::default()
    }
}

/// Returns the rules that hold this conversation, turn by turn, where the prompt has this text.
pub(super) fn talk(lane: &Lane, system: &str) -> Vec<Table> {
    let turns = lane.turns.iter().enumerate();
    let rules = turns.map(|(number, turn)| {
        let mut when = when(system, &lane.task);
        when.insert("turn".into(), Value::try_from(number).expect("a number"));
        rule(when, reply(turn))
    });
    rules.collect()
}

/// Returns the rules below all others, so that nothing ends only because the script knows no more: each agent
/// goes on as recorded, and whoever has another's task searches for it.
pub(super) fn fallback(subjects: &[Subject]) -> Vec<Table> {
    let mut rules = Vec::new();
    for lane in subjects.iter().flat_map(|subject| &subject.lanes) {
        let system = system(&lane.agent);
        rules.extend(talk(lane, system));
        if let Some(last) = lane.turns.last() {
            rules.push(rule(when(system, &lane.task), reply(last)));
        }
    }
    let search = ToolCall {
        tool: "web_search".to_owned(),
        arguments: serde_json::json!({"query": "{{last_user}}"}),
    };
    for agent in ["researcher", "fact_checker"] {
        let mut when = when(system(agent), "");
        when.insert("last_role".into(), "user".into());
        rules.push(rule(when, reply(&Turn::Calls(vec![search.clone()]))));
    }
    rules
}

/// Returns the rule that answers a conversation whose prompt and task have these texts.
pub(super) fn says(agent: &str, task: &str, text: &str) -> Table {
    rule(
        when(system(agent), task),
        reply(&Turn::Text(text.to_owned())),
    )
}

/// Returns the rule that makes a call again as long as its result has this text.
pub(super) fn again(lane: &Lane, result: &str, call: &ToolCall) -> Table {
    let mut when = when(system(&lane.agent), &lane.task);
    when.insert("last_role".into(), "tool".into());
    when.insert("tool_result".into(), toml! { contains = result }.into());
    rule(when, reply(&Turn::Calls(vec![call.clone()])))
}

/// Adds the tokens that an answer reports.
pub(super) fn spending(rules: &mut [Table], input: usize, output: usize) {
    for rule in rules {
        let reply = rule
            .get_mut("reply")
            .and_then(Value::as_table_mut)
            .expect("a reply");
        let usage = [("input", input), ("output", output)];
        let usage = usage
            .map(|(side, tokens)| (side.to_owned(), Value::try_from(tokens).expect("a number")));
        reply.insert("usage".into(), Value::Table(Table::from_iter(usage)));
    }
}

/// Says why an answer ended.
pub(super) fn finish(rules: &mut [Table], why: &str) {
    for rule in rules {
        let reply = rule
            .get_mut("reply")
            .and_then(Value::as_table_mut)
            .expect("a reply");
        reply.insert("finish".into(), why.into());
    }
}

/// Returns what the prompt of an agent always says.
fn system(agent: &str) -> &'static str {
    match agent {
        "supervisor" => "the research supervisor",
        "researcher" => "the researcher",
        "fact_checker" => "the fact checker",
        _ => "the report writer",
    }
}

fn when(system: &str, task: &str) -> Table {
    let texts = [("system", system), ("last_user", task)];
    let texts = texts.into_iter().filter(|(_key, text)| !text.is_empty());
    texts
        .map(|(key, text)| (key.to_owned(), Value::from(text)))
        .collect()
}

fn reply(turn: &Turn) -> Table {
    match turn {
        Turn::Text(text) => [("text".to_owned(), Value::from(text.as_str()))]
            .into_iter()
            .collect(),
        Turn::Calls(calls) => {
            let calls: Vec<Value> = calls
                .iter()
                .map(|call| {
                    let arguments = Value::try_from(&call.arguments).expect("no null");
                    let fields = [
                        ("name", Value::from(call.tool.as_str())),
                        ("arguments", arguments),
                    ];
                    let fields = fields.map(|(key, value)| (key.to_owned(), value));
                    Value::Table(fields.into_iter().collect())
                })
                .collect();
            [("tool_calls".to_owned(), Value::Array(calls))]
                .into_iter()
                .collect()
        }
    }
}

fn rule(when: Table, reply: Table) -> Table {
    let parts = [("when", when), ("reply", reply)];
    parts
        .into_iter()
        .map(|(key, part)| (key.to_owned(), Value::Table(part)))
        .collect()
}
