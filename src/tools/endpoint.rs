//! The local protocol of the shims, on the run's own port: version 1.
//!
//! ```text
//! POST $REWIND_TOOLS/tools/call    {"name", "arguments", "effect"?, "call_id"?, "server"?, "boundary"?}
//!   200 {"action":"run","ticket":"7"} | {"action":"serve","result":…,"is_error":false}
//!     | {"action":"refuse","message":"…"}
//! POST $REWIND_TOOLS/tools/result  {"ticket":"7","result":…,"is_error":false}
//!   204
//! ```
//!
//! Described for people in docs/tools.md. The token stands in the path, as in the model base URL.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ToolAction, ToolCall, Tools};
use crate::model::ToolOutcome;
use crate::proxy::{Answer, AnswerBody, Incoming, Responder, refusal};

/// Where the protocol is spoken, behind the run's base URL; the last part is its version.
pub const TOOLS_PATH: &str = "/rewind/v1";

/// Answers the shims, and leaves everything else to another responder.
pub struct ToolEndpoint {
    tools: Arc<dyn Tools>,
    inner: Arc<dyn Responder>,
}

impl ToolEndpoint {
    /// Returns a responder that asks `tools` about tools and `inner` about the rest.
    pub fn new(tools: Arc<dyn Tools>, inner: Arc<dyn Responder>) -> Self {
        Self { tools, inner }
    }

    async fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        let path = path.split('?').next().unwrap_or_default();
        let Some(rest) = path.strip_prefix(TOOLS_PATH) else {
            return refused(
                StatusCode::NOT_FOUND,
                &format!(
                    "this Rewind speaks version 1 of the tool protocol ({TOOLS_PATH}), not `{path}`; \
                     let the agent's `rewind` package and Rewind be of one release"
                ),
            );
        };
        if *method != Method::POST {
            return refused(
                StatusCode::METHOD_NOT_ALLOWED,
                &format!("`{path}` is asked with POST"),
            );
        }
        match rest {
            "/tools/call" => self.call(body).await,
            "/tools/result" => self.result(body),
            _ => refused(
                StatusCode::NOT_FOUND,
                &format!("`{path}` is none of /tools/call and /tools/result"),
            ),
        }
    }

    async fn call(&self, body: &[u8]) -> Answer {
        let call: ToolCall = match serde_json::from_slice(body) {
            Ok(call) => call,
            Err(error) => return malformed("a tool call", &error),
        };
        let action = match self.tools.ask(call).await {
            ToolAction::Run(ticket) => json!({"action": "run", "ticket": ticket.to_string()}),
            ToolAction::Serve(outcome) => json!({
                "action": "serve", "result": outcome.result, "is_error": outcome.is_error,
            }),
            ToolAction::Refuse(message) => json!({"action": "refuse", "message": message}),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Bytes::from(action.to_string());
        Answer::new(StatusCode::OK, headers, AnswerBody::Full(body))
    }

    fn result(&self, body: &[u8]) -> Answer {
        let told: Told = match serde_json::from_slice(body) {
            Ok(told) => told,
            Err(error) => return malformed("the result of a tool", &error),
        };
        let Ok(ticket) = told.ticket.parse() else {
            let message = format!("`{}` is no ticket of this run", told.ticket);
            return refused(StatusCode::BAD_REQUEST, &message);
        };
        self.tools.done(
            ticket,
            ToolOutcome {
                result: told.result,
                is_error: told.is_error,
            },
        );
        let nothing = AnswerBody::Full(Bytes::new());
        Answer::new(StatusCode::NO_CONTENT, HeaderMap::new(), nothing)
    }
}

/// What a shim says of a tool that ran.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    ticket: String,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    is_error: bool,
}

impl Responder for ToolEndpoint {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        if !incoming.path.starts_with("/rewind/") {
            return Arc::clone(&self.inner).respond(incoming);
        }
        async move {
            self.answer(&incoming.method, &incoming.path, &incoming.body)
                .await
        }
        .boxed()
    }
}

fn malformed(what: &str, error: &serde_json::Error) -> Answer {
    let message = format!("this is not {what} of the tool protocol (see docs/tools.md): {error}");
    refused(StatusCode::BAD_REQUEST, &message)
}

fn refused(status: StatusCode, message: &str) -> Answer {
    refusal(status, "rewind_tools", message)
}
