//! The ways in which texts are written inside JSON on the wire.

use std::fmt::Write as _;

use serde_json::Value;

/// How a text is escaped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// As JSON, everything beyond ASCII as it is.
    Json,
    /// As JSON, everything beyond ASCII escaped (Python's default).
    Ascii,
}

impl Style {
    /// Returns both styles.
    pub(super) const ALL: [Self; 2] = [Self::Json, Self::Ascii];

    /// Returns the text as a JSON string with its quotes.
    pub(super) fn quote(self, text: &str) -> String {
        let quoted = Value::from(text).to_string();
        match self {
            Self::Json => quoted,
            Self::Ascii => to_ascii(&quoted),
        }
    }

    /// Returns the text as it stands between the quotes of a JSON string.
    pub(super) fn escape(self, text: &str) -> String {
        let quoted = self.quote(text);
        let inner = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        inner.unwrap_or_default().to_owned()
    }
}

fn to_ascii(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            ascii.push(character);
            continue;
        }
        let mut units = [0_u16; 2];
        for unit in character.encode_utf16(&mut units) {
            // Writing to a string can't fail.
            write!(ascii, "\\u{unit:04x}").unwrap_or_default();
        }
    }
    ascii
}

/// Returns the value as JSON with a space behind `:` and `,` (Python's default).
pub(super) fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(spaced).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", Style::Json.quote(name), spaced(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
