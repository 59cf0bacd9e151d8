//! Changes after which nothing is worse.

use super::answers::written;
use super::random::Random;
use super::rules::prompted;
use super::subject::Subject;
use super::{Change, code};

/// Nothing at all.
pub(super) fn unchanged(
    _subject: &Subject,
    _all: &[Subject],
    _random: &mut Random,
) -> Option<(String, Change)> {
    Some(("as it is".to_owned(), Change::default()))
}

/// The same JSON in other bytes.
pub(super) fn bytes(
    _subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let indent = random.one_of(&["None", "1", "2", "4"])?;
    let order = *random.one_of(&["value", "backwards(value)", "value, sort_keys=True"])?;
    let ascii = random.one_of(&["True", "False"])?;
    let code = format!(
        "import types\n\
         dumps = json.dumps\n\n\
         def backwards(value):\n    \
             if isinstance(value, dict):\n        \
                 return {{key: backwards(value[key]) for key in reversed(value)}}\n    \
             return [backwards(one) for one in value] if isinstance(value, list) else value\n\n\
         def written(value):\n    \
             return dumps({order}, indent={indent}, ensure_ascii={ascii})\n\n\
         json = types.SimpleNamespace(load=json.load, loads=json.loads, dumps=written)\n"
    );
    Some((
        format!("{order}, indent {indent}, ASCII {ascii}"),
        coded(code),
    ))
}

/// What is sent along and means nothing.
pub(super) fn metadata(
    _subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let fields = [
        "\"user\": str(uuid.uuid4())",
        "\"metadata\": {\"run\": str(uuid.uuid4())}",
        "\"store\": False",
        "\"prompt_cache_key\": str(uuid.uuid4())",
    ];
    let field = *random.one_of(&fields)?;
    let headers = ["x-request-id", "traceparent", "user-agent", "x-team"];
    let header = *random.one_of(&headers)?;
    let code = format!(
        "import uuid\n\
         posted, Plain = post, urllib.request.Request\n\n\
         class Request(Plain):\n    \
             def __init__(self, *arguments):\n        \
                 super().__init__(*arguments)\n        \
                 self.add_header(\"{header}\", uuid.uuid4().hex)\n\n\
         urllib.request.Request = Request\n\n\
         def post(body):\n    \
             return posted({{**body, {field}}})\n"
    );
    Some((format!("{field}, {header}"), coded(code)))
}

/// Calls of one answer run in another order.
pub(super) fn workers(
    _subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let order = match random.below(3) {
        0 => "list(range(len(calls)))".to_owned(),
        1 => "list(reversed(range(len(calls))))".to_owned(),
        _ => format!(
            "random.Random({}).sample(range(len(calls)), len(calls))",
            random.below(1000)
        ),
    };
    let code = format!(
        "import random\n\n\
         class ThreadPoolExecutor:\n    \
             def __enter__(self):\n        \
                 return self\n\n    \
             def __exit__(self, *_why):\n        \
                 pass\n\n    \
             def map(self, function, calls):\n        \
                 done = {{at: function(calls[at]) for at in {order}}}\n        \
                 return [done[at] for at in sorted(done)]\n"
    );
    Some((format!("one after the other: {order}"), coded(code)))
}

/// Ids and dates in the tasks, others in each run.
pub(super) fn stamps(
    _subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let days = random.between(0, 600);
    let code = stamped(&format!("{days} - 300"));
    Some((
        format!("{days} - 300 days later"),
        Change {
            code,
            is_stamped: true,
            ..Change::default()
        },
    ))
}

/// Returns the code that writes an id and a date into each task; the date is so many days ahead.
pub(super) fn stamped(days: &str) -> String {
    format!(
        "import datetime, uuid\n\
         run, began = uuid.uuid4(), conversation\n\
         today = datetime.date.today() + datetime.timedelta(days={days})\n\n\
         def conversation(agent, task):\n    \
             return began(agent, f\"{{task}}\\n(Run {{run}}, task {{uuid.uuid4()}}, {{today.isoformat()}}.)\")\n"
    )
}

/// The same agent, written otherwise.
pub(super) fn refactored(
    _subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let ways = [
        ("the report is printed as a whole", code::report("")),
        (
            "a request is tried twice",
            "posted = post\n\n\
             def post(body):\n    \
                 try:\n        \
                     return posted(body)\n    \
                 except OSError:\n        \
                     return posted(body)\n"
                .to_owned(),
        ),
        (
            "a tool that nobody is offered",
            "TOOLS[\"weather\"] = Tool(lambda place: \"Sunny.\", \"place\", \"The weather.\")\n"
                .to_owned(),
        ),
        (
            "the search remembers what it found",
            "import functools\nTOOLS[\"web_search\"].function = functools.cache(web_search)\n"
                .to_owned(),
        ),
        (
            "prompts are read once",
            "import functools\nprompt = functools.cache(prompt)\n".to_owned(),
        ),
        ("comments", "# What stands here says nothing.\n".to_owned()),
        (
            "blank lines around the report",
            code::report("text = f\"\\n{text}\\n\""),
        ),
        (
            "an empty list of tool calls is left out",
            "asked = ask\n\n\
             def ask(messages, tools):\n    \
                 message = asked(messages, tools)\n    \
                 return {key: value for key, value in message.items() if value is not None}\n"
                .to_owned(),
        ),
    ];
    let (what, code) = random.one_of(&ways)?;
    Some(((*what).to_owned(), coded(code.clone())))
}

/// What the model is told is otherwise, and it answers as before.
pub(super) fn treatment(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let tools = ["research", "check_facts", "web_search", "calculator"];
    let tool = *random.one_of(&tools)?;
    let (what, code) = match random.below(5) {
        0 => (
            "another model".to_owned(),
            "MODEL = \"gpt-4o\"\n".to_owned(),
        ),
        1 => {
            let tenths = random.between(1, 9);
            (
                format!("temperature 0.{tenths}"),
                sends(&format!("\"temperature\": 0.{tenths}")),
            )
        }
        2 => {
            let most = random.between(500, 4000);
            (
                format!("at most {most} tokens"),
                sends(&format!("\"max_tokens\": {most}")),
            )
        }
        3 => {
            let code = format!("TOOLS[\"{tool}\"].description += \" Use it well.\"\n");
            (format!("{tool} is described otherwise"), code)
        }
        _ => {
            let lane = random.one_of(&subject.lanes)?;
            let change = prompted(lane, random);
            let sentence = change.prompt.as_ref().map(|(_agent, sentence)| *sentence)?;
            let what = format!("the {} is told: {sentence}", lane.agent);
            return Some((
                what,
                Change {
                    rules: Vec::new(),
                    ..change
                },
            ));
        }
    };
    Some((what, coded(code)))
}

/// The same facts in other words.
pub(super) fn reworded(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let answer = &subject.answer;
    let replaced = |old: &str, new: &str| answer.replacen(old, new, 1);
    let text = match random.below(10) {
        0 => format!("In short: {answer}"),
        1 => format!("{answer} That is what the sources say."),
        2 => format!("Here is the report.\n\n{answer}"),
        3 => replaced("inhabitants", "people"),
        4 => replaced("travels at", "moves at"),
        5 => replaced("which is less than", "less than"),
        6 => replaced("open since", "opened in"),
        7 => replaced("The tallest building is", "The tallest of all buildings is"),
        8 => replaced("it takes", "light takes"),
        _ => answer.replace(". ", ".\n"),
    };
    (text != *answer).then(|| (text.clone(), written(subject, &text, random)))
}

/// Returns code that sends one more field with each request.
fn sends(field: &str) -> String {
    format!("posted = post\n\ndef post(body):\n    return posted({{**body, {field}}})\n")
}

fn coded(code: String) -> Change {
    Change {
        code,
        ..Change::default()
    }
}
