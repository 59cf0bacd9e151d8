//! Reads the body of a request, with a limit.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

/// Why a request's body was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    /// It is larger than allowed.
    #[error("the request body is larger than {limit} bytes, the most that is passed on")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection broke, or the framing is wrong.
    #[error("the request body broke off: {0}")]
    Broken(#[from] hyper::Error),
}

/// Returns the whole body; a body that came in one piece is not copied.
pub(super) async fn receive(mut body: Incoming, limit: usize) -> Result<Bytes, ReceiveError> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(ReceiveError::TooLarge { limit });
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        let length = first.len() + joined.len() + piece.len();
        if length > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        if joined.is_empty() && first.is_empty() {
            first = piece;
        } else {
            if joined.is_empty() {
                let expected = usize::try_from(announced).unwrap_or(0).min(RESERVED);
                joined.reserve(expected.max(length));
                joined.extend_from_slice(&std::mem::take(&mut first));
            }
            joined.extend_from_slice(&piece);
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.freeze()
    })
}

/// Reads a body to its end without keeping it, so that the client gets to read the answer.
pub(super) async fn discard(mut body: Incoming, limit: usize) {
    let mut left = limit;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// At most this many bytes are reserved because a head announces them.
const RESERVED: usize = 16 << 20;
