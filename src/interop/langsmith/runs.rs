//! Runs of LangSmith as spans.

use serde_json::{Map, Value};

use crate::interop::Span;
use crate::interop::span::{number, structured};

/// Returns the span that a run is; `None` for what is no run.
pub(super) fn span(run: &Value) -> Option<Span> {
    let fields = run.as_object()?;
    let text = |name: &str| {
        let text = fields.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let began_us = time(text("start_time")?)?;
    let mut attributes = Map::new();
    let mut own = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            attributes.insert(name.to_owned(), value);
        }
    };
    let json = |name: &str| fields.get(name).cloned().map(structured);
    own("langsmith.span.kind", text("run_type").map(Value::from));
    own("gen_ai.prompt", json("inputs"));
    own("gen_ai.completion", json("outputs"));
    own(
        "gen_ai.usage.input_tokens",
        fields.get("prompt_tokens").cloned(),
    );
    own(
        "gen_ai.usage.output_tokens",
        fields.get("completion_tokens").cloned(),
    );
    own(
        "gen_ai.usage.cost",
        fields.get("total_cost").and_then(number).map(Value::from),
    );
    let extra = json("extra").unwrap_or_default();
    own(
        "langsmith.metadata.invocation_params",
        extra.get("invocation_params").cloned(),
    );
    let metadata = extra.get("metadata").and_then(Value::as_object);
    for (name, value) in metadata.into_iter().flatten() {
        own(&format!("langsmith.metadata.{name}"), Some(value.clone()));
    }
    if let Some(first_us) = first_token(fields.get("events")) {
        let micros = first_us.saturating_sub(began_us);
        #[expect(
            clippy::cast_precision_loss,
            reason = "an answer takes less than a century"
        )]
        own(
            "gen_ai.response.time_to_first_chunk",
            Some(Value::from(micros as f64 / 1e6)),
        );
    }
    Some(Span {
        trace: text("trace_id").or_else(|| text("id"))?.to_owned(),
        id: text("id")?.to_owned(),
        parent: text("parent_run_id").map(str::to_owned),
        name: text("name").unwrap_or_default().to_owned(),
        scope: "langsmith".to_owned(),
        began_us,
        ended_us: text("end_time").and_then(time),
        error: text("error").map(str::to_owned),
        attributes,
        ..Span::default()
    })
}

fn first_token(events: Option<&Value>) -> Option<i64> {
    let mut events = events?.as_array()?.iter();
    let first = events.find(|event| event.get("name").is_some_and(|name| name == "new_token"))?;
    time(first.get("time")?.as_str()?)
}

/// Returns a time, which is UTC where it does not say so.
fn time(text: &str) -> Option<i64> {
    let time = text.parse::<jiff::Timestamp>();
    let time = time.or_else(|_no_zone| format!("{text}Z").parse::<jiff::Timestamp>());
    Some(time.ok()?.as_microsecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::interop::{Trace, session};
    use crate::model::Fidelity;

    #[test]
    fn runs_of_a_graph_and_of_a_wrapped_client_are_steps() {
        let constructor = |class: &str, kwargs: Value| json!({"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", class], "kwargs": kwargs});
        let runs = [
            json!({"id": "r", "trace_id": "r", "run_type": "chain", "name": "graph",
                "start_time": "2026-11-30T12:00:00.000000", "end_time": "2026-11-30T12:00:09.000000",
                "inputs": {"question": "How warm?"}, "outputs": {"output": "31"}}),
            json!({"id": "a", "trace_id": "r", "parent_run_id": "r", "run_type": "llm", "name": "ChatOpenAI",
                "start_time": "2026-11-30T12:00:01.000000", "end_time": "2026-11-30T12:00:02.000000",
                "inputs": {"messages": [[constructor("HumanMessage", json!({"content": "How warm?"}))]]},
                "outputs": {"generations": [[{"text": "", "generation_info": {"finish_reason": "tool_calls"},
                    "message": constructor("AIMessage", json!({"content": "", "tool_calls":
                        [{"name": "look", "args": {"city": "Rome"}, "id": "c1", "type": "tool_call"}]}))}]]},
                "extra": {"invocation_params": {"model": "gpt-4o", "temperature": 0.2, "_type": "openai-chat",
                        "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}]},
                    "metadata": {"ls_provider": "openai", "langgraph_node": "asker"}},
                "prompt_tokens": 9, "completion_tokens": 4}),
            json!({"id": "t", "trace_id": "r", "parent_run_id": "r", "run_type": "tool", "name": "look",
                "start_time": "2026-11-30T12:00:03.000000", "end_time": "2026-11-30T12:00:04.000000",
                "inputs": {"input": "{'city': 'Rome'}"},
                "outputs": {"output": constructor("ToolMessage", json!({"content": "31", "tool_call_id": "c1"}))}}),
            json!({"id": "w", "trace_id": "r", "parent_run_id": "r", "run_type": "llm", "name": "ChatOpenAI",
                "start_time": "2026-11-30T12:00:05.000000", "end_time": "2026-11-30T12:00:06.000000",
                "inputs": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
                "outputs": {"id": "x", "choices": [{"message": {"role": "assistant", "content": "yes"},
                    "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}}),
        ];
        let made = session(Trace {
            source: "langsmith".to_owned(),
            spans: runs.iter().filter_map(span).collect(),
            ..Trace::default()
        });
        let (session, report) = made.unwrap();
        assert_eq!(session.input.as_deref(), Some("How warm?"));
        assert_eq!(report.count(Fidelity::History), 1);
        assert_eq!(report.count(Fidelity::Exact), 1);
        assert!(report.spans.is_complete());
        let steps = &session.timelines[0].steps;
        assert_eq!(steps.len(), 3);
        let call = steps[0].call().unwrap();
        assert_eq!(steps[0].agent, "asker");
        assert_eq!(call.request.treatment.tools[0].name, "look");
        assert_eq!(call.request.treatment.settings["temperature"], 0.2);
        assert_eq!(report.steps[1].span.as_deref(), Some("t"));
    }
}
