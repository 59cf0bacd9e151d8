//! Takes secrets out of streams, also those cut into pieces; no dialect has to be known for that.
//!
//! A stream of JSON events carries its text in pieces at the same place of each event, such as
//! `/candidates/0/content/parts/0/text`. The pieces at one place are read as one text; what is found
//! there is taken out of every piece that it touches.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use crate::model::StreamEvent;
use crate::redact::Redactor;
use crate::wire;

/// Returns the events without secrets that span several of them.
pub(super) fn scrub_pieces(redactor: &Redactor, events: Vec<StreamEvent>) -> Vec<StreamEvent> {
    let mut values: Vec<Option<Value>> = events
        .iter()
        .map(|event| serde_json::from_str(&wire::event_data(&event.bytes).data?).ok())
        .collect();
    let mut places: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let mut found = Vec::new();
            note_places(value, String::new(), &mut found);
            let thread = thread(value);
            for place in found {
                let key = (thread.clone(), place);
                places.entry(key).or_default().push(index);
            }
        }
    }
    let mut changed = vec![false; events.len()];
    for ((_thread, place), indexes) in &places {
        scrub_place(redactor, place, indexes, &mut values, &mut changed);
    }
    events
        .into_iter()
        .zip(values)
        .zip(changed)
        .map(|((event, value), changed)| match value {
            Some(value) if changed => StreamEvent {
                delay_us: event.delay_us,
                bytes: Bytes::from(with_data(&String::from_utf8_lossy(&event.bytes), &value)),
            },
            Some(_) | None => event,
        })
        .collect()
}

/// Returns the event with other data, on one line.
pub(super) fn with_data(event: &str, data: &Value) -> String {
    let others = event
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("data:"));
    let data = format!("data: {data}\n\n");
    let lines: Vec<&str> = others.chain([data.as_str()]).collect();
    lines.join("\n")
}

/// Returns which of the texts that a stream sends at the same time an event goes on with.
fn thread(event: &Value) -> String {
    let names = [
        "type",
        "item_id",
        "output_index",
        "content_index",
        "summary_index",
        "index",
    ];
    let top = names.iter().map(|name| event.get(name));
    let choice = event.pointer("/choices/0/index");
    let call = event.pointer("/choices/0/delta/tool_calls/0/index");
    let ids = top.chain([choice, call]);
    ids.map(|id| id.map(Value::to_string).unwrap_or_default() + " ")
        .collect()
}

/// Notes at which JSON pointers an event has strings.
fn note_places(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::String(_) => places.push(at),
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                note_places(item, format!("{at}/{position}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                note_places(field, format!("{at}/{name}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn scrub_place(
    redactor: &Redactor,
    place: &str,
    indexes: &[usize],
    values: &mut [Option<Value>],
    changed: &mut [bool],
) {
    let pieces: Vec<String> = indexes
        .iter()
        .map(|index| text_at(values, *index, place).cloned().unwrap_or_default())
        .collect();
    if pieces.len() < 2 {
        return;
    }
    let findings = redactor.find(&pieces.concat());
    if findings.is_empty() {
        return;
    }
    let mut start = 0;
    for (index, piece) in indexes.iter().zip(&pieces) {
        let range = start..start + piece.len();
        start = range.end;
        let mut clean = String::new();
        let mut rest = range.start;
        for finding in &findings {
            let found = overlap(&finding.range, &range);
            if found.is_empty() {
                continue;
            }
            clean.push_str(part(piece, &range, rest..found.start));
            if finding.range.start >= range.start {
                clean.push_str(&finding.replacement);
            }
            rest = found.end;
        }
        clean.push_str(part(piece, &range, rest..range.end));
        if clean != *piece
            && let Some(Value::String(text)) = values
                .get_mut(*index)
                .and_then(|value| value.as_mut()?.pointer_mut(place))
        {
            *text = clean;
            if let Some(changed) = changed.get_mut(*index) {
                *changed = true;
            }
        }
    }
}

fn text_at<'a>(values: &'a [Option<Value>], index: usize, place: &str) -> Option<&'a String> {
    match values.get(index)?.as_ref()?.pointer(place)? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

/// Returns what of `piece`, which stands at `range` of the whole, stands at `wanted`.
fn part<'a>(piece: &'a str, range: &Range<usize>, wanted: Range<usize>) -> &'a str {
    let from = wanted.start.saturating_sub(range.start);
    let to = wanted.end.saturating_sub(range.start);
    piece.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::redact::RedactRules;

    const KEY: &str = "sk-proj-Zx9Qw8Er7Ty6Ui5Op4As3Df2Gh1Jk0LzXcVb";

    fn scrubbed(pieces: &[&str]) -> String {
        let events = pieces
            .iter()
            .map(|piece| {
                let data = json!({"candidates": [{"content": {"parts": [{"text": piece}]}}]});
                StreamEvent {
                    delay_us: 1,
                    bytes: Bytes::from(format!("data: {data}\r\n\r\n")),
                }
            })
            .collect();
        let redactor = Redactor::new(&RedactRules::default()).unwrap();
        let texts = scrub_pieces(&redactor, events).into_iter().map(|event| {
            let data = wire::event_data(&event.bytes).data.unwrap();
            let value: Value = serde_json::from_str(&data).unwrap();
            value["candidates"][0]["content"]["parts"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        });
        texts.collect()
    }

    #[test]
    fn a_secret_in_pieces_is_taken_out_of_each() {
        for cut in [4, 9, 20, KEY.len() - 1] {
            let (first, second) = KEY.split_at(cut);
            let text = scrubbed(&["the é key ", first, second, " is it"]);
            assert!(text.starts_with("the é key [redacted:"), "{text}");
            assert!(text.ends_with("] is it"), "{text}");
        }
    }

    #[test]
    fn text_without_secrets_stays() {
        assert_eq!(scrubbed(&["no", " secret", " here"]), "no secret here");
    }
}
