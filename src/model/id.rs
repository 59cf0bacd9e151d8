//! Identifiers: content hashes, session ids, step numbers.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The BLAKE3 hash of some content; written as `b3:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentId([u8; 32]);

impl Hash for ContentId {
    /// Feeds the first eight bytes: they are as good as random already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let first = self.0.first_chunk().copied().unwrap_or_default();
        state.write_u64(u64::from_le_bytes(first));
    }
}

impl ContentId {
    /// Returns the id of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Returns the id of a sequence of ids and byte strings, unambiguous in its boundaries.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// Returns the raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the id with these raw bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns a number that is drawn from it, for a seeded generator.
    pub fn seed(&self) -> u64 {
        let bytes = self.0.first_chunk().copied();
        u64::from_le_bytes(bytes.unwrap_or_default())
    }

    /// Returns the first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().skip(3).take(12).collect()
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("b3:")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b3:{}", self.short())
    }
}

/// A text that is not an id of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

impl FromStr for ContentId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            text: text.to_owned(),
            expected: "content id (b3:<64 hex digits>)",
        };
        let hex = text
            .strip_prefix("b3:")
            .filter(|h| h.len() == 64 && h.is_ascii())
            .ok_or_else(invalid)?;
        let hash = blake3::Hash::from_hex(hex).map_err(|_error| invalid())?;
        Ok(Self(*hash.as_bytes()))
    }
}

impl Serialize for ContentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The id of a session: a UUID of version 7, so ids sort by creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

impl SessionId {
    /// Returns a fresh id.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Uuid::parse_str(text).map(Self).map_err(|_error| InvalidId {
            text: text.to_owned(),
            expected: "session id (a UUID)",
        })
    }
}

/// The number of a step in its timeline, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIndex(pub u32);

impl fmt::Display for StepIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a lane in its timeline, from 1 in the order of first appearance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaneId(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ids_read_back_as_written() {
        let id = ContentId::of(b"hello");
        assert_eq!(id.to_string().parse::<ContentId>(), Ok(id));
        assert!("b3:12".parse::<ContentId>().is_err());
        assert!(
            format!("b3:{}", "é".repeat(32))
                .parse::<ContentId>()
                .is_err()
        );
    }

    #[test]
    fn parts_are_hashed_with_their_boundaries() {
        assert_ne!(
            ContentId::of_parts([b"ab".as_slice(), b"c"]),
            ContentId::of_parts([b"a".as_slice(), b"bc"])
        );
    }
}
