//! `rewind.toml`: read strictly, so that a typo is an error with its line and not a silent default.
//!
//! [`Config::find`] looks for the file upwards, [`Config::load`] reads one. The sections are plain
//! data; commands turn them into the options of the stages.

mod agent;
mod failure;
mod interpolate;
mod judge;
mod section;
mod value;

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize as _;
use toml::de::{DeTable, ValueDeserializer};

pub use agent::{Agent, AgentName, Answer, Isolate, Request, UnknownAgent, Words};
pub use failure::ConfigError;
pub use judge::{ExecEvaluator, Judge, PanelMember, Rubric, RubricStatement};
pub use section::{
    Capture, Clock, Config, Exhausted, Gate, McpEntry, Mode, Normalise, OnDivergence, PriceRow,
    Redact, RedactPattern, Replay, Report, Require, Timing, ToolEntry, ToolResult, TreatmentPart,
    UpstreamEntry, Upstreams,
};
pub use value::{Glob, Pattern, Period, Personal};

/// The name of the configuration file.
pub const FILE_NAME: &str = "rewind.toml";

impl Config {
    /// Returns the configuration of the nearest `rewind.toml` in `from` or above it; the defaults
    /// where there is none. `variable` gives the values of `${NAME}`.
    ///
    /// # Errors
    /// The file can't be read, or is not valid.
    pub fn find(
        from: &Utf8Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        match from
            .ancestors()
            .map(|dir| dir.join(FILE_NAME))
            .find(|path| path.is_file())
        {
            Some(path) => Self::load(&path, variable),
            None => Ok(Self {
                root: from.to_owned(),
                ..Self::default()
            }),
        }
    }

    /// Returns the configuration in the file `path`.
    ///
    /// # Errors
    /// The file can't be read, or is not valid.
    pub fn load(
        path: &Utf8Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config = Self::read(path, &text, variable)?;
        config.root = path.parent().map(Utf8Path::to_owned).unwrap_or_default();
        config.path = Some(path.to_owned());
        Ok(config)
    }

    /// Returns the configuration in `text`; `path` is for messages.
    ///
    /// # Errors
    /// The text is not a valid configuration.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Self, ConfigError> {
        Self::read(path, text, &|_name| None)
    }

    /// Returns the configuration in `text`; `path` is for messages, `variable` gives the values of `${NAME}`.
    ///
    /// # Errors
    /// The text is not a valid configuration.
    pub fn read(
        path: &Utf8Path,
        text: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let invalid = |error: &toml::de::Error| ConfigError::invalid(path, text, error);
        let mut table = DeTable::parse(text).map_err(|error| invalid(&error))?;
        interpolate::fill(table.get_mut(), variable)
            .map_err(|wrong| ConfigError::at(path, text, wrong.message, wrong.span))?;
        let document = ValueDeserializer::from(interpolate::document(table));
        Self::deserialize(document).map_err(|error| invalid(&error))
    }

    /// Returns `path` as seen from the configuration's directory.
    pub fn resolve(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.root.join(path)
    }

    /// Returns the directory of what judges read: prompts, rules, records, programs.
    pub fn judges(&self) -> &Utf8Path {
        self.judges.as_deref().unwrap_or(&self.root)
    }
}

#[cfg(test)]
mod tests;
