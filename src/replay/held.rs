//! Live answers that call a tool which may not run: they are taken in whole, and kept from the agent.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::model::{Call, Divergence, DivergenceKind};
use crate::proxy::{Answer, AnswerBody, Broken};
use crate::tools::ToolRules;

/// Returns what halts the run where the answer of `call` calls a tool that `rules` withhold.
///
/// A captured tool does not halt it: it asks before it runs.
pub(super) fn halts(
    rules: &ToolRules,
    call: &Call,
    captured: &BTreeSet<String>,
) -> Option<Divergence> {
    let output = call.response.output.as_ref()?;
    let (tool, _arguments) = output
        .tool_calls()
        .find(|(name, _)| rules.withhold(name) && !captured.contains(*name))?;
    Some(Divergence {
        kind: DivergenceKind::Mutating,
        step: None,
        agent: call.request.agent.clone().unwrap_or_default(),
        pointer: String::new(),
        recorded: String::new(),
        found: tool.to_owned(),
        message: format!(
            "a live answer calls `{tool}`, a mutating tool: it was kept from the agent, and the run was \
             halted; `[replay] allow_tools` lets it run, in a test system"
        ),
        remedy: format!("allow_tools = [{}]", toml::Value::from(tool)),
    })
}

/// Waits for the end of an answer, so that nothing of it is given away before it is known.
pub(super) async fn whole(mut answer: Answer) -> Answer {
    if let AnswerBody::Stream(body) = &mut answer.body {
        let pieces: Vec<Result<Bytes, Broken>> = body.by_ref().collect().await;
        answer.body = AnswerBody::Stream(stream::iter(pieces).boxed());
    }
    answer
}
