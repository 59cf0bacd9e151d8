//! Changes of what is called: by the model, whose prompt was changed, or by the agent, which changes what the model said.

use super::random::Random;
use super::rules::{again, prompted};
use super::subject::{Lane, Site, Subject, ToolCall, Turn};
use super::{Change, code};

/// A tool call is left out.
pub(super) fn dropped(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let calls = subject.calls();
    let (site, call) = random.one_of(&calls)?;
    if random.coin() {
        let mut lane = subject.lanes[site.0].clone();
        remove(&mut lane, *site);
        return Some((
            format!("the model leaves out {}", call.text()),
            prompted(&lane, random),
        ));
    }
    let code = format!(
        "{}asked = ask\n\n\
         def ask(messages, tools):\n    \
             message = asked(messages, tools)\n    \
             calls = message.get(\"tool_calls\") or []\n    \
             kept = [call for call in calls if not hit(call)]\n    \
             if not kept and calls:\n        \
                 return {{\"role\": \"assistant\", \"content\": \"That is all.\"}}\n    \
             if kept:\n        \
                 message[\"tool_calls\"] = kept\n    \
             return message\n",
        code::hit(call)
    );
    Some((format!("the agent leaves out {}", call.text()), coded(code)))
}

/// Two calls change places.
pub(super) fn swapped(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let calls = subject.calls();
    let (first, one) = random.one_of(&calls)?;
    let others: Vec<_> = calls
        .iter()
        // Calls of one answer have no order.
        .filter(|(site, other)| site.0 == first.0 && site.1 > first.1 && other != one)
        .collect();
    let (second, other) = random.one_of(&others)?;
    let pair = format!("{} and {}", one.text(), other.text());
    if random.coin() {
        let mut lane = subject.lanes[first.0].clone();
        set(&mut lane, *first, (*other).clone());
        set(&mut lane, *second, (*one).clone());
        return Some((format!("the model swaps {pair}"), prompted(&lane, random)));
    }
    let code = format!(
        "{}first = hit\n{}{}",
        code::hit(one),
        code::hit(other),
        code::each_call(&format!(
            "if first(call):\n    {}elif hit(call):\n    {}",
            code::becomes(other),
            code::becomes(one)
        ))
    );
    Some((format!("the agent swaps {pair}"), coded(code)))
}

/// An argument is another one.
pub(super) fn altered(
    subject: &Subject,
    all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let calls = subject.calls();
    let (site, call) = random.one_of(&calls)?;
    if random.coin() {
        let now = call.with(&another(call, all, random)?);
        let what = format!("the model: {} becomes {}", call.text(), now.text());
        let mut lane = subject.lanes[site.0].clone();
        set(&mut lane, *site, now);
        return Some((what, prompted(&lane, random)));
    }
    // What an agent makes of a call shows in its result alone, so it has to be another one.
    let now = call.with(&of_another(call, all, random)?);
    let what = format!("the agent: {} becomes {}", call.text(), now.text());
    let code = format!(
        "{}used = use_tool\n\n\
         def use_tool(agent, made):\n    \
             call = {{\"function\": made}}\n    \
             if hit(call):\n        {}    \
             return used(agent, call[\"function\"])\n",
        code::hit(call),
        code::becomes(&now)
    );
    Some((what, coded(code)))
}

/// Returns another argument for a call.
fn another(call: &ToolCall, all: &[Subject], random: &mut Random) -> Option<String> {
    let is = call.argument();
    let words: Vec<&str> = is.split(' ').collect();
    let made = match random.below(6) {
        0 => format!("{is} of Osaka"),
        1 => words.iter().rev().copied().collect::<Vec<_>>().join(" "),
        2 => words[..words.len() / 2].join(" "),
        3 => is.replace(|c: char| c.is_ascii_digit(), "7"),
        4 => {
            let left_out = random.below(words.len());
            let kept = words
                .iter()
                .enumerate()
                .filter(|(nth, _word)| *nth != left_out);
            kept.map(|(_nth, word)| *word).collect::<Vec<_>>().join(" ")
        }
        _ => of_another(call, all, random)?,
    };
    (made != is).then_some(made)
}

/// Returns the argument of another call of the same tool.
fn of_another(call: &ToolCall, all: &[Subject], random: &mut Random) -> Option<String> {
    let others: Vec<_> = all.iter().flat_map(Subject::calls).collect();
    let others: Vec<&str> = others
        .iter()
        .filter(|(_site, other)| other.tool == call.tool && other.arguments != call.arguments)
        .map(|(_site, other)| other.argument())
        .collect();
    random
        .one_of(&others)
        .map(|argument| (*argument).to_owned())
}

/// Another sub-agent gets the task.
pub(super) fn misdirected(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let calls = subject.calls();
    let delegated: Vec<_> = calls
        .iter()
        .filter(|(_site, call)| matches!(call.tool.as_str(), "research" | "check_facts"))
        .collect();
    let (site, call) = random.one_of(&delegated)?;
    let (tool, parameter, agent) = if call.tool == "research" {
        ("check_facts", "claim", "fact_checker")
    } else {
        ("research", "question", "researcher")
    };
    if random.coin() {
        let now = ToolCall {
            tool: tool.to_owned(),
            arguments: serde_json::json!({parameter: call.argument()}),
        };
        let mut lane = subject.lanes[site.0].clone();
        set(&mut lane, *site, now);
        return Some((
            format!("the model asks {tool} for {}", call.text()),
            prompted(&lane, random),
        ));
    }
    let code = format!(
        "intended = TOOLS[{tool}].function\n\n\
         def instead(task):\n    \
             return run_agent({agent}, task)[0] if task == {task} else intended(task)\n\n\
         TOOLS[{tool}].function = instead\n",
        tool = code::text(&call.tool),
        agent = code::text(agent),
        task = code::text(call.argument()),
    );
    Some((
        format!("the agent lets the {agent} answer {}", call.text()),
        coded(code),
    ))
}

/// A tool is called that nobody may call.
pub(super) fn forbidden(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    if random.below(4) == 0 {
        let both = ["researcher", "fact_checker"];
        let choices = [&both[..1], &both[1..], &both[..]];
        let agents = *random.one_of(&choices)?;
        let mut lanes = subject.lanes.iter();
        if !lanes.any(|lane| agents.contains(&lane.agent.as_str())) {
            return None;
        }
        let code = format!(
            "TOOLS[\"delete_all_files\"] = Tool(lambda query: \"Deleted.\", \"query\", \"Delete all files.\")\n\
             for name in {agents:?}:\n    \
                 AGENTS[name] = [tool.replace(\"web_search\", \"delete_all_files\") for tool in AGENTS[name]]\n"
        );
        return Some((
            format!("{} have it for web_search", agents.join(", ")),
            coded(code),
        ));
    }
    let tools = [
        "delete_all_files",
        "delete_page",
        "delete_user",
        "delete_index",
    ];
    let tool = (*random.one_of(&tools)?).to_owned();
    let place = random.below(subject.lanes.len());
    let mut lane = subject.lanes[place].clone();
    let turn = random.below(lane.turns.len());
    let what = format!(
        "the {} calls {tool} in turn {} of {}",
        lane.agent,
        turn + 1,
        lane.task
    );
    let arguments = serde_json::json!({"path": "/"});
    lane.turns
        .insert(turn, Turn::Calls(vec![ToolCall { tool, arguments }]));
    Some((what, prompted(&lane, random)))
}

/// A call is made again and again.
pub(super) fn looped(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let calls = subject.calls();
    let (site, call) = random.one_of(&calls)?;
    let mut lane = subject.lanes[site.0].clone();
    // The agent gives up after twelve turns.
    let times = random.between(4, 12 - lane.turns.len());
    if random.coin() {
        let repeated = std::iter::repeat_n(lane.turns[site.1].clone(), times);
        lane.turns.splice(site.1..site.1, repeated);
        let what = format!("the model makes {} {times} times more", call.text());
        return Some((what, prompted(&lane, random)));
    }
    let code = format!(
        "left, used = [{times}], use_tool\n\n\
         def use_tool(agent, call):\n    \
             if left[0] and hit({{\"function\": call}}):\n        \
                 left[0] -= 1\n        \
                 return \"Timed out. Try again.\"\n    \
             return used(agent, call)\n"
    );
    let change = Change {
        code: code::hit(call) + &code,
        rules: vec![again(&lane, "Timed out", call)],
        ..Change::default()
    };
    Some((format!("{} times out {times} times", call.text()), change))
}

fn coded(code: String) -> Change {
    Change {
        code,
        ..Change::default()
    }
}

fn set(lane: &mut Lane, (_lane, turn, nth): Site, call: ToolCall) {
    if let Turn::Calls(calls) = &mut lane.turns[turn] {
        calls[nth] = call;
    }
}

fn remove(lane: &mut Lane, (_lane, turn, nth): Site) {
    if let Turn::Calls(calls) = &mut lane.turns[turn] {
        calls.remove(nth);
        if calls.is_empty() {
            lane.turns.remove(turn);
        }
    }
}
