//! Names the agent behind a call from what the traffic shows.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::model::{Call, Dialect};

/// How prompts introduce an agent: "You are the research supervisor."
///
/// Without the name itself: a repetition of Unicode classes takes megabytes once it is compiled.
static INTRODUCTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i-u)\b(?:you are|act as|you're)\s+(?:an?\s+|the\s+)?[\x22'`*]*").ok()
});

/// Words that end a name.
const CLAUSE_WORDS: [&str; 16] = [
    "that",
    "who",
    "which",
    "for",
    "in",
    "on",
    "of",
    "with",
    "and",
    "to",
    "working",
    "tasked",
    "responsible",
    "at",
    "from",
    "by",
];

/// The fewest and the most characters of a name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=61;

/// The most words of a name.
const MAX_WORDS: usize = 4;

/// Returns the agent's name for each call.
///
/// In this order: the `rewind-agent` header, the introduction in the system prompt, and where there
/// is none `agent`, told apart by the system prompt and tools if there are several.
pub(super) fn names(calls: &[Arc<Call>]) -> Vec<String> {
    let anonymous: BTreeSet<_> = calls
        .iter()
        .filter(|call| known_name(call).is_none())
        .map(|call| identity(call))
        .collect();
    calls
        .iter()
        .map(|call| {
            known_name(call).unwrap_or_else(|| {
                let position = anonymous.iter().position(|id| *id == identity(call));
                match position {
                    Some(index) if anonymous.len() > 1 => format!("agent-{}", index + 1),
                    Some(_) | None => "agent".to_owned(),
                }
            })
        })
        .collect()
}

/// Returns what tells anonymous agents apart: system prompt, tools, and whether it is a model at all.
fn identity(call: &Call) -> (u8, Vec<u8>) {
    match call.request.dialect {
        Dialect::OpenaiEmbeddings => (1, Vec::new()),
        Dialect::Opaque => (2, Vec::new()),
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::AnthropicMessages
        | Dialect::Gemini => {
            let treatment = &call.request.treatment;
            let mut names: Vec<&str> = treatment
                .tools
                .iter()
                .map(|tool| tool.name.as_str())
                .collect();
            names.sort_unstable();
            let system = treatment.system_text();
            (0, [system.as_bytes(), names.join(",").as_bytes()].join(&0))
        }
    }
}

fn known_name(call: &Call) -> Option<String> {
    if let Some(name) = call
        .request
        .agent
        .as_deref()
        .map(str::trim)
        .filter(|n| !n.is_empty())
    {
        return Some(name.to_owned());
    }
    match call.request.dialect {
        Dialect::OpenaiEmbeddings => Some("embeddings".to_owned()),
        Dialect::Opaque => Some("http".to_owned()),
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::AnthropicMessages
        | Dialect::Gemini => introduced(&call.request.treatment.system_text()),
    }
}

/// Returns the name by which a prompt introduces its agent, as lower-case words joined by hyphens.
fn introduced(prompt: &str) -> Option<String> {
    let introductions = INTRODUCTION.as_ref()?.find_iter(prompt);
    let name = introductions
        .filter_map(|found| prompt.get(found.end()..))
        .find_map(leading_name)?;
    let words: Vec<String> = name
        .split_whitespace()
        .map(str::to_lowercase)
        .take_while(|word| !CLAUSE_WORDS.contains(&word.as_str()))
        .take(MAX_WORDS)
        .collect();
    let name = words.join("-").replace(['/', '_'], "-");
    (!name.is_empty()).then_some(name)
}

/// Returns what a text begins with that may be a name: it ends at punctuation.
fn leading_name(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || " _/-".contains(*c))
        .take(*NAME_CHARS.end())
        .collect();
    let is_name =
        name.starts_with(char::is_alphanumeric) && name.chars().count() >= *NAME_CHARS.start();
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_names_its_agent() {
        let cases = [
            (
                "You are a research supervisor. You plan.",
                Some("research-supervisor"),
            ),
            ("You are the Writer who writes reports", Some("writer")),
            (
                "You are \"Triage Agent\", route the user.",
                Some("triage-agent"),
            ),
            (
                "You are a helpful assistant that answers",
                Some("helpful-assistant"),
            ),
            ("Answer in French.", None),
            (
                "You are a 旅行 планировщик, sei höflich",
                Some("旅行-планировщик"),
            ),
            ("You are *Max*. You are the planner.", Some("max")),
            ("If you are: x. Act as a critic!", Some("critic")),
            ("", None),
        ];
        for (prompt, expected) in cases {
            assert_eq!(introduced(prompt).as_deref(), expected, "{prompt}");
        }
    }
}
