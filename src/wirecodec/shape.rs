//! Shapes of texts: what stands around their tokens.

use std::collections::HashSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{is_long, tokens};
use crate::model::{Body, ContentId};

/// The most tokens that a shape may have to be worth keeping.
const MAX_TOKENS: usize = 128;
/// The most bytes that a shape may have to be worth keeping.
const MAX_BYTES: usize = 8 * 1024;
/// The most bytes of a token that is kept with a shape.
const MAX_TOKEN: usize = 32;

/// A text cut into what stands around its tokens, and the tokens.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shape {
    /// What stands around the tokens: one piece more than there are tokens.
    pub(super) pieces: Vec<String>,
    /// The tokens of the latest text of this shape.
    pub(super) tokens: Vec<String>,
}

impl Shape {
    /// Cuts up a text.
    pub(super) fn of(text: &str) -> Self {
        let cut = tokens::cut(text);
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Self {
            pieces: owned(cut.shape),
            tokens: owned(cut.tokens),
        }
    }

    /// Returns the text.
    pub(super) fn to_text(&self) -> String {
        tokens::join(&self.pieces, &self.tokens)
    }

    /// Returns the hash over the pieces: texts of one shape have the same.
    pub fn id(&self) -> ContentId {
        ContentId::of_parts(self.pieces.iter().map(String::as_bytes))
    }

    /// Returns whether other texts may well have this shape, and it is small enough to be kept.
    fn is_worth_keeping(&self) -> bool {
        let bytes: usize = self.pieces.iter().map(String::len).sum();
        !self.tokens.is_empty() && self.tokens.len() <= MAX_TOKENS && bytes <= MAX_BYTES
    }

    /// Empties long tokens: they are content, and not the same next time.
    fn without_content(mut self) -> Self {
        for token in &mut self.tokens {
            if token.len() > MAX_TOKEN {
                "\"\"".clone_into(token);
            }
        }
        self
    }
}

/// Returns the shapes in a body that other bodies may share, each once, in order, without content.
///
/// Kept apart and given to [`encode`](super::encode), they need not be written with each body.
pub fn shapes(body: &Body) -> Vec<Shape> {
    let texts: Vec<Bytes> = match body {
        Body::Whole(bytes) => vec![bytes.clone()],
        Body::Events(events) if is_long(events) => Vec::new(),
        Body::Events(events) => events.iter().map(|event| event.bytes).collect(),
    };
    let mut known = HashSet::new();
    texts
        .iter()
        .filter_map(|bytes| std::str::from_utf8(bytes).ok())
        .map(Shape::of)
        .filter(|shape| shape.is_worth_keeping() && known.insert(shape.id()))
        .map(Shape::without_content)
        .collect()
}
