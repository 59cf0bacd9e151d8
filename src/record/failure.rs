//! Says which answers clients try again after.

use super::slots::Failure;
use crate::model::{ApiError, Call, Response};

/// How an answer ended on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// The status that the agent got.
    pub(super) status: u16,
    /// Whether the body is whole.
    pub(super) is_whole: bool,
    /// Whether the agent left before the end.
    pub(super) client_gone: bool,
    /// What went wrong between Rewind and the provider.
    pub(super) error: Option<String>,
}

impl End {
    /// Returns how the answer of a recorded call ended.
    pub(super) fn of(call: &Call) -> Self {
        Self {
            status: call.exchange.status,
            is_whole: !call.exchange.truncated,
            client_gone: false,
            error: None,
        }
    }

    /// Returns why the answer is one that clients try again after; `None` for one that counts.
    pub(super) fn failure(self, response: &Response) -> Option<Failure> {
        // The status is Rewind's own where nothing came from the provider.
        let from_provider = |status| (!self.is_whole && status != CLIENT_CLOSED).then_some(status);
        if let Some(error) = self.error {
            let status = from_provider(self.status);
            return Some(Failure { status, error });
        }
        if !self.is_whole {
            let error = if self.client_gone { GAVE_UP } else { BROKE_OFF };
            return Some(Failure {
                status: from_provider(self.status),
                error: error.to_owned(),
            });
        }
        // An overloaded provider may say so within a stream that began well.
        let late_error = response
            .error
            .as_ref()
            .filter(|_error| self.status < 300)
            .map(|error| error.message.clone());
        let is_retried = matches!(self.status, 408 | 409 | 429) || self.status >= 500;
        (is_retried || late_error.is_some()).then(|| Failure {
            status: Some(self.status),
            error: late_error.unwrap_or_default(),
        })
    }
}

/// Returns the response that stands for an answer that never came or can't be read.
pub(super) fn failed_response(message: &str) -> Response {
    Response {
        error: Some(ApiError {
            kind: String::new(),
            message: message.to_owned(),
        }),
        ..Response::default()
    }
}

/// The status noted for a request whose client left before any answer.
pub(super) const CLIENT_CLOSED: u16 = 499;

/// What is noted when a body ended before its end.
pub(super) const BROKE_OFF: &str = "the answer broke off";

/// What is noted when the client left.
pub(super) const GAVE_UP: &str = "the agent closed the connection";

#[cfg(test)]
mod tests {
    use super::*;

    fn end(status: u16, is_whole: bool) -> End {
        End {
            status,
            is_whole,
            client_gone: false,
            error: None,
        }
    }

    #[test]
    fn clients_try_again_after_these() {
        let fine = Response::default();
        for status in [408, 409, 429, 500, 503, 529] {
            assert!(end(status, true).failure(&fine).is_some(), "{status}");
        }
        for status in [200, 400, 401, 404, 422] {
            assert_eq!(end(status, true).failure(&fine), None, "{status}");
        }
        assert!(end(200, false).failure(&fine).is_some());
        let overloaded = end(200, true).failure(&failed_response("overloaded"));
        assert_eq!(overloaded.unwrap().error, "overloaded");
        assert_eq!(end(400, true).failure(&failed_response("bad")), None);
    }

    #[test]
    fn an_answer_of_rewind_itself_has_no_status() {
        let fine = Response::default();
        let with_error = |end: End| End {
            error: Some("reset".into()),
            ..end
        };
        let refused = with_error(end(502, true)).failure(&fine).unwrap();
        assert_eq!(refused.status, None);
        let broken = with_error(end(200, false)).failure(&fine).unwrap();
        assert_eq!(broken.status, Some(200));
    }
}
