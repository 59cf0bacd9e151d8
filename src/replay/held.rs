//! Live answers that call a tool which may not run: they are taken in whole, and kept from the agent.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::model::{Call, Divergence, DivergenceKind};
use crate::proxy::{Answer, AnswerBody, Broken};

/// Which tools change something, and which of those may run all the same.
#[derive(Debug, Clone, Default)]
pub struct HeldTools {
    /// Names, with `*` for any text, and whether what they name changes something.
    effects: Vec<(glob::Pattern, bool)>,
    allowed: BTreeSet<String>,
}

impl HeldTools {
    /// Returns the tools that `effects` says change something, without those that are allowed by their
    /// full names; of several names that fit the longest counts.
    pub fn new(effects: Vec<(glob::Pattern, bool)>, allowed: BTreeSet<String>) -> Self {
        Self { effects, allowed }
    }

    /// Returns whether no tool is held, whatever its name.
    pub fn is_empty(&self) -> bool {
        !self.effects.iter().any(|(_name, is_mutating)| *is_mutating)
    }

    /// Returns whether a call of this tool must not reach the agent.
    pub fn holds(&self, tool: &str) -> bool {
        let effect = self
            .effects
            .iter()
            .filter(|(name, _is_mutating)| name.matches(tool))
            .max_by_key(|(name, _is_mutating)| name.as_str().len());
        effect.is_some_and(|(_name, is_mutating)| *is_mutating) && !self.allowed.contains(tool)
    }

    /// Returns what halts the run where this answer calls a tool that is held.
    pub(super) fn halts(&self, call: &Call) -> Option<Divergence> {
        let output = call.response.output.as_ref()?;
        let (tool, _arguments) = output.tool_calls().find(|(name, _)| self.holds(name))?;
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
}

/// Waits for the end of an answer, so that nothing of it is given away before it is known.
pub(super) async fn whole(mut answer: Answer) -> Answer {
    if let AnswerBody::Stream(body) = &mut answer.body {
        let pieces: Vec<Result<Bytes, Broken>> = body.by_ref().collect().await;
        answer.body = AnswerBody::Stream(stream::iter(pieces).boxed());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_counts_and_only_a_full_one_allows() {
        let effects = [("*", true), ("get_*", false), ("get_rid_of", true)];
        let effects = effects.map(|(name, held)| (glob::Pattern::new(name).unwrap(), held));
        let allowed = ["send_mail".to_owned(), "pay_*".to_owned()].into();
        let held = HeldTools::new(effects.into(), allowed);
        for (tool, is_held) in [
            ("get_weather", false),
            ("get_rid_of", true),
            ("send_mail", false),
            ("send_post", true),
            ("pay_bill", true),
        ] {
            assert_eq!(held.holds(tool), is_held, "{tool}");
        }
        assert!(!held.is_empty());
        assert!(HeldTools::default().is_empty() && !HeldTools::default().holds("x"));
    }
}
