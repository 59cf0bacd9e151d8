//! Numbers of samples and forks, and their means.

/// Returns a number of things; there are never as many as would not fit.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Returns the mean of scores; 0 where there is none.
pub(super) fn mean(scores: &[f64]) -> f64 {
    if scores.is_empty() {
        return 0.0;
    }
    scores.iter().sum::<f64>() / f64::from(count(scores.len()))
}
