//! What a user reads after a recording.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::model::{Status, Timeline, Usage};
use crate::proxy::providers;
use crate::report::terminal::failure;
use crate::store::SessionHead;

/// All that the summary is made of.
pub(super) struct Summary<'a> {
    /// The session.
    pub(super) head: &'a SessionHead,
    /// What was recorded.
    pub(super) timeline: &'a Timeline,
    /// How long the agent ran.
    pub(super) took: Duration,
    /// Why the end of the timeline could not be stored.
    pub(super) unstored: Option<&'a str>,
    /// What the user should know though nothing went wrong.
    pub(super) notices: &'a [String],
    /// What is said of the agent's environment should it have failed.
    pub(super) removed: Option<String>,
    /// Whether the agent was run without an input although it could have been given one.
    pub(super) lacks_input: bool,
}

impl Summary<'_> {
    /// Writes it, a blank line first.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        let id: String = self.head.id.to_string().chars().take(ID_DIGITS).collect();
        let models = self.timeline.model_steps().count();
        let tools = self.timeline.steps.len() - models;
        writeln!(
            out,
            "rewind: recorded `{}` ({id}): {}, {}, {}",
            self.head.name,
            counted(self.timeline.steps.len(), "step"),
            counted(models, "model call"),
            counted(tools, "tool call"),
        )?;
        if models == 0 {
            out.write_all(NO_CALLS.as_bytes())?;
            if self.lacks_input {
                writeln!(
                    out,
                    "  - it got no input: give it one with --input \"a question\""
                )?;
            }
        } else {
            self.write_figures(out)?;
        }
        let exit = self.timeline.outcome.exit.unwrap_or_default();
        let seconds = self.took.as_secs_f64();
        writeln!(out, "  agent    exit status {exit} after {seconds:.1} s")?;
        self.write_warnings(out)?;
        if models > 0 {
            writeln!(out, "  next     rewind show latest")?;
        }
        Ok(())
    }

    fn write_figures(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut models: BTreeMap<&str, usize> = BTreeMap::new();
        for (_step, call) in self.timeline.model_steps() {
            let asked = call.request.treatment.model.as_deref();
            let model = call.response.model.as_deref().or(asked);
            *models.entry(model.unwrap_or("no model named")).or_default() += 1;
        }
        let models: Vec<String> = models
            .iter()
            .map(|(model, count)| format!("{model} ({count})"))
            .collect();
        writeln!(out, "  models   {}", models.join(", "))?;
        let usage = self.timeline.model_steps();
        let usage: Usage = usage.filter_map(|(_step, call)| call.response.usage).sum();
        let cached = match usage.cached_input {
            0 => String::new(),
            cached => format!(" ({} cached)", grouped(cached)),
        };
        writeln!(
            out,
            "  tokens   {} in{cached}, {} out",
            grouped(usage.input),
            grouped(usage.output)
        )?;
        let attempts = self.timeline.model_steps();
        let attempts: usize = attempts.map(|(_step, call)| call.attempts.len()).sum();
        if attempts > 0 {
            writeln!(out, "  retries  {attempts}")?;
        }
        let failed = self.timeline.steps.iter();
        let failed = failed.filter(|step| matches!(step.status, Status::Error | Status::Partial));
        match failed.count() {
            0 => Ok(()),
            failed => {
                let failed = counted(failed, "step");
                writeln!(out, "  errors   {failed} failed or broke off")?;
                self.write_first_failure(out)
            }
        }
    }

    /// Writes why a model call failed, the first of them, and what to do where its key was refused.
    fn write_first_failure(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut calls = self.timeline.model_steps();
        let Some((step, call, why)) =
            calls.find_map(|(step, call)| Some((step, call, failure(step)?)))
        else {
            return Ok(());
        };
        writeln!(out, "           step {}: {why}", step.number)?;
        if !KEY_REFUSED.contains(&call.exchange.status) {
            return Ok(());
        }
        let known = providers::KNOWN
            .iter()
            .find(|known| known.name == call.provider);
        match known.and_then(|known| known.key_variables.first()) {
            Some(variable) => writeln!(
                out,
                "           the provider takes no call without a key of yours: set {variable}"
            ),
            None => writeln!(
                out,
                "           the provider takes no call without a key: `key_env` of its [upstream.NAME] in rewind.toml names the variable that holds it"
            ),
        }
    }

    fn write_warnings(&self, out: &mut dyn Write) -> io::Result<()> {
        for fault in &self.timeline.outcome.faults {
            writeln!(out, "  warning  {fault}")?;
        }
        if let Some(error) = self.unstored {
            writeln!(
                out,
                "  WARNING  the end of the recording could not be stored: {error}\n           \
                 the calls stored before it are kept; the session is marked incomplete"
            )?;
        }
        for notice in self.notices {
            writeln!(out, "  note     {notice}")?;
        }
        match &self.removed {
            Some(sentence) if self.timeline.outcome.exit != Some(0) => {
                writeln!(out, "  note     {sentence}")
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Returns a number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let count = digits.len();
    let mut grouped = String::with_capacity(count + count / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (count - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The answers of a provider that got no key, or one that it does not take.
const KEY_REFUSED: [u16; 2] = [401, 403];

/// How many characters of an id are shown.
const ID_DIGITS: usize = 13;

/// Why nothing may have been recorded.
const NO_CALLS: &str = "  The agent made no model calls through Rewind. Likely causes:
  - its code sets a base URL itself, so that OPENAI_BASE_URL, ANTHROPIC_BASE_URL and the like,
    which Rewind sets for it, have no effect: let it read them
  - its client reads no such variable: pass the URL on from one that Rewind sets
  - it calls a provider that Rewind does not know: give it a name by [upstream.NAME] in
    rewind.toml, and the base URL $OPENAI_BASE_URL with /p/NAME in place of /v1
  - it ended before its first call: what it wrote says why. A key that only has to be there is set by
    env = [\"NAME=placeholder\"] in [agent]; those of known providers are placeholders already
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
