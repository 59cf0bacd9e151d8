//! Which tool comes before which.

use glob::Pattern;
use toml::Spanned;

use crate::check::registry::{ReadError, patterns};
use crate::check::{Finding, ToolUse};

/// `A before B`, or `A immediately before B`.
#[derive(Debug)]
pub(super) struct Order {
    first: Pattern,
    then: Pattern,
    is_immediate: bool,
}

impl Order {
    /// Reads the order as people write it.
    pub(super) fn read(text: &Spanned<String>) -> Result<Self, ReadError> {
        let parts = |word| text.get_ref().split_once(word);
        let (is_immediate, found) = match parts(" immediately before ") {
            Some(found) => (true, Some(found)),
            None => (false, parts(" before ")),
        };
        let Some((first, then)) = found else {
            let message = format!(
                "`{}` is no order; write \"A before B\" or \"A immediately before B\"",
                text.get_ref()
            );
            return Err(ReadError::new(message, Some(text.span())));
        };
        let is_name = |name: &str| !name.trim().is_empty() && !name.trim().contains(' ');
        if !is_name(first) || !is_name(then) {
            let message = format!(
                "`{}` is no order of two tools; write one \"A before B\" for each pair",
                text.get_ref()
            );
            return Err(ReadError::new(message, Some(text.span())));
        }
        let names = [first, then].map(|name| Spanned::new(text.span(), name.trim().to_owned()));
        let mut patterns = patterns(&names)?.into_iter();
        match (patterns.next(), patterns.next()) {
            (Some(first), Some(then)) => Ok(Self {
                first,
                then,
                is_immediate,
            }),
            _ => Err(ReadError::new(
                "an order needs two tools",
                Some(text.span()),
            )),
        }
    }

    /// Returns the calls that have no such call before them. Immediately before is judged in each
    /// conversation, so calls without one are left out there.
    pub(super) fn findings(&self, uses: &[ToolUse<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, one) in uses.iter().enumerate() {
            let earlier = uses.get(..index).unwrap_or_default();
            if !self.then.matches(one.name) {
                continue;
            }
            let previous = earlier.iter().rfind(|other| other.lane == one.lane);
            let holds = if self.is_immediate {
                one.lane.is_none() || previous.is_some_and(|other| self.first.matches(other.name))
            } else {
                earlier.iter().any(|other| self.first.matches(other.name))
            };
            if holds {
                continue;
            }
            let how = if self.is_immediate {
                "immediately "
            } else {
                ""
            };
            let message = format!(
                "tool `{}` was called without `{}` {how}before it",
                one.name, self.first
            );
            let found = previous.map_or("no call", |other| other.name);
            findings.push(
                Finding::new(message)
                    .values(self.first.as_str(), found)
                    .step(one.step),
            );
        }
        findings
    }
}
