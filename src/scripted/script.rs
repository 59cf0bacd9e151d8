//! The rules file.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::conversation::Conversation;
use super::rule::Rule;

/// The rules of a scripted model, in order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(rename = "rule")]
    pub(super) rules: Vec<Rule>,
}

/// A rules file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file can't be read.
    #[error("failed to read the scripted model {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The content is not valid; the cause shows the line.
    #[error("the scripted model {path} is not valid")]
    Invalid {
        /// The file.
        path: Utf8PathBuf,
        /// Why, and where.
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// A rule that holds, with what its regular expressions captured.
pub(super) struct Chosen<'a> {
    pub(super) index: usize,
    pub(super) rule: &'a Rule,
    pub(super) captured: Vec<String>,
}

impl Script {
    /// Returns the rules in a file.
    ///
    /// # Errors
    /// The file can't be read or is not valid.
    pub fn load(path: &Utf8Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Returns the rules in `text`; `path` is for messages.
    ///
    /// # Errors
    /// The text is not valid.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Self, ScriptError> {
        toml::from_str(text).map_err(|source| ScriptError::Invalid {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Returns the first rule that holds and that `admit` lets through.
    pub(super) fn choose(
        &self,
        talk: &Conversation,
        admit: impl Fn(usize, &Rule) -> bool,
    ) -> Option<Chosen<'_>> {
        self.rules
            .iter()
            .enumerate()
            .filter(|(index, rule)| admit(*index, rule))
            .find_map(|(index, rule)| {
                let captured = rule.when.holds(talk).ok()?;
                Some(Chosen {
                    index,
                    rule,
                    captured,
                })
            })
    }

    /// Returns, for a conversation that no rule answers, what stopped the rules that came nearest.
    pub(super) fn explain(&self, talk: &Conversation) -> String {
        let mut reasons: Vec<(usize, String)> = self
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| {
                let name = rule
                    .name
                    .clone()
                    .unwrap_or_else(|| format!("rule {}", index + 1));
                match rule.when.holds(talk) {
                    Ok(_captured) => (0, format!("{name}: used up (`times`)")),
                    Err(failed) if failed.len() == 1 => {
                        (1, format!("{name}: `{}` does not hold", failed.join("")))
                    }
                    Err(failed) => {
                        let list = failed.join("`, `");
                        (failed.len(), format!("{name}: `{list}` do not hold"))
                    }
                }
            })
            .collect();
        // Stable, so that equally near rules stay in the order of the file.
        reasons.sort_by_key(|(failed, _reason)| *failed);
        let left_off = reasons.len().saturating_sub(NEAREST);
        let mut nearest: Vec<String> = reasons
            .into_iter()
            .take(NEAREST)
            .map(|(_failed, reason)| reason)
            .collect();
        if left_off > 0 {
            nearest.push(format!("{left_off} more rules are further off"));
        }
        format!(
            "no rule of the scripted model answers this conversation (turn {}, last user message \
             {:?}, last tool result {:?}); nearest: {}",
            talk.turns,
            shorten(&talk.last_user),
            shorten(&talk.last_result),
            nearest.join("; ")
        )
    }
}

/// How many rules are named when none answers.
const NEAREST: usize = 5;

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
