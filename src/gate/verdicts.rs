//! Keeps verdicts of judges for the next run beside the live answers: an answer that is the same again is not
//! judged again.

use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::daily::{self, Daily};
use crate::baseline::KnownVerdict;
use crate::model::ContentId;

/// A folder of verdicts, each at most a day old.
#[derive(Debug)]
pub struct Verdicts {
    dir: Utf8PathBuf,
}

/// A verdict, as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    format: String,
    kept_at: Timestamp,
    verdict: KnownVerdict,
}

impl Daily for Given {
    const FORMAT: &'static str = "1";
    const PREFIX: &'static str = "verdict-";

    fn format(&self) -> &str {
        &self.format
    }

    fn kept_at(&self) -> Timestamp {
        self.kept_at
    }
}

impl Verdicts {
    /// Returns the verdicts in `dir`; those that are too old are removed.
    pub fn open(dir: Utf8PathBuf) -> Self {
        daily::tidy::<Given>(&dir);
        Self { dir }
    }

    /// Returns the verdict on what has this hash.
    pub fn find(&self, key: ContentId) -> Option<KnownVerdict> {
        daily::find::<Given>(&self.path(key)).map(|given| given.verdict)
    }

    /// Keeps a verdict, which has to be redacted.
    pub fn keep(&self, key: ContentId, verdict: KnownVerdict) {
        let given = Given {
            format: Given::FORMAT.to_owned(),
            kept_at: Timestamp::now(),
            verdict,
        };
        daily::keep(&self.dir, &self.path(key), &given);
    }

    fn path(&self, key: ContentId) -> Utf8PathBuf {
        let name = key.to_string().replace(':', "-");
        self.dir.join(format!("{}{name}.json", Given::PREFIX))
    }
}
