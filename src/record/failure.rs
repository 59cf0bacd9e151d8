//! Says which answers clients try again after.

use super::slots::Failure;
use crate::model::{ApiError, Response};

/// Returns why an answer is one that clients try again after; `None` for one that counts.
pub(super) fn failure(
    status: u16,
    is_whole: bool,
    client_gone: bool,
    error: Option<String>,
) -> Option<Failure> {
    if let Some(error) = error {
        // The status is Rewind's own where nothing came from the provider.
        let status = (!is_whole).then_some(status);
        return Some(Failure { status, error });
    }
    if !is_whole {
        let error = if client_gone {
            GAVE_UP
        } else {
            "the answer broke off"
        };
        return Some(Failure {
            status: (status != CLIENT_CLOSED).then_some(status),
            error: error.to_owned(),
        });
    }
    let is_retried = matches!(status, 408 | 409 | 429) || status >= 500;
    is_retried.then(|| Failure {
        status: Some(status),
        error: String::new(),
    })
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

/// What is noted when the client left.
pub(super) const GAVE_UP: &str = "the agent closed the connection";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_try_again_after_these() {
        for status in [408, 409, 429, 500, 503, 529] {
            assert!(failure(status, true, false, None).is_some(), "{status}");
        }
        for status in [200, 400, 401, 404, 422] {
            assert_eq!(failure(status, true, false, None), None, "{status}");
        }
        assert!(failure(200, false, true, None).is_some());
    }

    #[test]
    fn an_answer_of_rewind_itself_has_no_status() {
        let refused = failure(502, true, false, Some("refused".into())).unwrap();
        assert_eq!(refused.status, None);
        let broken = failure(200, false, false, Some("reset".into())).unwrap();
        assert_eq!(broken.status, Some(200));
    }
}
