//! Baselines: committed folders that say how an agent must behave.
//!
//! ```text
//! baselines/<name>/
//!   baseline.toml    written by people: input, fork points, checks   -> Definition
//!   session/         written by rewind: the recording
//! ```
//!
//! [`Baselines::discover`] finds the folders and reads their definitions, [`read_session`] and
//! [`write_session`] the recordings. Running them is not done here.

mod definition;
mod folder;
mod problem;
mod session;

pub use definition::{DEFAULT_FORKS, Definition, Reference};
pub use folder::{Baseline, Baselines, DiscoverError};
pub use problem::{DefinitionError, Invalid};
pub use session::{FormatError, read_session, write_session};
