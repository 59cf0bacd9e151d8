//! What is said of a step of either kind.

use crate::model::Step;

/// Returns why a step failed, in the provider's words where there are some.
pub(in super::super) fn error_of(step: &Step) -> String {
    let told = step.call().and_then(|call| {
        let error = call.response.error.as_ref()?;
        Some(format!("{} {}", call.exchange.status, error.message))
    });
    told.unwrap_or_else(|| "the step failed".to_owned())
}
