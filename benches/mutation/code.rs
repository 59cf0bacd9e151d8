//! Python that changes the agent: what it defines anew takes the place of what `agent.py` defines.

use serde_json::{Value, json};

use super::subject::ToolCall;

/// Returns a text as Python writes it; JSON's strings are Python's.
pub(super) fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns code whose `hit(call)` says whether a call of the model is this one.
pub(super) fn hit(call: &ToolCall) -> String {
    let (tool, arguments) = (text(&call.tool), text(&call.arguments.to_string()));
    format!(
        "def hit(call, tool={tool}, arguments=json.loads({arguments})):\n    \
             made = call[\"function\"]\n    \
             return made[\"name\"] == tool and json.loads(made[\"arguments\"]) == arguments\n\n"
    )
}

/// Returns code that looks at each call of the model's answers before anything else does: `body` has it as `call`.
pub(super) fn each_call(body: &str) -> String {
    format!(
        "asked = ask\n\n\
         def ask(messages, tools):\n    \
             message = asked(messages, tools)\n    \
             for call in message.get(\"tool_calls\") or []:\n{}    \
             return message\n",
        indented(body, 8)
    )
}

/// Returns code that makes another call of the one at hand.
pub(super) fn becomes(call: &ToolCall) -> String {
    let made = json!({"name": call.tool, "arguments": call.arguments.to_string()});
    format!(
        "call[\"function\"] = json.loads({})\n",
        text(&made.to_string())
    )
}

/// Returns code that has the writer's whole text as `text` and yields what `body` makes of it.
pub(super) fn report(body: &str) -> String {
    format!(
        "streamed = stream\n\n\
         def stream(messages):\n    \
             text = \"\".join(streamed(messages))\n{}    \
             yield text\n",
        indented(body, 4)
    )
}

/// Returns code that runs before the n-th request, from 1.
pub(super) fn at_request(nth: usize, body: &str) -> String {
    format!(
        "import itertools\n\
         posted, requests = post, itertools.count(1)\n\n\
         def post(body):\n    \
             if next(requests) == {nth}:\n{}    \
             return posted(body)\n",
        indented(body, 8)
    )
}

fn indented(body: &str, by: usize) -> String {
    let indent = " ".repeat(by);
    let lines = body.lines();
    lines.fold(String::new(), |text, line| text + &indent + line + "\n")
}
