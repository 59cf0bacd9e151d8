//! Changes of the run as a whole: what it leaves out, what it spends, how it ends, what its tools return.

use super::answers::{another, numbers};
use super::random::Random;
use super::rules::{prompted, says, spending};
use super::subject::{Subject, Turn};
use super::{Change, code};

/// Something that the agent did is no longer done.
pub(super) fn skipped(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let place = random.below(subject.lanes.len());
    let lane = &subject.lanes[place];
    let Some(Turn::Text(last)) = lane.turns.last() else {
        return None;
    };
    let task = code::text(&lane.task);
    let remembered = [last.as_str(), "", "No answer."];
    let instead = *random.one_of(&remembered)?;
    let said = code::text(instead);
    let (what, code) = match lane.agent.as_str() {
        "researcher" | "fact_checker" => (
            "never runs".to_owned(),
            format!(
                "ran = run_agent\n\n\
                 def run_agent(agent, task):\n    \
                     return ({said}, []) if task == {task} else ran(agent, task)\n"
            ),
        ),
        "writer" => (
            "never runs; the notes are printed".to_owned(),
            "def stream(messages):\n    yield messages[1][\"content\"]\n".to_owned(),
        ),
        _ => {
            let turn = random.below(lane.turns.len());
            // What is remembered to the letter is not worse.
            if turn + 1 == lane.turns.len() && instead == last {
                return None;
            }
            (
                format!("is not asked for turn {}", turn + 1),
                format!(
                    "asked = ask\n\n\
                     def ask(messages, tools):\n    \
                         if len(messages) > 1 and messages[1][\"content\"] == {task} and \
                             sum(one[\"role\"] == \"assistant\" for one in messages) == {turn}:\n        \
                             return {{\"role\": \"assistant\", \"content\": {said}}}\n    \
                         return asked(messages, tools)\n"
                ),
            )
        }
    };
    let what = format!(
        "the {} {what} for {}: {instead} {}",
        lane.agent,
        lane.task,
        code.len()
    );
    Some((
        what,
        Change {
            code,
            ..Change::default()
        },
    ))
}

/// The run takes more tokens or more calls.
pub(super) fn dear(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    match random.below(4) {
        0 => {
            let times = random.between(1, 3);
            let code = format!(
                "asked, streamed = ask, stream\n\n\
                 def ask(messages, tools):\n    \
                     for _time in range({times}):\n        \
                         asked(messages, tools)\n    \
                     return asked(messages, tools)\n\n\
                 def stream(messages):\n    \
                     for _time in range({times}):\n        \
                         list(streamed(messages))\n    \
                     yield from streamed(messages)\n"
            );
            Some((
                format!("each answer is asked for {times} times more"),
                coded(code),
            ))
        }
        1 => {
            let letters = random.between(600, 4000);
            let code = padded("system", letters);
            Some((
                format!("{letters} letters more in each prompt"),
                coded(code),
            ))
        }
        2 => {
            let letters = random.between(600, 4000);
            let code = padded("user", letters);
            Some((format!("{letters} letters more in each task"), coded(code)))
        }
        _ => {
            let place = random.below(subject.lanes.len());
            let lane = &subject.lanes[place];
            let mut change = prompted(lane, random);
            let (input, output) = (random.between(2500, 9000), random.between(100, 9000));
            spending(&mut change.rules, input, output);
            let what = format!(
                "{input} and {output} tokens in each turn of {}: {}",
                lane.agent, lane.task
            );
            Some((what, change))
        }
    }
}

/// Returns code that lengthens the first message of this role in each conversation.
fn padded(role: &str, letters: usize) -> String {
    format!(
        "began = conversation\n\n\
         def conversation(agent, task):\n    \
             messages = began(agent, task)\n    \
             for message in messages:\n        \
                 if message[\"role\"] == \"{role}\":\n            \
                     message[\"content\"] += \"\\n\" + (\"Remember what was said. \" * {letters})[:{letters}]\n    \
             return messages\n"
    )
}

/// The agent ends too early, or with an error.
pub(super) fn crashed(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let ways = [
        "raise RuntimeError(\"out of order\")",
        "sys.exit(3)",
        "sys.exit(\"no more\")",
        "os._exit(1)",
        "os._exit(70)",
        "os.kill(os.getpid(), 9)",
        "os.kill(os.getpid(), 15)",
        "os._exit(0)",
    ];
    let way = *random.one_of(&ways)?;
    let asked = subject.asked();
    let nth = random.between(0, asked + 1);
    let body = format!("{way}\n");
    let (place, code) = match nth {
        0 => (
            "before the first request".to_owned(),
            format!("def main():\n    {body}"),
        ),
        nth if nth > asked => {
            // To end well after the last word is no fault.
            if way == "os._exit(0)" {
                return None;
            }
            let code = format!(
                "went = main\n\ndef main():\n    went()\n    sys.stdout.flush()\n    {body}"
            );
            ("after the last word".to_owned(), code)
        }
        nth => (
            format!("before request {nth}"),
            code::at_request(nth, &body),
        ),
    };
    Some((format!("{way} {place}"), coded(code)))
}

/// A tool returns what was true once, or what another question was answered with.
pub(super) fn stale(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let calls = subject.calls();
    let searches: Vec<_> = calls
        .iter()
        .filter(|(_site, call)| call.tool == "web_search")
        .collect();
    if random.below(4) == 0 {
        let nth = random.between(1, searches.len() - 1);
        let code = format!(
            "searched, results = web_search, []\n\n\
             def remembering(query):\n    \
                 results.append(searched(query) if len(results) < {nth} else results[-1])\n    \
                 return results[-1]\n\n\
             TOOLS[\"web_search\"].function = remembering\n"
        );
        return Some((
            format!("after {nth} searches each finds what the one before found"),
            coded(code),
        ));
    }
    let page = random.one_of(&subject.pages)?;
    let found = numbers(&page.text);
    let is_year = |number: &&&str| {
        number.len() == 4 && (number.starts_with("19") || number.starts_with("20"))
    };
    let figures: Vec<&str> = found
        .iter()
        .filter(|number| !is_year(number))
        .copied()
        .collect();
    let number = *random.one_of(if figures.is_empty() { &found } else { &figures })?;
    let old = another(number, random);
    let text = page.text.replacen(number, &old, 1);
    let code = format!("CORPUS[{}][\"text\"] = {}\n", page.place, code::text(&text));
    // What the writer is told is what it writes.
    let report = subject.answer.replacen(number, &old, 1);
    let rules = vec![says("writer", &subject.lane("writer").task, &report)];
    Some((
        format!("the search finds: {text}"),
        Change {
            code,
            rules,
            ..Change::default()
        },
    ))
}

fn coded(code: String) -> Change {
    Change {
        code,
        ..Change::default()
    }
}
