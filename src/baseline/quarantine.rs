//! Quarantine: a baseline that does not count until a day.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

/// A baseline that does not count until a day: it runs, is shown, and does not gate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `owner`, `reason` and `until`"
)]
pub struct Quarantine {
    /// Who looks after it.
    pub owner: String,
    /// Why it does not count.
    pub reason: String,
    /// The last day, at most [`QUARANTINE_DAYS`] ahead.
    #[serde(deserialize_with = "date")]
    pub until: Date,
}

/// What becomes of a quarantine on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineState {
    /// The baseline does not count.
    Active,
    /// Its last day has passed: the baseline counts again.
    Expired,
    /// Its last day is too far ahead.
    TooLong,
}

/// The most days that a quarantine may last.
pub const QUARANTINE_DAYS: i64 = 30;

impl Quarantine {
    /// Returns what becomes of it on `today`.
    pub fn state(&self, today: Date) -> QuarantineState {
        match self.until.duration_since(today).as_hours() / 24 {
            ..0 => QuarantineState::Expired,
            0..=QUARANTINE_DAYS => QuarantineState::Active,
            _ => QuarantineState::TooLong,
        }
    }
}

/// Reads a date as TOML writes it, or as text.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_err(|_error| {
        serde::de::Error::custom(format!("`{text}` is no day; write until = 2026-05-31"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(until: &str) -> Result<Quarantine, String> {
        toml::from_str(&format!(
            "owner = \"mia\"\nreason = \"flaky\"\nuntil = {until}"
        ))
        .map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn a_quarantine_ends_after_its_last_day_and_lasts_thirty_at_most() {
        let quarantine = read("2026-05-31").unwrap();
        assert_eq!(quarantine, read("\"2026-05-31\"").unwrap());
        let on = |day: &str| quarantine.state(day.parse().unwrap());
        assert_eq!(on("2026-05-01"), QuarantineState::Active);
        assert_eq!(on("2026-05-31"), QuarantineState::Active);
        assert_eq!(on("2026-06-01"), QuarantineState::Expired);
        assert_eq!(on("2027-01-01"), QuarantineState::Expired);
        assert_eq!(on("2026-04-30"), QuarantineState::TooLong);
        assert!(read("\"soon\"").unwrap_err().contains("is no day"));
    }
}
