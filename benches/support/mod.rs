//! Shared by the benches: a cheap exact client, the floor to compare with, and the traffic.

pub mod client;
pub mod floor;
pub mod process;
pub mod traffic;

use std::time::Duration;

/// Returns the value below which the share `at` (0 to 1) of the sorted `values` lies.
pub fn quantile(values: &[Duration], at: f64) -> Duration {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into some thousand values"
    )]
    let index = (values.len().saturating_sub(1) as f64 * at).round() as usize;
    values.get(index).copied().unwrap_or_default()
}

/// Returns microseconds with one decimal.
pub fn micros(value: Duration) -> String {
    format!("{:.1}", value.as_secs_f64() * 1e6)
}
