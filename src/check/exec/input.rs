//! What a program is told of a run.

use serde_json::{Value, json};

use crate::check::CheckContext;
use crate::model::{Message, Step, Timeline, plain_text};

/// Returns the document for the program's standard input.
pub(super) fn document(with: &Value, context: &CheckContext<'_>) -> Value {
    json!({
        "version": 1,
        "with": with,
        "candidate": timeline(context.candidate),
        "reference": timeline(context.reference),
    })
}

fn timeline(timeline: &Timeline) -> Value {
    let steps: Vec<Value> = timeline.steps.iter().map(step).collect();
    json!({
        "answer": timeline.outcome.answer,
        "exit": timeline.outcome.exit,
        "steps": steps,
    })
}

fn step(step: &Step) -> Value {
    if let Some(tool) = step.tool() {
        return json!({
            "number": step.number,
            "kind": "tool",
            "agent": step.agent,
            "status": step.status,
            "name": tool.name,
            "arguments": tool.arguments,
            "result": tool.result.as_deref().map(plain_text),
        });
    }
    let Some(call) = step.call() else {
        return Value::Null;
    };
    let output = call.response.output.as_ref().map(|output| output.value());
    let tool_calls: Vec<Value> = output
        .into_iter()
        .flat_map(Message::tool_calls)
        .map(|(name, arguments)| json!({ "name": name, "arguments": arguments }))
        .collect();
    json!({
        "number": step.number,
        "kind": "model",
        "agent": step.agent,
        "status": step.status,
        "model": call.request.treatment.model,
        "text": output.map(Message::plain_text),
        "tool_calls": tool_calls,
        "input_tokens": call.response.usage.map(|usage| usage.input),
        "output_tokens": call.response.usage.map(|usage| usage.output),
        "is_served": call.served.is_some(),
    })
}
