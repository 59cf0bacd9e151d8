//! What is asked of a server beside its tools (handshakes, lists): kept as traffic without a number.
//!
//! Like `GET /v1/models` of a provider it is no step, plays no part in forks or checks, and is served
//! with the last recorded answer, however often it is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Recorder;
use crate::model::{
    Ancillary, Body, Exchange, Timeline, ToolOutcome, canonical_id, canonical_json,
};
use crate::tools::{Ticket, ToolAction, ToolCall, Tools};

/// Answers calls that are no steps, and leaves the others to another implementation.
pub struct AncillaryTools {
    inner: Arc<dyn Tools>,
    recorder: Arc<Recorder>,
    recorded: Option<Arc<Timeline>>,
    may_run: bool,
    open: Mutex<HashMap<Ticket, Option<ToolCall>>>,
}

impl AncillaryTools {
    /// Returns the tools of a recording: every call runs and is kept.
    pub fn recording(inner: Arc<dyn Tools>, recorder: Arc<Recorder>) -> Self {
        Self {
            inner,
            recorder,
            recorded: None,
            may_run: true,
            open: Mutex::default(),
        }
    }

    /// Returns the tools of a replay: recorded calls are served; others run where they may.
    pub fn replaying(
        inner: Arc<dyn Tools>,
        recorder: Arc<Recorder>,
        timeline: Arc<Timeline>,
        may_run: bool,
    ) -> Self {
        Self {
            recorded: Some(timeline),
            may_run,
            ..Self::recording(inner, recorder)
        }
    }

    fn decide(&self, call: ToolCall) -> ToolAction {
        let call = self.recorder.clean_tool(call);
        if let Some(outcome) = self.recorded(&call) {
            // What a replay leaves can be replayed in its turn.
            self.keep(call, &outcome);
            return ToolAction::Serve(outcome);
        }
        if !self.may_run {
            return ToolAction::Refuse(format!(
                "`{}` was not recorded with these arguments, and nothing runs in this replay: {}",
                call.name,
                canonical_json(&call.arguments)
            ));
        }
        let mut open = self.lock();
        let number = u64::try_from(open.len()).unwrap_or(u64::MAX);
        let ticket = Ticket(FIRST.saturating_add(number));
        open.insert(ticket, Some(call));
        ToolAction::Run(ticket)
    }

    /// Returns what came of the last such call that was recorded.
    fn recorded(&self, call: &ToolCall) -> Option<ToolOutcome> {
        let body = canonical_id(&call.arguments);
        let recorded = self.recorded.as_ref()?;
        let one = recorded.ancillary.iter().rev().find(|one| {
            let exchange = &one.exchange;
            exchange.method == METHOD && exchange.path == call.name && one.body == Some(body)
        })?;
        let bytes = one.exchange.body.as_ref()?.to_bytes();
        serde_json::from_slice(&bytes).ok()
    }

    fn keep(&self, call: ToolCall, outcome: &ToolOutcome) {
        self.recorder.keep_ancillary(Ancillary {
            provider: call.server.unwrap_or_default(),
            body: Some(canonical_id(&call.arguments)),
            exchange: Exchange {
                method: METHOD.to_owned(),
                path: call.name,
                fingerprint: None,
                status: 200,
                headers: Vec::new(),
                body: Some(Body::Whole(Bytes::from(canonical_json(outcome)))),
                truncated: false,
            },
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, Option<ToolCall>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tools for AncillaryTools {
    fn ask(&self, call: ToolCall) -> BoxFuture<'_, ToolAction> {
        if call.ancillary {
            std::future::ready(self.decide(call)).boxed()
        } else {
            self.inner.ask(call)
        }
    }

    fn done(&self, ticket: Ticket, outcome: ToolOutcome) {
        if ticket.0 < FIRST {
            self.inner.done(ticket, outcome);
            return;
        }
        // The number stays taken: a second outcome finds no call.
        let call = self.lock().get_mut(&ticket).and_then(Option::take);
        if let Some(call) = call {
            self.keep(call, &self.recorder.clean_outcome(outcome));
        }
    }
}

/// Stands for the method of an exchange that is no HTTP.
const METHOD: &str = "MCP";

/// The first of these tickets; the calls of a run that are steps never are so many.
const FIRST: u64 = 1 << 62;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::NoSink;
    use super::*;
    use crate::model::{Boundary, Outcome};
    use crate::redact::{RedactRules, Redactor};
    use crate::tools::NoTools;
    use crate::wire::Parser;

    fn recorder() -> Arc<Recorder> {
        let redactor = Arc::new(Redactor::new(&RedactRules::default()).unwrap());
        let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
        Arc::new(Recorder::new(parser, redactor, Arc::new(NoSink)))
    }

    fn list(arguments: Value) -> ToolCall {
        ToolCall {
            name: "shop#tools/list".into(),
            arguments,
            boundary: Boundary::Mcp,
            effect: None,
            call_id: None,
            server: Some("shop".into()),
            ancillary: true,
        }
    }

    fn outcome(result: &str) -> ToolOutcome {
        ToolOutcome {
            result: json!(result),
            is_error: false,
        }
    }

    async fn run(tools: &AncillaryTools, arguments: Value, result: &str) {
        let ToolAction::Run(ticket) = tools.ask(list(arguments)).await else {
            panic!("it does not run");
        };
        tools.done(ticket, outcome(result));
        tools.done(ticket, outcome("told twice"));
    }

    fn timeline(recorder: &Recorder) -> Arc<Timeline> {
        Arc::new(Timeline {
            label: "main".into(),
            forked_from: None,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            is_complete: true,
            steps: Vec::new(),
            ancillary: recorder.finish().ancillary,
            outcome: Outcome::default(),
            replay: None,
        })
    }

    #[tokio::test]
    async fn the_last_answer_is_served_however_often_it_is_asked() {
        let recorder = recorder();
        let tools = AncillaryTools::recording(Arc::new(NoTools), Arc::clone(&recorder));
        for (arguments, result) in [
            (json!({}), "old"),
            (json!({"cursor": "2"}), "second page"),
            (json!({}), "new"),
        ] {
            run(&tools, arguments, result).await;
        }
        assert!(recorder.finish().tools.is_empty(), "a list became a step");
        let parent = timeline(&recorder);

        let again = self::recorder();
        let inner: Arc<dyn Tools> = Arc::new(NoTools);
        let tools = AncillaryTools::replaying(inner, Arc::clone(&again), parent, false);
        for _time in 0..3 {
            let served = tools.ask(list(json!({}))).await;
            assert_eq!(served, ToolAction::Serve(outcome("new")));
        }
        let unknown = tools.ask(list(json!({"cursor": "3"}))).await;
        assert!(matches!(unknown, ToolAction::Refuse(text) if text.contains("\"cursor\":\"3\"")));
        // What a replay leaves can be replayed in its turn.
        assert_eq!(timeline(&again).ancillary.len(), 1);
    }
}
