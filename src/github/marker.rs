//! The first line of what Rewind writes on GitHub, hidden from readers: how it finds its own again.
//!
//! ```text
//! <!-- rewind:comment key=gate run=123.1 state=0123456789ab -->
//! ```
//!
//! Only the first line counts: what stands below may come from agents and models. A marker alone proves nothing,
//! since everybody can write one; the author is asked for as well.

use std::fmt;

use super::job::Run;

/// Which of several gates of a repository speaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key; use letters, digits, `-`, `_` and `.`, at most 60")]
pub struct InvalidKey(String);

/// What the first line says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Marker {
    /// What it stands in: `comment` or `issue`.
    pub kind: String,
    /// Which gate wrote it.
    pub key: Key,
    /// Which run wrote it.
    pub run: Run,
    /// The hash of what was said, without numbers that change from run to run.
    pub state: String,
}

impl std::str::FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if (1..=60).contains(&text.len()) && text.chars().all(is_key) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey(text.to_owned()))
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<!-- rewind:{} key={} run={}.{} state={} -->",
            self.kind, self.key, self.run.id, self.run.attempt, self.state
        )
    }
}

impl Marker {
    /// Returns the marker in the first line of a text; `None` where there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.trim_end();
        let line = line.strip_prefix("<!-- rewind:")?.strip_suffix(" -->")?;
        let mut words = line.split(' ');
        let kind = words.next()?.to_owned();
        let key = words.next()?.strip_prefix("key=")?.parse().ok()?;
        let (id, attempt) = words.next()?.strip_prefix("run=")?.split_once('.')?;
        let run = Run {
            id: id.parse().ok()?,
            attempt: attempt.parse().ok()?,
        };
        let state = words.next()?.strip_prefix("state=")?.to_owned();
        words.next().is_none().then_some(Self {
            kind,
            key,
            run,
            state,
        })
    }

    /// Returns whether both mark the same thing, whoever wrote it and when.
    pub fn is_of(&self, other: &Self) -> bool {
        self.kind == other.kind && self.key == other.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_only_from_the_first_line() {
        let marker = Marker {
            kind: "comment".into(),
            key: "gate".parse().unwrap(),
            run: Run { id: 12, attempt: 3 },
            state: "ab12".into(),
        };
        let text = format!("{marker}\n## Rewind\n");
        assert_eq!(Marker::parse(&text), Some(marker));
        assert_eq!(Marker::parse(&format!("\n{text}")), None);
        assert_eq!(Marker::parse("<!-- rewind:gate -->"), None);
    }

    #[test]
    fn a_key_is_one_harmless_word() {
        for bad in ["", "a b", "a-->", "ä", &"x".repeat(61)] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }
}
