//! Values with a form of their own, checked where they stand in the file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use regex::Regex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::redact::PersonalKind;

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

/// Which personal data is meant: `true`, `false`, or a list of kinds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "write `true`, or a list of \"email\", \"phone\", \"iban\", \"card\" and \"ip\""
)]
#[derive(Default)]
pub enum Personal {
    /// All kinds or none.
    All(bool),
    /// These kinds.
    Some(BTreeSet<PersonalKind>),
    /// Nothing is said.
    #[serde(skip)]
    #[default]
    Unsaid,
}

impl Personal {
    /// Returns the kinds that are meant.
    pub fn kinds(&self) -> BTreeSet<PersonalKind> {
        match self {
            Self::All(true) => PersonalKind::ALL.into(),
            Self::All(false) | Self::Unsaid => BTreeSet::new(),
            Self::Some(kinds) => kinds.clone(),
        }
    }

    /// Returns the kinds that are meant for sessions imported from production: all where nothing is said.
    pub fn kinds_of_imports(&self) -> BTreeSet<PersonalKind> {
        match self {
            Self::Unsaid => PersonalKind::ALL.into(),
            Self::All(_) | Self::Some(_) => self.kinds(),
        }
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

/// A name in which `*` stands for any text, `?` for any character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Glob(glob::Pattern);

impl Glob {
    /// Returns whether the name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// Returns the pattern.
    pub fn pattern(&self) -> &glob::Pattern {
        &self.0
    }

    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match glob::Pattern::new(&text) {
            Ok(pattern) => Ok(Self(pattern)),
            Err(error) => Err(format!("`{text}` is no name with `*`: {}", error.msg)),
        }
    }
}

/// Reads an address to listen on.
pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    match text.parse::<SocketAddr>() {
        Ok(_address) => Ok(Some(text)),
        Err(_error) => Err(D::Error::custom(format!(
            "`{text}` is no address; write an IP address and a port, such as 127.0.0.1:0"
        ))),
    }
}

/// Reads the URL of a provider.
pub(super) fn http_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(text)),
        Ok(_) | Err(_) => Err(D::Error::custom(format!(
            "`{text}` is no base URL; write one such as https://api.openai.com/v1"
        ))),
    }
}

/// Reads pointers into the treatment.
pub(super) fn pointers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let pointers = Vec::<String>::deserialize(from)?;
    let is_known = |pointer: &str| {
        let part = |name: &str| {
            pointer
                .strip_prefix(name)
                .is_some_and(|rest| !rest.is_empty())
        };
        matches!(pointer, "/system" | "/model" | "/tools") || part("/tools/") || part("/settings/")
    };
    match pointers.iter().find(|pointer| !is_known(pointer)) {
        None => Ok(pointers),
        Some(wrong) => Err(D::Error::custom(format!(
            "`{wrong}` is no part of the treatment; write /settings/NAME, /tools/NAME, /tools, /system or /model"
        ))),
    }
}

/// Reads how many agents run at once.
pub(super) fn jobs<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    match usize::deserialize(from)? {
        0 => Err(D::Error::custom("at least 1 agent has to run")),
        jobs => Ok(Some(jobs)),
    }
}

/// Reads how many unchanged forks run live.
pub(super) fn control<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(from)? {
        forks @ 0..=MOST_CONTROL => Ok(Some(forks)),
        forks => Err(D::Error::custom(format!(
            "{forks} unchanged forks cost more than they tell; write a number from 0 to {MOST_CONTROL}"
        ))),
    }
}

/// The most unchanged forks that run live.
const MOST_CONTROL: u32 = 20;

/// Reads a share of a whole.
pub(super) fn alpha<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(from)?;
    if value > 0.0 && value < 0.5 {
        return Ok(Some(value));
    }
    Err(D::Error::custom(
        "the chance of a false alarm is above 0 and below 0.5, such as 0.05",
    ))
}

pub(super) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let share = f64::deserialize(from)?;
    if (0.0..=1.0).contains(&share) {
        Ok(Some(share))
    } else {
        Err(D::Error::custom(format!(
            "{share} is no share; write a number from 0 to 1"
        )))
    }
}

/// Reads a price.
pub(super) fn dollars<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let dollars = f64::deserialize(from)?;
    if (0.0..=1_000_000.0).contains(&dollars) {
        Ok(dollars)
    } else {
        Err(D::Error::custom(format!(
            "{dollars} is no price; write dollars for a million tokens"
        )))
    }
}

/// Reads a price where there is one.
pub(super) fn maybe_dollars<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    dollars(from).map(Some)
}

/// Reads the most dollars that may be paid.
pub(super) fn cap<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let dollars = f64::deserialize(from)?;
    if (0.0..=1_000_000.0).contains(&dollars) {
        Ok(Some(dollars))
    } else {
        Err(D::Error::custom(format!(
            "{dollars} is no amount; write dollars from 0 to 1000000, such as 2.00"
        )))
    }
}

/// Reads a time that is longer than none.
pub(super) fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Period>, D::Error> {
    let period = Period::deserialize(from)?;
    if period.0.is_zero() {
        return Err(D::Error::custom(
            "a limit of no time ends everything at once; write a longer one, or leave the key out",
        ));
    }
    Ok(Some(period))
}
