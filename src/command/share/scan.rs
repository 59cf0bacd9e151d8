//! Looks for secrets in what a page would show.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::CommandError;
use crate::redact::{RedactRules, Redactor, find_personal_in};
use crate::wire::Scrub as _;

/// Returns the kinds of secrets in a value, and how often each is there.
///
/// # Errors
/// Usage: rules that can't be used.
pub(super) fn secrets(
    value: &Value,
    rules: RedactRules,
) -> Result<BTreeMap<String, usize>, CommandError> {
    // Personal data is no secret, and what stands there may be a pseudonym.
    let rules = RedactRules {
        personal: std::collections::BTreeSet::new(),
        ..rules
    };
    let redactor = Redactor::new(&rules).map_err(CommandError::usage)?;
    let mut clean = value.clone();
    redactor.scrub(&mut clean);
    let mut kinds = placeholders(&clean);
    for (kind, before) in placeholders(value) {
        if let Some(count) = kinds.get_mut(&kind) {
            *count = count.saturating_sub(before);
        }
    }
    kinds.retain(|_kind, count| *count > 0);
    Ok(kinds)
}

/// Returns the kinds of personal data in a value, and how many of each are there.
pub(super) fn personal(value: &Value) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    let mut found = find_personal_in(value);
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found.dedup_by(|a, b| a.text == b.text);
    for one in found {
        *kinds.entry(one.kind.as_str().to_owned()).or_insert(0) += 1;
    }
    kinds
}

/// Returns what of each kind there is, in words.
pub(super) fn words(kinds: &BTreeMap<String, usize>) -> String {
    let parts: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    parts.join(", ")
}

fn placeholders(value: &Value) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    walk(value, &mut |text| {
        for part in text.split(BEGIN).skip(1) {
            if let Some((kind, _rest)) = part.split_once(']') {
                *kinds.entry(kind.to_owned()).or_insert(0) += 1;
            }
        }
    });
    kinds
}

fn walk(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Object(fields) => {
            for (name, field) in fields {
                see(name);
                walk(field, see);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How a placeholder begins.
const BEGIN: &str = "[redacted:";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_redacted_before_does_not_count() {
        let key = format!("sk-proj-{}", "a1B2".repeat(12));
        let value = json!({"messages": [{"text": format!("[redacted:openai-key] and {key}")}]});
        let found = secrets(&value, RedactRules::default()).unwrap();
        assert_eq!(words(&found), "1 openai-key");
        let clean = json!({"text": "[redacted:openai-key]"});
        assert!(secrets(&clean, RedactRules::default()).unwrap().is_empty());
    }
}
