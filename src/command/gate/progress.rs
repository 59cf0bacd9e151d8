//! Says on standard error how a run goes on: a line that moves on a terminal, a few lines in a log.

use std::cell::RefCell;
use std::io::Write;

use crate::gate::{Caps, LivePlan, Progress};
use crate::report::{cost, tokens};

/// Writes the progress of a run.
pub(in crate::command) struct Teller<'w> {
    err: RefCell<&'w mut dyn Write>,
    caps: Caps,
    is_terminal: bool,
    is_scripted: bool,
}

impl<'w> Teller<'w> {
    pub(in crate::command) fn new(
        err: &'w mut dyn Write,
        caps: Caps,
        is_terminal: bool,
        is_scripted: bool,
    ) -> Self {
        Self {
            err: RefCell::new(err),
            caps,
            is_terminal,
            is_scripted,
        }
    }

    fn say(&self, text: &str) {
        let mut err = self.err.borrow_mut();
        if let Err(error) = err.write_all(text.as_bytes()).and_then(|()| err.flush()) {
            tracing::debug!(%error, "standard error is closed");
        }
    }
}

impl Progress for Teller<'_> {
    fn done(&self, done: usize, total: usize, name: &str) {
        if self.is_terminal {
            let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            let end = if done == total { "\r\u{1b}[K" } else { "" };
            self.say(&format!("\r\u{1b}[K{}{end}", bar(done, total, &name)));
        } else if total >= MANY && is_tenth(done, total) {
            self.say(&format!("rewind: {done} of {total} done\n"));
        }
    }

    fn confirm(&self, forks: usize, together: bool) {
        let are = match forks {
            forks if together => {
                format!("all baselines together are red; {forks} forks are")
            }
            1 => "1 fork is red and is".to_owned(),
            forks => format!("{forks} forks are red and are"),
        };
        self.say(&format!("rewind: {are} tried again beside the base\n"));
    }

    fn live(&self, plan: &LivePlan) {
        let estimate = &plan.estimate;
        let price = if self.is_scripted {
            "$0 from a scripted model".to_owned()
        } else {
            priced(plan)
        };
        let mut caps = Vec::new();
        caps.extend(self.caps.usd.map(|usd| format!("at most {usd}")));
        let most = self.caps.tokens.map(tokens);
        caps.extend(most.map(|most| format!("at most {most} tokens")));
        if caps.is_empty() {
            caps.push("no cap".to_owned());
        }
        let samples = match (plan.samples, plan.most_samples) {
            (least, most) if (least, most) == (plan.tails, plan.tails) => String::new(),
            (least, most) if least == most => format!(" in {least} samples"),
            (least, most) => format!(" in {least} to {most} samples"),
        };
        let affected = match plan.affected {
            0 => String::new(),
            affected => format!("{affected} of {} baselines affected; ", plan.baselines),
        };
        let control = match plan.unchanged {
            0 => String::new(),
            1 => format!(" and 1 unchanged one in {} (A/A)", plan.control_samples),
            forks => format!(
                " and {forks} unchanged ones in {} (A/A)",
                plan.control_samples
            ),
        };
        self.say(&format!(
            "rewind: {affected}{} live tails{samples}{control}, about {} calls, {} tokens, {price} ({})\n",
            plan.tails,
            estimate.calls,
            tokens(estimate.tokens()),
            caps.join(", "),
        ));
    }
}

/// Returns what the samples that are run in any case cost, and in one of ten runs at least.
fn priced(plan: &LivePlan) -> String {
    let price = cost(&plan.estimate);
    if plan.p90.0 == 0 {
        // There is no telling without a price.
        format!("about {price}")
    } else {
        format!("about {price}, p90 {}", plan.p90)
    }
}

fn bar(done: usize, total: usize, name: &str) -> String {
    let filled = (done * BAR).checked_div(total).unwrap_or(BAR).min(BAR);
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
    format!("[{bar}] {done}/{total} {name}")
}

fn is_tenth(done: usize, total: usize) -> bool {
    done == total || (done * 10) / total.max(1) != ((done - 1) * 10) / total.max(1)
}

/// How many characters the bar has.
const BAR: usize = 20;

/// From how many on a log says how far it is.
const MANY: usize = 20;
