//! Texts without their escapes, and where each character stood.

/// The most escapings of escapings that are looked through.
const MAX_DEPTH: usize = 4;

/// A text as it reads at one depth of escapes.
pub(super) struct Decoded {
    /// The text.
    pub(super) text: String,
    /// For each byte of the text, and for its end, where it stood in the original.
    offsets: Vec<usize>,
}

impl Decoded {
    /// Returns where a range of the text stood in the original.
    pub(super) fn original(&self, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let at = |index: usize| self.offsets.get(index).copied().unwrap_or_default();
        at(range.start)..at(range.end)
    }
}

/// Returns what the escapes in a text hide, the deepest first: those of JSON (`\n`, `\u0040`) and of
/// URLs (`%40`), again and again. Empty for a text without escapes.
pub(super) fn depths(text: &str) -> Vec<Decoded> {
    let mut depths: Vec<Decoded> = Vec::new();
    for _depth in 0..MAX_DEPTH {
        let next = match depths.last() {
            None => resolved(text, &|at| at),
            Some(last) => resolved(&last.text, &|at| {
                last.offsets.get(at).copied().unwrap_or_default()
            }),
        };
        match next {
            Some(next) => depths.push(next),
            None => break,
        }
    }
    depths.reverse();
    depths
}

/// Resolves the escapes of one depth; `None` where there are none.
fn resolved(text: &str, original: &dyn Fn(usize) -> usize) -> Option<Decoded> {
    if !text.contains(['\\', '%']) {
        return None;
    }
    let mut plain = Decoded {
        text: String::with_capacity(text.len()),
        offsets: Vec::with_capacity(text.len() + 1),
    };
    let mut at = 0;
    let mut is_other = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let escaped = escape(rest);
        is_other |= escaped.is_some();
        let plainly = || rest.chars().next().map(|c| (c, c.len_utf8()));
        let (c, length) = escaped.or_else(plainly)?;
        plain.text.push(c);
        plain
            .offsets
            .extend(std::iter::repeat_n(original(at), c.len_utf8()));
        at += length;
    }
    plain.offsets.push(original(text.len()));
    is_other.then_some(plain)
}

/// Returns what the escape at the beginning of a text stands for, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let code = |range: std::ops::Range<usize>| {
        let hex = text.get(range)?;
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(hex, 16).ok()).flatten()
    };
    let mut chars = text.chars();
    match (chars.next()?, chars.next()?) {
        // None of them stands inside a number, as a space may.
        ('\\', 'n' | 'r' | 't' | 'b' | 'f') => Some(('\n', 2)),
        ('\\', c @ ('"' | '\\' | '/')) => Some((c, 2)),
        ('\\', 'u') => Some((char::from_u32(code(2..6)?)?, 6)),
        // Bytes beyond ASCII are parts of characters; nothing that is looked for has any there.
        ('%', _) => Some((char::from_u32(code(1..3)?).filter(char::is_ascii)?, 3)),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_depth_knows_where_it_stood() {
        let text = r#"{"a": "é\\n+49\\u00401%2540x"}"#;
        let depths = depths(text);
        let deepest = &depths[0];
        assert_eq!(deepest.text, "{\"a\": \"é\n+49@1@x\"}");
        for (wanted, stood) in [("+49", "+49"), ("@1", r"\\u00401"), ("@x", "%2540x")] {
            let start = deepest.text.find(wanted).unwrap();
            let range = deepest.original(&(start..start + wanted.len()));
            assert_eq!(text.get(range), Some(stood));
        }
        assert_eq!(deepest.original(&(0..deepest.text.len())), 0..text.len());
        assert!(super::depths("nothing here").is_empty());
        for odd in [r"\", r"\u12", "%", "%é9", r"\ud800", "100%"] {
            assert!(super::depths(odd).is_empty(), "{odd}");
        }
    }
}
