//! How often a fork is run.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// From how many to how many samples of a fork are run live; at least 1, and at most [`SampleRange::MOST`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleRange {
    /// How many must be measured.
    min: u32,
    /// How many are run where `min` do not decide; at least `min`.
    max: u32,
}

impl SampleRange {
    /// The most samples of a fork.
    pub const MOST: u32 = 1_000;

    /// One run, which decides alone.
    pub const ONE: Self = Self { min: 1, max: 1 };

    /// Returns the range; `None` where it is empty or beyond [`Self::MOST`].
    pub const fn new(min: u32, max: u32) -> Option<Self> {
        if 1 <= min && min <= max && max <= Self::MOST {
            Some(Self { min, max })
        } else {
            None
        }
    }

    /// Returns how many must be measured.
    pub const fn min(self) -> u32 {
        self.min
    }

    /// Returns how many are run where the least number does not decide.
    pub const fn max(self) -> u32 {
        self.max
    }
}

impl Default for SampleRange {
    fn default() -> Self {
        Self { min: 3, max: 12 }
    }
}

impl fmt::Display for SampleRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{}..{}", self.min, self.max)
        }
    }
}

/// A number of samples that there can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no number of samples; write one from 1 to 1000, or the least and the most, such as 3..12"
)]
pub struct InvalidSampleRange(String);

impl FromStr for SampleRange {
    type Err = InvalidSampleRange;

    fn from_str(text: &str) -> Result<Self, InvalidSampleRange> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.parse::<u32>().ok();
        number(min)
            .zip(number(max))
            .and_then(|(min, max)| Self::new(min, max))
            .ok_or_else(|| InvalidSampleRange(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for SampleRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let (min, max) = match (raw.min, raw.max) {
            (Some(min), Some(max)) => (min, max),
            (Some(min), None) => (min, min.max(Self::default().max)),
            (None, Some(max)) => (max.min(Self::default().min), max),
            (None, None) => (Self::default().min, Self::default().max),
        };
        Self::new(min, max).ok_or_else(|| {
            D::Error::custom(format!(
                "`min` is at least 1, and `max` is from `min` to {}",
                Self::MOST
            ))
        })
    }
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { min = 3, max = 12 }"
)]
struct Raw {
    min: Option<u32>,
    max: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_fits_what_is() {
        let read = |text: &str| toml::from_str::<SampleRange>(text).map(|range| range.to_string());
        assert_eq!(read("").unwrap(), "3..12");
        assert_eq!(read("min = 20").unwrap(), "20");
        assert_eq!(read("max = 2").unwrap(), "2");
        assert_eq!(read("min = 1\nmax = 5").unwrap(), "1..5");
        assert_eq!("2..4".parse::<SampleRange>().unwrap().max(), 4);
        for wrong in ["0", "4..3", "a", "", "1..", "5000", "-1"] {
            let error = wrong.parse::<SampleRange>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
        for wrong in ["min = 0", "min = 4\nmax = 3", "max = 5000", "most = 3"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
