//! A file of lines, read whole.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::error::Wrong;
use super::super::write::file_name;
use super::super::{BLOBS, FormatError, blobs};
use crate::model::ContentId;

/// A file of lines.
pub(super) struct File {
    pub(super) path: Utf8PathBuf,
    dir: Utf8PathBuf,
    text: String,
}

impl File {
    pub(super) fn open(dir: &Utf8Path, name: &str) -> Result<Self, FormatError> {
        let mut file = Self::named(dir, name);
        file.text = fs::read_to_string(&file.path).map_err(FormatError::read(&file.path))?;
        Ok(file)
    }

    pub(super) fn named(dir: &Utf8Path, name: &str) -> Self {
        Self {
            path: dir.join(name),
            dir: dir.to_owned(),
            text: String::new(),
        }
    }

    /// Returns the lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        number: usize,
        line: &str,
    ) -> Result<T, FormatError> {
        let wrong = |error: serde_json::Error| {
            let error = error.to_string();
            // The line within the line is no news.
            let error = error.replace(" at line 1 column", ", at column");
            self.wrong(
                number,
                Wrong(format!("expected a JSON object on one line: {error}")),
            )
        };
        let value: Value = serde_json::from_str(line).map_err(wrong)?;
        let value = blobs::put_back(value, &mut |id| self.blob(id))
            .map_err(|error| self.wrong(number, error))?;
        serde_json::from_value(value).map_err(|error| self.wrong(number, Wrong(error.to_string())))
    }

    fn blob(&self, id: ContentId) -> Result<Vec<u8>, Wrong> {
        let name = format!("{BLOBS}/{}", file_name(id));
        let bytes = fs::read(self.dir.join(&name))
            .map_err(|error| Wrong(format!("cannot read {name}: {error}")))?;
        if ContentId::of(&bytes) == id {
            Ok(bytes)
        } else {
            Err(Wrong(format!(
                "the content of {name} does not fit its hash"
            )))
        }
    }

    pub(super) fn wrong(&self, line: usize, wrong: Wrong) -> FormatError {
        wrong.at(&self.path, line)
    }
}
