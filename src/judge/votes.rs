//! How often an answer is judged, and when that is enough.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{PASS, Vote};

/// How often an answer is judged: always so often, or more often only while the votes leave it open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Votes {
    min: u32,
    max: u32,
    line: f64,
}

impl Votes {
    /// The most votes on one answer.
    pub const MOST: u32 = 99;

    /// Returns the rule that every answer is judged exactly so often, once at least.
    pub const fn exactly(votes: u32) -> Self {
        let votes = if votes == 0 { 1 } else { votes };
        Self {
            min: votes,
            max: votes,
            line: PASS,
        }
    }

    /// Returns the rule that votes beyond `min` are asked for only while they leave it open; `None` where `min` is
    /// below 2, so that no two could differ, or the range is empty or beyond [`Self::MOST`].
    pub const fn between(min: u32, max: u32) -> Option<Self> {
        if 2 <= min && min <= max && max <= Self::MOST {
            let line = PASS;
            Some(Self { min, max, line })
        } else {
            None
        }
    }

    /// Returns the rule with the score that is to be reached: votes agree where all are on one side of it.
    #[must_use]
    pub const fn at(self, line: f64) -> Self {
        Self { line, ..self }
    }

    /// Returns the least number of votes.
    pub const fn min(self) -> u32 {
        self.min
    }

    /// Returns the greatest number of votes.
    pub const fn max(self) -> u32 {
        self.max
    }

    /// Returns the score that is to be reached.
    pub const fn line(self) -> f64 {
        self.line
    }

    /// Returns how many more votes are needed now that these are there.
    pub(super) fn wanted(self, given: &[Vote]) -> u32 {
        let asked = u32::try_from(given.len()).unwrap_or(u32::MAX);
        if asked < self.min {
            return self.min - asked;
        }
        u32::from(asked < self.max && !self.is_settled(given))
    }

    /// Returns how many votes are on the other side of the line than most; 0 where it is even.
    pub fn disagreeing(self, given: &[Vote]) -> usize {
        let scores = given.iter().filter_map(Vote::score);
        let (reached, missed): (Vec<f64>, Vec<f64>) = scores.partition(|score| *score >= self.line);
        reached.len().min(missed.len())
    }

    /// Returns whether further votes can't or need not change on which side of the line the mean is.
    fn is_settled(self, given: &[Vote]) -> bool {
        let scores: Vec<f64> = given.iter().filter_map(Vote::score).collect();
        let missing = given.len() - scores.len();
        let most = usize::try_from(self.max).unwrap_or(usize::MAX);
        if missing * 2 >= most {
            // More than half of the votes can't be measured any more.
            return true;
        }
        if scores.len() < 2 || scores.len() * 2 <= given.len() {
            return false;
        }
        if self.disagreeing(given) == 0 {
            return true;
        }
        let sum: f64 = scores.iter().sum();
        let left = real(most - given.len());
        let measured = real(scores.len());
        // Whatever the votes left say, between 0 and 1, or whether they are measured at all.
        sum / (measured + left) >= self.line || (sum + left) / (measured + left) < self.line
    }
}

impl Default for Votes {
    fn default() -> Self {
        Self::exactly(1)
    }
}

impl fmt::Display for Votes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.max)
        } else {
            write!(f, "{}..{}", self.min, self.max)
        }
    }
}

/// A text or table that is no number of votes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is no number of votes; write 1 to 99, or a range whose beginning is at least 2: {{ min = 2, max = 5 }} in a file, 2..5 as an option"
)]
pub struct InvalidVotes(String);

impl FromStr for Votes {
    type Err = InvalidVotes;

    fn from_str(text: &str) -> Result<Self, InvalidVotes> {
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let votes = match text.split_once("..") {
            Some((min, max)) => {
                let ends = number(min).zip(number(max));
                ends.and_then(|(min, max)| Self::between(min, max))
            }
            None => number(text)
                .filter(|votes| (1..=Self::MOST).contains(votes))
                .map(Self::exactly),
        };
        votes.ok_or_else(|| InvalidVotes(format!("`{text}`")))
    }
}

/// Votes as they are written.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "votes are a number such as 3, or { min = 2, max = 5 }"
)]
enum Written {
    Number(u32),
    Range(Range),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    min: u32,
    max: u32,
}

impl<'de> Deserialize<'de> for Votes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (votes, shown) = match Written::deserialize(from)? {
            Written::Number(votes) => (
                (1..=Self::MOST)
                    .contains(&votes)
                    .then(|| Self::exactly(votes)),
                votes.to_string(),
            ),
            Written::Range(Range { min, max }) => (
                Self::between(min, max),
                format!("{{ min = {min}, max = {max} }}"),
            ),
        };
        votes.ok_or_else(|| D::Error::custom(InvalidVotes(shown)))
    }
}

fn real(count: usize) -> f64 {
    // There are few votes.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Unmeasured;

    #[derive(Deserialize)]
    struct Table {
        votes: Votes,
    }

    fn given(scores: &[f64]) -> Vec<Vote> {
        let vote = |score: &f64| {
            if score.is_nan() {
                return Vote::NotMeasured(Unmeasured::Refused);
            }
            Vote::Measured {
                score: *score,
                verdicts: Vec::new(),
                is_cached: false,
            }
        };
        scores.iter().map(vote).collect()
    }

    #[test]
    fn more_votes_are_wanted_only_while_they_leave_it_open() {
        let five = Votes::between(2, 5).unwrap();
        for (scores, wanted) in [
            (&[][..], 2),
            (&[0.9], 1),
            (&[0.9, 0.6], 0),
            (&[0.1, 0.4], 0),
            (&[0.9, 0.1], 1),
            // Three of five can still be had by either side.
            (&[1.0, 0.0, 1.0], 1),
            (&[1.0, 0.0, 1.0, 1.0], 0),
            (&[1.0, 0.0, 0.0, 0.0], 0),
            (&[1.0, 0.0, 1.0, 0.0], 1),
            (&[1.0, 0.0, 1.0, 0.0, 0.5], 0),
            // One vote of two is no majority of what was asked, and no two agree.
            (&[1.0, f64::NAN], 1),
            (&[1.0, f64::NAN, 1.0], 0),
            // Three of five can't be measured any more.
            (&[f64::NAN, f64::NAN], 1),
            (&[f64::NAN, f64::NAN, f64::NAN], 0),
        ] {
            assert_eq!(five.wanted(&given(scores)), wanted, "{scores:?}");
        }
        let three = Votes::exactly(3);
        assert_eq!(three.wanted(&given(&[1.0, 1.0])), 1);
        assert_eq!(three.wanted(&given(&[1.0, 1.0, 1.0])), 0);
        // The line is what is to be reached.
        let strict = five.at(0.95);
        assert_eq!(strict.wanted(&given(&[0.9, 0.96])), 1);
        assert_eq!(strict.disagreeing(&given(&[0.9, 0.96, f64::NAN])), 1);
    }

    proptest::proptest! {
        #[test]
        fn stopping_early_never_changes_on_which_side_the_mean_is_unless_all_agreed(
            scores in proptest::collection::vec(0.0..=1.0_f64, 9..=9), line in 0.05..=0.95_f64,
        ) {
            let votes = Votes::between(2, 9).unwrap().at(line);
            let all = given(&scores);
            let mut asked = 0;
            loop {
                let more = usize::try_from(votes.wanted(&all[..asked])).unwrap();
                if more == 0 {
                    break;
                }
                asked += more;
            }
            let mean = |scores: &[f64]| scores.iter().sum::<f64>() / real(scores.len());
            let stopped = mean(&scores[..asked]) >= line;
            let agreed = votes.disagreeing(&all[..asked]) == 0;
            proptest::prop_assert!(agreed || stopped == (mean(&scores) >= line), "{} {:?}", asked, scores);
        }
    }

    #[test]
    fn votes_are_read_from_texts_and_tables() {
        let shown = |text: &str| text.parse::<Votes>().map(|votes| votes.to_string());
        assert_eq!(shown("3").unwrap(), "3");
        assert_eq!(shown("2..5").unwrap(), "2..5");
        for wrong in ["0", "100", "1..3", "5..2", "2..100", "x", "2.."] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
        let read = |text: &str| toml::from_str::<Table>(text).map(|table| table.votes.to_string());
        assert_eq!(read("votes = 1").unwrap(), "1");
        assert_eq!(read("votes = { min = 3, max = 9 }").unwrap(), "3..9");
        for wrong in [
            "votes = 0",
            "votes = { min = 1, max = 9 }",
            "votes = { min = 2 }",
            "votes = '3'",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
