//! What an error says with the errors that it came of.

use std::error::Error;

/// Returns the message of an error with those of its causes, joined by colons, without repetition.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    message
}

/// Returns the cause that has none itself, mostly what the system said; the error itself where it has none.
pub fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Said>>);

    #[test]
    fn a_cause_that_is_already_told_is_not_told_again() {
        let system = Said("no such file", None);
        let middle = Said("can't open x: no such file", Some(Box::new(system)));
        let outer = Said("the run failed", Some(Box::new(middle)));
        assert_eq!(
            with_causes(&outer),
            "the run failed: can't open x: no such file"
        );
        assert_eq!(innermost(&outer).to_string(), "no such file");
    }
}
