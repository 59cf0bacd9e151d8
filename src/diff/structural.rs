//! Compares two JSON values field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field that differs between two JSON values.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole value. For an element that only one
    /// side has, the pointer is into that side.
    pub pointer: String,
    /// The value on the left; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Value>,
    /// The value on the right; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Value>,
}

/// Returns the fields in which two values differ, in the order of their keys; empty for equal ones.
///
/// Elements of arrays are compared in place, after the elements that are equal at both ends, so that
/// an inserted element is one change.
pub fn structural(left: &Value, right: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare(left, right, &mut String::new(), &mut changes);
    changes
}

/// Returns `pointer` with one segment more, escaped.
pub fn join(pointer: &str, segment: &str) -> String {
    format!(
        "{pointer}/{}",
        segment.replace('~', "~0").replace('/', "~1")
    )
}

fn compare(left: &Value, right: &Value, pointer: &mut String, changes: &mut Vec<FieldChange>) {
    if left == right {
        return;
    }
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let sides = (a.get(key), b.get(key));
                within(pointer, key, |pointer| pair(sides, pointer, changes));
            }
        }
        (Value::Array(a), Value::Array(b)) => arrays(a, b, pointer, changes),
        _ => changes.push(FieldChange {
            pointer: pointer.clone(),
            left: Some(left.clone()),
            right: Some(right.clone()),
        }),
    }
}

fn arrays(a: &[Value], b: &[Value], pointer: &mut String, changes: &mut Vec<FieldChange>) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(a.len().min(b.len()) - head)
        .take_while(|(x, y)| x == y)
        .count();
    for index in head..a.len().max(b.len()) - tail {
        let left = a.get(index).filter(|_value| index < a.len() - tail);
        let right = b.get(index).filter(|_value| index < b.len() - tail);
        within(pointer, &index.to_string(), |pointer| {
            pair((left, right), pointer, changes);
        });
    }
}

fn pair(
    sides: (Option<&Value>, Option<&Value>),
    pointer: &mut String,
    changes: &mut Vec<FieldChange>,
) {
    match sides {
        (Some(left), Some(right)) => compare(left, right, pointer, changes),
        (left, right) => changes.push(FieldChange {
            pointer: pointer.clone(),
            left: left.cloned(),
            right: right.cloned(),
        }),
    }
}

/// Runs `work` with the pointer extended by one segment.
fn within(pointer: &mut String, segment: &str, work: impl FnOnce(&mut String)) {
    let length = pointer.len();
    *pointer = join(pointer, segment);
    work(pointer);
    pointer.truncate(length);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn brief(left: &Value, right: &Value) -> Vec<String> {
        let show = |side: &Option<Value>| side.as_ref().map_or("-".into(), Value::to_string);
        structural(left, right)
            .iter()
            .map(|c| format!("{} {} {}", c.pointer, show(&c.left), show(&c.right)))
            .collect()
    }

    #[test]
    fn each_differing_field_is_named_with_both_values() {
        let left = json!({"q": "Tokyo", "filter": {"year": 2020, "lang": "en"}, "old": null});
        let right = json!({"q": "Osaka", "filter": {"year": 2024, "lang": "en"}, "a/b": 1});
        assert_eq!(
            brief(&left, &right),
            [
                "/a~1b - 1",
                "/filter/year 2020 2024",
                "/old null -",
                r#"/q "Tokyo" "Osaka""#
            ]
        );
    }

    #[test]
    fn an_inserted_element_is_one_change() {
        assert_eq!(brief(&json!([1, 2, 3]), &json!([1, 9, 2, 3])), ["/1 - 9"]);
        assert_eq!(brief(&json!([1, 1, 1]), &json!([1])), ["/1 1 -", "/2 1 -"]);
        assert_eq!(
            brief(&json!([{"a": 1}, 2]), &json!([{"a": 5}, 2])),
            ["/0/a 1 5"]
        );
    }

    #[test]
    fn whole_values_of_different_types_differ_as_a_whole() {
        assert_eq!(brief(&json!("x"), &json!({"x": 1})), [r#" "x" {"x":1}"#]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0_i64..4).prop_map(Value::from),
            "[a-c~/]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn only_equal_values_have_no_changes(a in any_json(), b in any_json()) {
            prop_assert_eq!(structural(&a, &b).is_empty(), a == b);
        }

        #[test]
        fn pointers_lead_to_the_values_they_name(a in any_json(), b in any_json()) {
            for change in structural(&a, &b) {
                if let Some(left) = &change.left {
                    prop_assert_eq!(a.pointer(&change.pointer), Some(left));
                }
                if let Some(right) = &change.right {
                    prop_assert_eq!(b.pointer(&change.pointer), Some(right));
                }
            }
        }
    }
}
