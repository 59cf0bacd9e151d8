//! A request as the rules see it.

use super::rule::Speaker;
use crate::model::{Message, Part, Request, Thread, plain_text};

/// What the conditions look at.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversation {
    pub(super) agent: Option<String>,
    pub(super) model: String,
    pub(super) system: String,
    pub(super) tools: Vec<String>,
    pub(super) last_user: String,
    pub(super) last_role: Option<Speaker>,
    pub(super) last_result: String,
    pub(super) last_result_name: Option<String>,
    pub(super) turns: usize,
    calls: Vec<String>,
    /// All text of the request, for the estimate of tokens.
    pub(super) chars: usize,
}

impl Conversation {
    /// Returns the conversation of a request.
    pub(super) fn of(request: &Request) -> Self {
        let treatment = &request.treatment;
        let mut talk = Self {
            agent: request.agent.clone(),
            model: treatment.model.clone().unwrap_or_default(),
            system: treatment.system_text(),
            tools: treatment
                .tools
                .iter()
                .map(|tool| tool.name.clone())
                .collect(),
            ..Self::default()
        };
        talk.chars = talk.system.chars().count();
        let mut since_turn = 0;
        let mut nodes: Vec<&Thread> = request.thread.ancestors().collect();
        nodes.reverse();
        for node in nodes {
            if let Some(message) = node.last() {
                talk.take(message, node, &mut since_turn);
            }
        }
        talk
    }

    /// Returns how often a tool was called so far.
    pub(super) fn calls_of(&self, tool: &str) -> usize {
        self.calls.iter().filter(|name| *name == tool).count()
    }

    fn take(&mut self, message: &Message, node: &Thread, since_turn: &mut usize) {
        let speaker = Speaker::of(message.role);
        let has_results = message.tool_result_count() > 0;
        self.last_role = Some(if has_results { Speaker::Tool } else { speaker });
        let text = message.plain_text();
        self.chars += text.chars().count();
        match speaker {
            Speaker::Assistant => {
                self.turns += 1;
                if message.tool_calls().next().is_some() {
                    *since_turn = self.calls.len();
                    self.calls
                        .extend(message.tool_calls().map(|(name, _args)| name.to_owned()));
                }
            }
            Speaker::User if !text.is_empty() => self.last_user = text,
            Speaker::User | Speaker::Tool => {}
        }
        let mut nth = 0;
        for part in &message.parts {
            let Part::ToolResult { content, .. } = part else {
                continue;
            };
            self.last_result = plain_text(content);
            self.chars += self.last_result.chars().count();
            let index = match node.last_answers().get(nth).copied().flatten() {
                Some(call) if call.turns_back == 0 => *since_turn + call.index as usize,
                Some(_) | None => *since_turn + nth + results_before(node),
            };
            nth += 1;
            self.last_result_name = self.calls.get(index).cloned();
        }
    }
}

/// Returns how many results stand between the latest turn with calls and this message.
fn results_before(node: &Thread) -> usize {
    node.ancestors()
        .skip(1)
        .filter_map(Thread::last)
        .take_while(|message| message.tool_calls().next().is_none())
        .map(|message| message.tool_result_count())
        .sum()
}
