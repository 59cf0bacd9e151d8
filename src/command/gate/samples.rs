//! How many samples of a fork run live, and whether what checks want of them can be reached.

use super::GateOptions;
use crate::check::Severity;
use crate::command::CommandError;
use crate::config::Config;
use crate::gate::Case;
use crate::model::SampleRange;

/// Returns how many samples of a fork run live: as typed, else as configured. A scripted model answers the same each time, so
/// one is enough where nothing is said.
pub(super) fn samples(options: &GateOptions, config: &Config, is_scripted: bool) -> SampleRange {
    let by_default = if is_scripted {
        SampleRange::ONE
    } else {
        SampleRange::default()
    };
    options
        .samples
        .or(config.gate.samples)
        .unwrap_or(by_default)
}

/// Holds the `k_of_n` of the checks against the most samples that are run of each case: its own, else `others`.
///
/// Where one sample would do because the model answers the same each time, the case gets as many as are asked for.
///
/// # Errors
/// Usage: a check wants more samples than are ever run.
pub(super) fn fitting_quotas(cases: &mut [Case], others: SampleRange) -> Result<(), CommandError> {
    let mut cases = cases.iter_mut();
    cases.try_for_each(|case| fitting_quota(case, others))
}

fn fitting_quota(case: &mut Case, others: SampleRange) -> Result<(), CommandError> {
    let checks = &case.baseline.definition.checks;
    let counted = checks
        .iter()
        .filter(|check| check.severity != Severity::Off);
    let wanted = counted.filter_map(|check| Some((check, check.k_of_n?)));
    let Some((check, most)) = wanted.max_by_key(|(_check, wanted)| wanted.n()) else {
        return Ok(());
    };
    let range = case.samples.unwrap_or(others);
    if most.n() <= range.max() {
        return Ok(());
    }
    if range == SampleRange::ONE && case.samples.is_none() {
        case.samples = SampleRange::new(most.n(), most.n());
        return Ok(());
    }
    let (k, n) = (most.k(), most.n());
    Err(CommandError::usage(format!(
        "check `{}` of baseline `{}` must hold in {k} of {n} samples, and at most {} are run",
        check.id,
        case.baseline.name,
        range.max()
    ))
    .help(format!(
        "write `samples = {{ max = {n} }}` into its baseline.toml, or ask for less by `k_of_n`"
    )))
}
