//! Exit codes: one meaning each, the same for every command.

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything asked for was done, and nothing failed.
    Pass,
    /// A regression, a violation, a difference where none may be.
    Fail,
    /// Wrong usage or configuration.
    Usage,
    /// Something could not be measured.
    NotMeasured,
    /// An explicit filter matched no baseline.
    NothingSelected,
    /// A baseline is missing or not approved.
    NoBaseline,
    /// The status of the agent (`record`), or 125 to 127 for Rewind's own failure there.
    Agent(u8),
}

impl Exit {
    /// Returns the code for the operating system.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::NotMeasured => 3,
            Self::NothingSelected => 4,
            Self::NoBaseline => 5,
            Self::Agent(code) => code,
        }
    }
}
