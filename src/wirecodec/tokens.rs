//! Cuts a text into its shape and its tokens (JSON strings that are no keys, and numbers).
//!
//! Works on any text: what looks like no token belongs to the shape, and shape and tokens put
//! together are the text again.

/// A text cut up: `shape` has one piece more than there are tokens, and they alternate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    /// What stands around the tokens.
    pub(super) shape: Vec<&'a str>,
    /// The tokens as they stand there, quotes included.
    pub(super) tokens: Vec<&'a str>,
}

/// Cuts up a text.
pub(super) fn cut(text: &str) -> Cut<'_> {
    let mut cut = Cut {
        shape: Vec::new(),
        tokens: Vec::new(),
    };
    let bytes = text.as_bytes();
    let (mut shape_from, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => string_end(bytes, at),
            b'0'..=b'9' | b'-' => number_end(bytes, at),
            _ => None,
        };
        let Some(end) = end else {
            at += 1;
            continue;
        };
        let is_key = *byte == b'"' && is_key(bytes, end);
        let around = (text.get(shape_from..at), text.get(at..end));
        if let (false, (Some(shape), Some(token))) = (is_key, around) {
            cut.shape.push(shape);
            cut.tokens.push(token);
            shape_from = end;
        }
        at = end;
    }
    cut.shape.push(text.get(shape_from..).unwrap_or_default());
    cut
}

/// Puts shape and tokens together.
pub(super) fn join<S: AsRef<str>, T: AsRef<str>>(shape: &[S], tokens: &[T]) -> String {
    let mut text = String::new();
    let mut tokens = tokens.iter();
    for piece in shape {
        text.push_str(piece.as_ref());
        if let Some(token) = tokens.next() {
            text.push_str(token.as_ref());
        }
    }
    text
}

/// Returns the end of the string that begins at `from`; `None` where it does not end.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Returns the end of the number that begins at `from`; `None` where there is none.
fn number_end(bytes: &[u8], from: usize) -> Option<usize> {
    let before = from.checked_sub(1).and_then(|before| bytes.get(before));
    if before.is_some_and(|before| before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-'))
    {
        return None;
    }
    let digits = bytes
        .get(from..)?
        .iter()
        .take_while(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')
        })
        .count();
    let has_digit = bytes
        .get(from..from + digits)?
        .iter()
        .any(u8::is_ascii_digit);
    has_digit.then_some(from + digits)
}

/// Returns whether the string that ends at `end` is the key of an object.
fn is_key(bytes: &[u8], end: usize) -> bool {
    bytes
        .get(end..)
        .and_then(|rest| rest.iter().find(|byte| !byte.is_ascii_whitespace()))
        == Some(&b':')
}
