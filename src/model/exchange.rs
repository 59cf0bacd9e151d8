//! The volatile side of a call: what went over the wire, as it has to be served again.

use bytes::Bytes;

use super::{ContentId, Events};

/// A response body after transfer and content decoding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A body that came as one.
    Whole(Bytes),
    /// Server-sent events, one entry an event.
    Events(Events),
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Body {
    /// Returns the bytes of the whole body.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes.clone(),
            Self::Events(events) => {
                let mut bytes = Vec::with_capacity(events.byte_len());
                for event in events.iter() {
                    bytes.extend_from_slice(&event.bytes);
                }
                bytes.into()
            }
        }
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Events(events) => events.byte_len(),
        }
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What went over the wire for one call, redacted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exchange {
    /// The request's method.
    pub method: String,
    /// The request's path and query behind the base URL's token, such as `/v1/chat/completions`.
    pub path: String,
    /// The hash over the canonical request with its ids; `None` for imports.
    pub fingerprint: Option<ContentId>,
    /// The response status.
    pub status: u16,
    /// Response headers worth serving again, lower-case names, in order.
    pub headers: Vec<(String, String)>,
    /// The response body; `None` where there are no wire bytes (imports), so it is rendered.
    pub body: Option<Body>,
    /// Whether the body broke off (client abort, provider disconnect).
    pub truncated: bool,
}
