//! Baselines: committed folders that say how an agent must behave.
//!
//! ```text
//! baselines/<name>/
//!   baseline.toml    written by people: input, fork points, checks   -> Definition
//!   accepted.json    written by rewind: what was accepted            -> Evidence
//!   session/         written by rewind: the recording
//! ```
//!
//! [`Baselines::discover`] finds the folders and reads their definitions, [`read_session`] and
//! [`write_session`] the recordings. Running them is not done here.

mod definition;
mod digests;
mod evidence;
mod expected;
mod folder;
mod problem;
mod quarantine;
mod rerecord;
mod schema_file;
mod session;
mod verdict;

pub use definition::{DEFAULT_FORKS, Definition, Reference};
pub use evidence::{
    ACCEPTED, CheckEvidence, Evidence, EvidenceError, ForkEvidence, Provenance, Said,
    SampleEvidence,
};
pub use folder::{Baseline, Baselines, DiscoverError, folder_id};
pub use problem::{DefinitionError, Invalid};
pub use quarantine::{QUARANTINE_DAYS, Quarantine, QuarantineState};
pub use rerecord::write_session_over;
pub use session::{FormatError, read_session, recording_id, write_session};
pub use verdict::KnownVerdict;
