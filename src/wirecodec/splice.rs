//! Texts in which long sources are replaced by references.

use serde_json::{Value, json};

use super::CodecError;
use super::escape::Style;
use super::sources::Table;

/// The least length in bytes of a source that is worth a reference.
const MIN_LENGTH: usize = 24;

/// A piece of a text while it is being cut up.
enum Piece<'a> {
    Text(&'a str),
    Reference(Value),
}

/// Returns the text as JSON: itself, or pieces and references.
pub(super) fn encode(text: &str, table: &mut Table<'_>) -> Value {
    let mut sources: Vec<_> = table
        .sources()
        .filter(|(_key, source)| source.text.len() >= MIN_LENGTH)
        .collect();
    sources.sort_by_key(|(_key, source)| std::cmp::Reverse(source.text.len()));
    let mut pieces = vec![Piece::Text(text)];
    for (key, source) in sources {
        for (needle, style) in forms(&source.text) {
            pieces = cut(pieces, &needle, || reference(table.number(key), style));
        }
    }
    if let [Piece::Text(text)] = pieces.as_slice() {
        return json!(text);
    }
    pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => json!(text),
            Piece::Reference(reference) => reference,
        })
        .collect()
}

/// Returns the text that [`encode`] made this JSON of.
pub(super) fn decode(value: &Value, texts: &[String]) -> Result<String, CodecError> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    let pieces = value
        .as_array()
        .ok_or_else(|| CodecError::malformed("a text or its pieces", value))?;
    let mut text = String::new();
    for piece in pieces {
        match piece.as_str() {
            Some(piece) => text.push_str(piece),
            None => text.push_str(&resolve(piece, texts)?),
        }
    }
    Ok(text)
}

fn resolve(reference: &Value, texts: &[String]) -> Result<String, CodecError> {
    let malformed = || CodecError::malformed("a reference", reference);
    let (number, style) = match reference.as_array().map(Vec::as_slice) {
        Some([number]) => (number, "json"),
        Some([number, style]) => (number, style.as_str().ok_or_else(malformed)?),
        Some(_) | None => return Err(malformed()),
    };
    let text = number
        .as_u64()
        .and_then(|number| texts.get(usize::try_from(number).ok()?))
        .ok_or_else(malformed)?;
    match style {
        "json" => Ok(Style::Json.escape(text)),
        "ascii" => Ok(Style::Ascii.escape(text)),
        "json2" => Ok(Style::Json.escape(&Style::Json.escape(text))),
        "ascii2" => Ok(Style::Ascii.escape(&Style::Ascii.escape(text))),
        _ => Err(malformed()),
    }
}

/// Returns the texts as which a source may stand in a body, each once, with the name of the style.
fn forms(text: &str) -> Vec<(String, &'static str)> {
    let json = Style::Json.escape(text);
    let ascii = Style::Ascii.escape(text);
    let json2 = Style::Json.escape(&json);
    let ascii2 = Style::Ascii.escape(&ascii);
    let mut forms = vec![(json, "json")];
    for (form, style) in [(ascii, "ascii"), (json2, "json2"), (ascii2, "ascii2")] {
        if forms.iter().all(|(known, _style)| *known != form) {
            forms.push((form, style));
        }
    }
    forms
}

fn reference(number: usize, style: &str) -> Value {
    if style == "json" {
        json!([number])
    } else {
        json!([number, style])
    }
}

/// Cuts `needle` out of all texts and puts a reference in its place.
fn cut<'a>(
    pieces: Vec<Piece<'a>>,
    needle: &str,
    mut reference: impl FnMut() -> Value,
) -> Vec<Piece<'a>> {
    let mut result = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Piece::Text(text) = piece else {
            result.push(piece);
            continue;
        };
        for (place, rest) in text.split(needle).enumerate() {
            if place > 0 {
                result.push(Piece::Reference(reference()));
            }
            if !rest.is_empty() {
                result.push(Piece::Text(rest));
            }
        }
    }
    result
}
