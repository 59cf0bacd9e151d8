//! Long binary content inside JSON: taken out by hash, put back when read.
//!
//! A string of base64 of more than 16 KB becomes `{"$blob": "b3:…"}`, with what stands before the
//! base64 (`data:image/png;base64,`) as `prefix`. A key that looks the same by chance gets one `$` more.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::error::Wrong;
use crate::model::ContentId;

/// The length in bytes up to which a string stays where it is.
const MAX_INLINE: usize = 16 * 1024;
/// The key of a reference.
const KEY: &str = "$blob";

/// Content by hash.
pub(super) type Blobs = BTreeMap<ContentId, Vec<u8>>;

/// Takes the long binary strings out of `value`.
pub(super) fn take_out(value: Value, blobs: &mut Blobs) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_INLINE => reference(text, blobs),
        Value::Array(items) => items
            .into_iter()
            .map(|item| take_out(item, blobs))
            .collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, field)| {
                let name = if is_like_key(&name) {
                    format!("${name}")
                } else {
                    name
                };
                (name, take_out(field, blobs))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Puts the binary strings back into `value`; `load` finds the content.
pub(super) fn put_back(
    value: Value,
    load: &mut dyn FnMut(ContentId) -> Result<Vec<u8>, Wrong>,
) -> Result<Value, Wrong> {
    match value {
        Value::Array(items) => items.into_iter().map(|item| put_back(item, load)).collect(),
        Value::Object(fields) => {
            if let Some(id) = fields.get(KEY) {
                let id = id.as_str().unwrap_or_default();
                let id = id
                    .parse()
                    .map_err(|error| Wrong(format!("{KEY}: {error}")))?;
                let prefix = fields.get("prefix").and_then(Value::as_str);
                let text = BASE64.encode(load(id)?);
                return Ok(json!(format!("{}{text}", prefix.unwrap_or_default())));
            }
            let mut restored = Map::new();
            for (name, field) in fields {
                let name = match name.strip_prefix('$') {
                    Some(rest) if is_like_key(rest) => rest.to_owned(),
                    Some(_) | None => name,
                };
                restored.insert(name, put_back(field, load)?);
            }
            Ok(Value::Object(restored))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value),
    }
}

fn reference(text: String, blobs: &mut Blobs) -> Value {
    let (prefix, base64) = match text.split_once(";base64,") {
        Some((kind, base64)) if kind.len() < 200 => (format!("{kind};base64,"), base64),
        Some(_) | None => (String::new(), text.as_str()),
    };
    let bytes = BASE64
        .decode(base64)
        .ok()
        .filter(|bytes| BASE64.encode(bytes) == base64);
    let Some(bytes) = bytes else {
        return Value::String(text);
    };
    let id = ContentId::of(&bytes);
    blobs.insert(id, bytes);
    if prefix.is_empty() {
        json!({ KEY: id.to_string() })
    } else {
        json!({ KEY: id.to_string(), "prefix": prefix })
    }
}

/// Returns whether a key is `$blob`, with any number of `$`.
fn is_like_key(name: &str) -> bool {
    name.starts_with('$') && name.trim_start_matches('$') == "blob"
}
