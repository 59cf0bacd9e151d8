//! Colour, where it is wanted; it never carries a meaning of its own.

use owo_colors::OwoColorize as _;

use crate::gate::Shown;

/// Whether texts are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As they are.
    #[default]
    Plain,
    /// With ANSI colours.
    Colour,
}

impl Style {
    /// Returns a verdict's word in its colour.
    pub(super) fn shown(self, text: &str, shown: Shown) -> String {
        match (self, shown) {
            (Self::Plain, _) => text.to_owned(),
            (Self::Colour, Shown::Pass) => text.green().bold().to_string(),
            (Self::Colour, Shown::Look) => text.yellow().bold().to_string(),
            (Self::Colour, Shown::NotMeasured) => text.magenta().bold().to_string(),
            (Self::Colour, Shown::Fail) => text.red().bold().to_string(),
        }
    }

    /// Returns something less important.
    pub(super) fn dim(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => text.dimmed().to_string(),
        }
    }

    /// Returns something important.
    pub(super) fn bold(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => text.bold().to_string(),
        }
    }

    /// Returns something that is wrong or gone.
    pub(super) fn bad(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => text.red().to_string(),
        }
    }

    /// Returns something that is right or new.
    pub(super) fn good(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => text.green().to_string(),
        }
    }
}
