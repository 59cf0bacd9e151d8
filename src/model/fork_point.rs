//! Addresses of fork points, as people write them.

use std::fmt;
use std::str::FromStr;

/// The address of a fork point: the first step that runs live.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ForkPoint {
    /// A step number, from 1.
    Step(u32),
    /// The n-th call of a tool, from 1.
    Tool {
        /// The tool's name.
        name: String,
        /// Which of its calls, from 1.
        nth: u32,
    },
    /// The first step of an agent (span or lane).
    Agent(String),
    /// The first step: everything is live.
    Start,
    /// The last model step.
    Last,
    /// The first request that the change affects, in each lane.
    Auto,
}

impl fmt::Display for ForkPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(number) => number.fmt(f),
            Self::Tool { name, nth } => write!(f, "tool:{name}#{nth}"),
            Self::Agent(name) => write!(f, "agent:{name}"),
            Self::Start => f.write_str("start"),
            Self::Last => f.write_str("last"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// A text that is no fork point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a fork point; use a step number, `tool:NAME#N`, `agent:NAME`, `start`, `last` or `auto`"
)]
pub struct InvalidForkPoint(String);

impl FromStr for ForkPoint {
    type Err = InvalidForkPoint;

    fn from_str(text: &str) -> Result<Self, InvalidForkPoint> {
        let invalid = || InvalidForkPoint(text.to_owned());
        let number = |digits: &str| digits.parse::<u32>().ok().filter(|number| *number > 0);
        match text {
            "start" => return Ok(Self::Start),
            "last" => return Ok(Self::Last),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        if let Some(name) = text.strip_prefix("agent:").filter(|name| !name.is_empty()) {
            return Ok(Self::Agent(name.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("tool:") {
            let (name, nth) = match rest.rsplit_once('#') {
                Some((name, nth)) => (name, number(nth).ok_or_else(invalid)?),
                None => (rest, 1),
            };
            return (!name.is_empty())
                .then(|| Self::Tool {
                    name: name.to_owned(),
                    nth,
                })
                .ok_or_else(invalid);
        }
        number(text).map(Self::Step).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_written() {
        for text in [
            "14",
            "tool:web_search#2",
            "agent:writer",
            "start",
            "last",
            "auto",
        ] {
            assert_eq!(text.parse::<ForkPoint>().unwrap().to_string(), text);
        }
        assert_eq!(
            "tool:x".parse(),
            Ok(ForkPoint::Tool {
                name: "x".into(),
                nth: 1
            })
        );
        for text in ["", "0", "-1", "tool:", "tool:x#0", "agent:", "step 3"] {
            assert!(text.parse::<ForkPoint>().is_err(), "{text}");
        }
    }
}
