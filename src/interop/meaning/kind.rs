//! What a span is, whoever wrote it.

use serde_json::Value;

use crate::interop::span::{Span, structured};

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call of a model.
    Model,
    /// A call of a model that returns vectors.
    Embedding,
    /// A call of a tool.
    Tool,
    /// The work of an agent.
    Agent,
    /// Anything that groups others, or that nothing is made of.
    Context,
}

impl Kind {
    /// Returns what a span is; the first convention that says so counts.
    pub(crate) fn of(span: &Span) -> Self {
        let attribute = |name: &str| span.text(&[name]).map(str::to_lowercase);
        named(attribute("langfuse.observation.type").as_deref())
            .or_else(|| named(attribute("openinference.span.kind").as_deref()))
            .or_else(|| {
                named(
                    attribute("mlflow.spanType")
                        .map(|text| unquoted(&text))
                        .as_deref(),
                )
            })
            .or_else(|| operation(attribute("gen_ai.operation.name").as_deref()))
            .or_else(|| named(attribute("langsmith.span.kind").as_deref()))
            .or_else(|| vercel(span.text(&["ai.operationId"])?))
            .or_else(|| request(attribute("llm.request.type").as_deref()))
            .or_else(|| named(attribute("traceloop.span.kind").as_deref()))
            .unwrap_or_else(|| guessed(span))
    }
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

fn named(kind: Option<&str>) -> Option<Kind> {
    Some(match kind? {
        "generation" | "llm" | "chat_model" => Kind::Model,
        "embedding" => Kind::Embedding,
        "tool" => Kind::Tool,
        "agent" => Kind::Agent,
        "unknown" => return None,
        _ => Kind::Context,
    })
}

fn operation(name: Option<&str>) -> Option<Kind> {
    Some(match name? {
        "chat" | "completion" | "text_completion" | "generate_content" | "generate" => Kind::Model,
        "embeddings" => Kind::Embedding,
        "execute_tool" => Kind::Tool,
        "invoke_agent" | "create_agent" => Kind::Agent,
        _ => Kind::Context,
    })
}

fn request(kind: Option<&str>) -> Option<Kind> {
    Some(match kind? {
        "chat" | "completion" => Kind::Model,
        "embedding" => Kind::Embedding,
        _ => return None,
    })
}

fn vercel(operation: &str) -> Option<Kind> {
    Some(match operation {
        "ai.toolCall" => Kind::Tool,
        _ if operation.ends_with(".doGenerate") || operation.ends_with(".doStream") => Kind::Model,
        _ if operation.ends_with(".doEmbed") => Kind::Embedding,
        _ if operation.starts_with("ai.") => Kind::Context,
        _ => return None,
    })
}

fn guessed(span: &Span) -> Kind {
    if span
        .any(&["gen_ai.tool.name", "gen_ai.tool.call.id", "tool_arguments"])
        .is_some()
    {
        return Kind::Tool;
    }
    let models = [
        "gen_ai.request.model",
        "gen_ai.response.model",
        "llm.model_name",
        "langfuse.observation.model.name",
    ];
    if span.any(&models).is_some()
        && span
            .any(&["gen_ai.aggregated_usage.input_tokens"])
            .is_none()
    {
        return Kind::Model;
    }
    Kind::Context
}

/// Returns the name of the agent that a span of an agent names.
pub(crate) fn agent_name(span: &Span) -> String {
    let named = span.text(&[
        "gen_ai.agent.name",
        "agent.name",
        "agent_name",
        "graph.node.id",
        "ai.telemetry.functionId",
    ]);
    named.unwrap_or(&span.name).to_owned()
}

/// Returns the node of a graph that a span ran in, where its framework says so.
pub(crate) fn graph_node(span: &Span) -> Option<String> {
    let named = span.text(&[
        "langsmith.metadata.langgraph_node",
        "helicone.session.agent",
        "langfuse.observation.metadata.langgraph_node",
        "traceloop.association.properties.langgraph_node",
    ]);
    let inside = || {
        let metadata = span.any(&["metadata", "langfuse.observation.metadata"])?;
        match structured(metadata.clone()) {
            Value::Object(fields) => Some(fields.get("langgraph_node")?.as_str()?.to_owned()),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        }
    };
    let name = named.map(str::to_owned).or_else(inside)?;
    Some(name.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}
