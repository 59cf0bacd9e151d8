//! The verdicts, and what people see of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// What the gate says of one fork, in the order in which the first that holds is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Something happened that may never happen.
    Violated,
    /// Too little could be measured: a fault of Rewind, the judge or the provider.
    NotMeasured,
    /// Only a live run can tell.
    NeedsLive,
    /// The accepted evidence was made under other conditions.
    Incomparable,
    /// It fails, but the accepted evidence failed just so.
    PreExisting,
    /// Every sample fails.
    Broken,
    /// Significantly and relevantly worse.
    Regressed,
    /// Worse, but the evidence is too weak.
    Suspect,
    /// Nothing can be said.
    Inconclusive,
    /// Another way, not worse.
    Changed,
    /// The same way, not worse.
    Stable,
    /// Better.
    Improved,
    /// Proved to be equal to the recording.
    Unaffected,
}

/// The word that people see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// It is good.
    Pass,
    /// Someone should look.
    Look,
    /// It is not known.
    NotMeasured,
    /// It is bad.
    Fail,
}

/// What becomes of a test case in JUnit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Junit {
    /// It passed.
    Pass,
    /// It failed.
    Failure,
    /// It was skipped, with the verdict as the reason.
    Skipped,
    /// It is in error.
    Error,
}

/// The conclusion of a check run on GitHub.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CheckRun {
    /// `success`.
    Success,
    /// `failure`.
    Failure,
    /// `neutral`.
    Neutral,
    /// `neutral` where the run exits 0, else `action_required`.
    NeutralOrAction,
}

/// What people see of a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The verdict's name in files and output.
    pub name: &'static str,
    /// The word that people see.
    pub shown: Shown,
    /// What becomes of its test case in JUnit.
    pub junit: Junit,
    /// The meaning, in a few words.
    pub meaning: &'static str,
}

impl Verdict {
    /// All verdicts, the one that is taken first at the front.
    pub const ALL: [Self; 13] = [
        Self::Violated,
        Self::NotMeasured,
        Self::NeedsLive,
        Self::Incomparable,
        Self::PreExisting,
        Self::Broken,
        Self::Regressed,
        Self::Suspect,
        Self::Inconclusive,
        Self::Changed,
        Self::Stable,
        Self::Improved,
        Self::Unaffected,
    ];

    /// Returns what people see of it. This is the one table.
    pub const fn row(self) -> Row {
        use {Junit as J, Shown as S};
        let (name, shown, junit, meaning) = match self {
            Self::Violated => ("violated", S::Fail, J::Failure, "did what may never happen"),
            Self::NotMeasured => (
                "not_measured",
                S::NotMeasured,
                J::Error,
                "could not be measured",
            ),
            Self::NeedsLive => ("needs_live", S::NotMeasured, J::Skipped, "needs a live run"),
            Self::Incomparable => (
                "incomparable",
                S::NotMeasured,
                J::Error,
                "has no comparable evidence",
            ),
            Self::PreExisting => ("pre_existing", S::Look, J::Skipped, "failed before, too"),
            Self::Broken => ("broken", S::Fail, J::Failure, "fails its checks"),
            Self::Regressed => ("regressed", S::Fail, J::Failure, "got worse"),
            Self::Suspect => ("suspect", S::Look, J::Skipped, "may have got worse"),
            Self::Inconclusive => ("inconclusive", S::Look, J::Skipped, "could not be decided"),
            Self::Changed => ("changed", S::Pass, J::Pass, "goes another way, not worse"),
            Self::Stable => ("stable", S::Pass, J::Pass, "is not worse"),
            Self::Improved => ("improved", S::Pass, J::Pass, "got better"),
            Self::Unaffected => ("unaffected", S::Pass, J::Pass, "is proved equal"),
        };
        Row {
            name,
            shown,
            junit,
            meaning,
        }
    }

    /// Returns whether something was measured: only such forks count as covered.
    pub const fn is_covered(self) -> bool {
        match self.row().shown {
            Shown::Pass | Shown::Look | Shown::Fail => true,
            Shown::NotMeasured => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().name)
    }
}

impl Shown {
    /// Returns the word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Look => "LOOK",
            Self::NotMeasured => "NOT MEASURED",
            Self::Fail => "FAIL",
        }
    }

    /// Returns the exit code of a run that shows this word and is enforced.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Pass | Self::Look => Exit::Pass,
            Self::NotMeasured => Exit::NotMeasured,
            Self::Fail => Exit::Fail,
        }
    }

    /// Returns the conclusion of its check run.
    pub const fn check_run(self) -> CheckRun {
        match self {
            Self::Pass => CheckRun::Success,
            Self::Look => CheckRun::Neutral,
            Self::NotMeasured => CheckRun::NeutralOrAction,
            Self::Fail => CheckRun::Failure,
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl CheckRun {
    /// Returns the conclusion in GitHub's words, for a run that ends with this exit code.
    pub const fn conclusion(self, exit: Exit) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
            Self::NeutralOrAction if exit.code() == 0 => "neutral",
            Self::NeutralOrAction => "action_required",
        }
    }
}
