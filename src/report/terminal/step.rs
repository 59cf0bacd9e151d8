//! One step with everything that was said.

use std::io::{self, Write};

use serde_json::Value;

use super::{Style, words};
use crate::model::{Effect, Message, Part, Role, Step, StepKind, Timeline, plain_text};
use crate::report::escape::plain;
use crate::report::units::{duration, tokens};

/// Writes a step: the messages it was asked with and its answer, or the tool's arguments and result.
///
/// # Errors
/// The writer failed.
pub fn step(timeline: &Timeline, step: &Step, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let what = match &step.kind {
        StepKind::Model(call) => format!("model {}", words::model(call)),
        StepKind::Tool(tool) => format!("tool {}", plain(&tool.name)),
    };
    let title = format!(
        "step {} of {}: {what} ({})",
        step.number, timeline.label, step.agent
    );
    writeln!(out, "{}", style.bold(&plain(&title)))?;
    let mut facts = Vec::new();
    if let Some(usage) = step.call().and_then(|call| call.response.usage) {
        facts.push(format!(
            "{} tokens in, {} out",
            tokens(usage.input),
            tokens(usage.output)
        ));
    }
    facts.extend(step.duration_us().map(duration));
    if let Some(seen) = step.tool().and_then(|tool| tool.captures.first()) {
        let effect = seen.effect.unwrap_or(Effect::Mutating);
        facts.push(format!("{effect}, captured ({})", seen.boundary));
    }
    let marks = words::marks(step, timeline.forked_from.is_some());
    facts.extend(Some(marks).filter(|marks| !marks.is_empty()));
    if !facts.is_empty() {
        writeln!(out, "{}", facts.join(", "))?;
    }
    match &step.kind {
        StepKind::Model(call) => {
            for message in &call.request.treatment.system {
                section(role(message), &text(&message.parts), style, out)?;
            }
            for message in call.request.thread.messages() {
                section(role(&message), &text(&message.parts), style, out)?;
            }
            match (&call.response.output, &call.response.error) {
                (Some(answer), _) => section("answer", &text(&answer.parts), style, out),
                (None, Some(error)) => section("error", &error.message, style, out),
                (None, None) => Ok(()),
            }
        }
        StepKind::Tool(tool) => {
            section("arguments", &pretty(&tool.arguments), style, out)?;
            match &tool.result {
                Some(result) => section("result", &text(result), style, out),
                None => section("result", "it never came back", style, out),
            }
        }
    }
}

fn section(name: &str, text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", style.dim(&format!("── {name}")))?;
    writeln!(out, "{}", plain(text).trim_end())
}

fn role(message: &Message) -> &'static str {
    match message.role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn text(parts: &[Part]) -> String {
    let pieces: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } => text.clone(),
            Part::ToolCall {
                name, arguments, ..
            } => {
                format!("→ {}", words::tool_call(name, arguments))
            }
            Part::ToolResult {
                content, is_error, ..
            } => {
                let mark = if *is_error { "← error: " } else { "← " };
                format!("{mark}{}", plain_text(content))
            }
            Part::Reasoning { text, .. } => format!("(reasoning) {text}"),
            Part::Refusal { text } => format!("(refusal) {text}"),
            Part::Media { kind, .. } => format!("({kind})"),
            Part::Other { value } => pretty(value),
        })
        .collect();
    pieces.join("\n")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_error| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{research, timeline};

    #[test]
    fn a_step_is_shown_with_all_that_was_said() {
        let main = timeline("main", vec![research()]);
        let mut out = Vec::new();
        for shown in &main.steps[1..3] {
            step(&main, shown, Style::Plain, &mut out).unwrap();
            out.push(b'\n');
        }
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
