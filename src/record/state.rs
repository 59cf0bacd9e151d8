//! What a recorder remembers of its timeline.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::requests::Requests;
use super::sink::SinkError;
use super::slots::{Identity, Sender, Slots};
use super::tools::ToolLog;
use crate::model::{Ancillary, Request};
use crate::wire::ParsedRequest;

/// The memory of a recorder, behind its lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) slots: Slots,
    pub(super) requests: Requests,
    pub(super) ancillary: Vec<Ancillary>,
    pub(super) tools: ToolLog,
    pub(super) faults: Vec<String>,
    /// Providers to which the agent sent a credential of its own.
    pub(super) own_keys: BTreeSet<String>,
    /// What else whoever recorded should know.
    pub(super) noticed: Vec<String>,
    /// How often the sink refused.
    pub(super) unkept: u32,
}

impl State {
    /// Notes what the sink said.
    pub(super) fn note(&mut self, kept: Result<(), SinkError>) {
        let Err(error) = kept else {
            return;
        };
        self.unkept = self.unkept.saturating_add(1);
        if self.unkept == 1 {
            self.add_fault(format!(
                "a call could not be stored while the agent ran: {error}"
            ));
        }
    }

    /// Adds a fault, once.
    pub(super) fn add_fault(&mut self, fault: String) {
        tracing::debug!("{fault}");
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// Returns what two tries of this request have in common.
pub(super) fn identity(provider: &str, request: &Request, parsed: &ParsedRequest) -> Identity {
    Identity {
        fingerprint: parsed.fingerprint,
        history: request.thread.id(),
        treatment: Arc::clone(&request.treatment),
        sender: Sender {
            provider: provider.to_owned(),
            dialect: request.dialect,
            agent: request.agent.clone(),
        },
    }
}
