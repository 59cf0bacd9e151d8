//! Reads durations as people write them.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time; write a number and a unit, such as 500ms, 90s, 5m or 1h")]
pub struct InvalidDuration(String);

/// Reads a number with a unit: `ms`, `s`, `m` or `h`.
///
/// # Errors
/// The text is not of that form, or the time is zero or beyond counting.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = trimmed.strip_prefix(digits).unwrap_or_default();
    let number: u64 = digits.trim().parse().map_err(|_error| invalid())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(invalid()),
    };
    number
        .checked_mul(millis)
        .filter(|millis| *millis > 0)
        .map(Duration::from_millis)
        .ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let millis = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("90s"), Ok(90_000));
        assert_eq!(millis(" 5m "), Ok(300_000));
        assert_eq!(millis("1 h"), Ok(3_600_000));
        for text in ["", "90", "s", "0s", "-1s", "1.5s", "99999999999999999h", "5 minutes"] {
            assert!(millis(text).is_err(), "{text}");
        }
    }
}
