//! Renders answers for the wire.
