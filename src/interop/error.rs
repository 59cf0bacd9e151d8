//! What can go wrong with an import.

/// Why a trace can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is nothing to make steps of.
    #[error("the trace has no span of a model or a tool; {0}")]
    Nothing(String),
    /// The tree of spans is none.
    #[error("the parents of span `{0}` go in a circle: this is no trace")]
    Circle(String),
    /// There are more spans than anyone can look at.
    #[error("the trace has more than {0} spans")]
    TooMany(usize),
    /// A source said something that is not understood.
    #[error("{0}")]
    Malformed(String),
    /// A request that the parser of the wire formats did not take.
    #[error("span `{span}` can't be read as a call of a model")]
    Wire {
        /// The id of the span.
        span: String,
        /// Why.
        #[source]
        source: crate::wire::WireError,
    },
}
