//! The run, asked from inside its own process by the talk of an older transport.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::super::seam::{Action, Asks, Outcome, Question, SeamError};
use crate::model::ToolOutcome;
use crate::tools::{Ticket, ToolAction, ToolCall, Tools};

/// Asks the tools of this process.
pub(super) struct Inside(pub(super) Arc<dyn Tools>);

/// Returns the call that a question is about.
pub(super) fn call(question: Question) -> ToolCall {
    ToolCall {
        name: question.name,
        arguments: question.arguments,
        boundary: question.boundary,
        effect: question.effect,
        call_id: None,
        server: Some(question.server),
        ancillary: question.ancillary,
    }
}

impl Asks for Inside {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Action, SeamError>> {
        async move {
            let mut question = question.clone();
            // A client that falls back has said the same by the newer transport, and was turned away.
            if let (true, Value::Object(told)) = (
                question.name.ends_with("#initialize"),
                &mut question.arguments,
            ) {
                told.insert("transport".to_owned(), "sse".into());
            }
            Ok(match self.0.ask(call(question)).await {
                ToolAction::Run(ticket) => Action::Run {
                    ticket: ticket.to_string(),
                },
                ToolAction::Serve(ToolOutcome { result, is_error }) => {
                    Action::Serve(Outcome { result, is_error })
                }
                ToolAction::Refuse(message) => Action::Refuse { message },
            })
        }
        .boxed()
    }

    fn done<'a>(
        &'a self,
        ticket: &'a str,
        outcome: &'a Outcome,
    ) -> BoxFuture<'a, Result<(), SeamError>> {
        // A ticket is what `ask` made of a number.
        if let Ok(number) = ticket.parse() {
            let Outcome { result, is_error } = outcome.clone();
            self.0
                .done(Ticket(number), ToolOutcome { result, is_error });
        }
        std::future::ready(Ok(())).boxed()
    }
}
