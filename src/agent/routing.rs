//! The variables that lead an agent's traffic through Rewind, and make its clients quiet.

use std::collections::BTreeMap;

/// Where the run's listener is, and the token that opens it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Routing {
    /// The listener's base with the run token, such as `http://127.0.0.1:4321/r/TOKEN`.
    pub base: String,
    /// The key that clients are to send in place of the provider's: `rewind-TOKEN`.
    pub placeholder: String,
}
