//! Values with a form of their own, checked where they stand in the file.

use std::time::Duration;

use regex::Regex;
use serde::Deserialize;

/// A span of time, written as a number and `ms`, `s`, `m` or `h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Period(pub Duration);

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no time; write a number with ms, s, m or h, such as 90s");
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at_checked(unit_at).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_error| wrong())?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        number
            .checked_mul(millis)
            .map(Duration::from_millis)
            .map(Self)
            .ok_or_else(wrong)
    }
}

/// A regular expression, as text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(pub String);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Regex::new(&text) {
            Ok(_regex) => Ok(Self(text)),
            Err(error) => Err(format!("`{text}` is no regular expression: {error}")),
        }
    }
}
