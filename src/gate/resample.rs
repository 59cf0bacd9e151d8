//! Live runs of an agent that did not change: evidence of how often it holds.

use std::slice;
use std::sync::Arc;

use super::fork::decide_fork;
use super::runner::{Case, ForkRun, Runner};
use super::schedule::Progress;
use crate::model::ForkPoint;

/// What further samples of a case came to.
#[derive(Debug)]
pub enum Resampled {
    /// The agent could not be run to its end; says why. Nothing went live.
    NotRun(String),
    /// The agent is not the one that was recorded; says why. Nothing went live.
    Changed(String),
    /// The forks, as they ran.
    Taken(Vec<ForkRun>),
}

impl Runner {
    /// Runs a case dry, and where it is proved equal to its recording, each of `forks` live in as many
    /// samples as the case says.
    pub async fn resample(
        &self,
        case: &Case,
        forks: &[ForkPoint],
        progress: &dyn Progress,
    ) -> Resampled {
        let dry = self.dry(case).await;
        let sample = &dry.attempt.sample;
        if let Some(fault) = &sample.fault {
            return Resampled::NotRun(fault.message.clone());
        }
        if !sample.replay.is_unaffected && !sample.differs_in_print_alone() {
            let run = ForkRun::new(case, &ForkPoint::Auto, slice::from_ref(&dry.attempt), 1);
            return Resampled::Changed(decide_fork(&run.evidence).why);
        }
        let heard = Arc::default();
        let tails: Vec<_> = forks
            .iter()
            .map(|fork| self.tail(case, fork, &dry, &heard))
            .collect();
        progress.live(&self.live_plan(slice::from_ref(&dry), &tails));
        Resampled::Taken(self.sampled(&tails, progress).await)
    }
}
