//! `kind = "exit_status"`: how the agent's process ended.

use serde::Deserialize;

use super::registry::{ReadError, Table, keys};
use super::{Check, CheckContext, Finding, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    status: Option<Statuses>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an exit status or a list of them")]
enum Statuses {
    One(i32),
    Many(Vec<i32>),
}

/// The exit statuses that are fine.
#[derive(Debug)]
struct ExitStatus(Vec<i32>);

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let statuses = match raw.status {
        None => vec![0],
        Some(Statuses::One(status)) => vec![status],
        Some(Statuses::Many(statuses)) => statuses,
    };
    if statuses.is_empty() {
        let message = "`status` needs at least one exit status, such as status = [0, 3]";
        return Err(ReadError::new(message, None));
    }
    Ok(Box::new(ExitStatus(statuses)))
}

impl Check for ExitStatus {
    fn kind(&self) -> &'static str {
        "exit_status"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let Some(status) = context.candidate.outcome.exit else {
            return Outcome::not_run("the exit status of this run is not known");
        };
        if self.0.contains(&status) {
            return Outcome::passed(format!("the agent exited with status {status}"));
        }
        let wanted: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        let finding = Finding::new(format!("the agent exited with status {status}"))
            .values(wanted.join(" or "), status.to_string());
        Outcome::from_findings(vec![finding], "")
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::tests::check;
    use super::*;
    use crate::lineage::testing::{research, timeline};

    #[test]
    fn only_the_statuses_that_are_named_are_fine() {
        let mut run = timeline("new", vec![research()]);
        let mut fails = |toml: &str, exit| {
            run.outcome.exit = exit;
            check(&format!("kind = 'exit_status'\n{toml}"))
                .run(&CheckContext::new(&run, &run))
                .is_failed()
        };
        assert!(!fails("", Some(0)));
        assert!(fails("", Some(1)));
        assert!(fails("status = 3", Some(0)));
        assert!(!fails("status = [0, 3]", Some(3)));
        assert!(!fails("", None));
    }

    #[test]
    fn a_status_that_is_not_known_is_no_pass() {
        let mut run = timeline("new", vec![research()]);
        run.outcome.exit = None;
        let outcome = check("kind = 'exit_status'").run(&CheckContext::new(&run, &run));
        assert!(matches!(outcome, Outcome::NotRun { .. }));
    }
}
