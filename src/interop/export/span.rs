//! A span to be sent.

use crate::model::ContentId;

/// On which side of a boundary a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Inside the agent.
    Internal,
    /// A call of somebody else.
    Client,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A truth value.
    Truth(bool),
    /// A list of texts.
    Texts(Vec<String>),
}

/// A span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The id of its trace.
    pub trace: [u8; 16],
    /// Its id.
    pub id: [u8; 8],
    /// The span around it; `None` for the root.
    pub parent: Option<[u8; 8]>,
    /// What it is called.
    pub name: String,
    /// On which side of a boundary it is.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since 1970.
    pub began_ns: u64,
    /// When it ended, in nanoseconds since 1970.
    pub ended_ns: u64,
    /// What is said of it, in order; names are unique.
    pub attributes: Vec<(String, Attribute)>,
    /// Why it failed; `None` where it did not.
    pub error: Option<String>,
}

impl Span {
    /// Adds an attribute.
    pub(super) fn set(&mut self, name: &str, value: Attribute) {
        self.attributes.push((name.to_owned(), value));
    }

    /// Adds a text, unless it is empty.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.set(name, Attribute::Text(value.to_owned()));
        }
    }

    /// Adds a count.
    pub(super) fn count(&mut self, name: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.set(name, Attribute::Integer(value));
    }
}

/// Returns the id that these words make, always the same; never zero, which means none.
pub(super) fn make_id<const N: usize>(words: &[&str]) -> [u8; N] {
    let hash = ContentId::of_parts(words.iter().map(|word| word.as_bytes()));
    let mut id = [0_u8; N];
    for (to, from) in id.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    if id == [0; N] { [1; N] } else { id }
}

/// Returns an id in hexadecimal digits.
pub(super) fn hex(id: &[u8]) -> String {
    id.iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
