//! From a trace to a session in the store, without secrets and personal data.

use std::sync::Arc;

use super::ImportOptions;
use crate::command::session::redacted;
use crate::command::setup::redact_rules;
use crate::command::{CommandError, Context, load_config, store_dir};
use crate::config::Config;
use crate::interop::{self, ImportReport, Trace};
use crate::redact::{RedactRules, Redactor};
use crate::store::Store;

/// What became of the traces that were asked for.
#[derive(Debug, Default, serde::Serialize)]
pub(super) struct Kept {
    /// The sessions that they became.
    pub(super) imported: Vec<ImportReport>,
    /// Those that lost something, where that is not wanted; nothing is stored of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) refused: Vec<ImportReport>,
    /// Those of which nothing could be made, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) failed: Vec<Failed>,
}

/// A trace of which nothing could be made.
#[derive(Debug, serde::Serialize)]
pub(super) struct Failed {
    pub(super) trace: String,
    pub(super) why: String,
}

/// Takes traces, one after the other.
pub(super) struct Keeper<'o> {
    options: &'o ImportOptions,
    store: Store,
    redactor: Arc<Redactor>,
    pub(super) kept: Kept,
}

impl<'o> Keeper<'o> {
    /// Opens the store.
    ///
    /// # Errors
    /// A configuration or a store that can't be used.
    pub(super) fn open(
        options: &'o ImportOptions,
        context: &Context,
    ) -> Result<Self, CommandError> {
        let config = load_config(options.config.as_deref(), context)?;
        let dir = store_dir(options.store.as_deref(), context);
        let store = Store::open(&dir).map_err(CommandError::usage)?;
        let redactor = Redactor::new(&rules(&config)).map_err(CommandError::usage)?;
        Ok(Self {
            options,
            store,
            redactor: Arc::new(redactor),
            kept: Kept::default(),
        })
    }

    /// Makes a session of a trace and stores it.
    ///
    /// # Errors
    /// The store can't be written. A trace that can't be used is noted.
    pub(super) fn take(&mut self, trace: Trace) -> Result<(), CommandError> {
        let id = trace.id.clone();
        let made = interop::session(trace);
        let (mut session, mut report) = match made {
            Ok(made) => made,
            Err(error) => {
                self.fail(id, crate::text::with_causes(&error));
                return Ok(());
            }
        };
        if let Some(name) = &self.options.name {
            session.name.clone_from(name);
        }
        // Pseudonyms are drawn anew for each session.
        let session = redacted(&self.redactor.of_session(), session)?;
        report.name.clone_from(&session.name);
        if self.options.strict && report.has_loss() {
            self.kept.refused.push(report);
            return Ok(());
        }
        self.store.insert(&session).map_err(CommandError::usage)?;
        self.kept.imported.push(report);
        Ok(())
    }

    /// Notes that nothing could be made of a trace.
    pub(super) fn fail(&mut self, trace: String, why: String) {
        self.kept.failed.push(Failed { trace, why });
    }
}

/// Returns what is taken out of imported sessions: personal data, too, unless the configuration says no.
fn rules(config: &Config) -> RedactRules {
    RedactRules {
        personal: config.redact.personal.kinds_of_imports(),
        ..redact_rules(config)
    }
}
