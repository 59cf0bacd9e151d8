//! `rewind eval score --pairwise`: the timelines of a session side by side.

use std::io::Write;

use super::super::output::{json, written};
use super::super::stored::style;
use super::super::{CommandError, Context};
use crate::exit::Exit;
use crate::judge::{Panel, Plan, VerdictCache, evaluate_pairs};
use crate::model::Session;
use crate::report::{PairReport, terminal};

/// Compares the timelines and writes the table to `out`.
///
/// # Errors
/// Usage: there is one timeline, or a program is to compare.
pub(super) async fn pairs(
    session: &Session,
    (panel, known, plan): (&Panel, &dyn VerdictCache, &Plan),
    is_json: bool,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    if plan.subjects.len() < 2 {
        return Err(CommandError::usage(format!(
            "session `{}` has one timeline, so there is nothing to compare",
            session.name
        ))
        .help("make another one: rewind replay … --from N --label NAME"));
    }
    if let Some(program) = plan.criteria.iter().find(|one| one.program.is_some()) {
        return Err(CommandError::usage(format!(
            "`{}` is a program, which scores one answer at a time",
            program.name
        ))
        .help("leave out --pairwise, or name an evaluator that a model judges by"));
    }
    let evaluation = evaluate_pairs(panel, known, plan).await;
    let report = PairReport::new(session, panel, &evaluation);
    let result = if is_json {
        json(&report, out)
    } else {
        terminal::pairs(&report, style(context), out)
    };
    written(result)?;
    Ok(if report.is_measured() {
        Exit::Pass
    } else {
        Exit::NotMeasured
    })
}
