//! How the arguments of a tool call are compared with recorded ones.

use serde::Deserialize;
use serde_json::Value;

use crate::diff::{FieldChange, structural};

/// Which arguments must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ArgumentMode {
    /// All, on both sides.
    #[default]
    Exact,
    /// Those that are given now must be the recorded ones; some may be missing.
    Subset,
    /// The recorded ones must be given; there may be more.
    Superset,
    /// None: any arguments will do.
    Ignore,
}

/// How the arguments of one tool are compared.
#[derive(Debug, Clone, Default)]
pub(super) struct ArgumentRule {
    /// Which arguments must be equal.
    pub(super) mode: ArgumentMode,
    /// JSON pointers that are left out; `*` stands for any one segment.
    pub(super) ignore: Vec<String>,
    /// By how much numbers may differ.
    pub(super) tolerance: f64,
}

impl ArgumentRule {
    /// Returns the differences that count; empty where the candidate's arguments fit.
    pub(super) fn differences(&self, reference: &Value, candidate: &Value) -> Vec<FieldChange> {
        if self.mode == ArgumentMode::Ignore {
            return Vec::new();
        }
        let mut changes = structural(reference, candidate);
        changes.retain(|change| self.counts(change, reference, candidate));
        changes
    }

    fn counts(&self, change: &FieldChange, reference: &Value, candidate: &Value) -> bool {
        if self
            .ignore
            .iter()
            .any(|ignored| covers(ignored, &change.pointer))
        {
            return false;
        }
        match (&change.left, &change.right) {
            (Some(left), Some(right)) => !self.is_close(left, right),
            (Some(_), None) => {
                self.mode != ArgumentMode::Subset || is_element(reference, &change.pointer)
            }
            (None, _) => {
                self.mode != ArgumentMode::Superset || is_element(candidate, &change.pointer)
            }
        }
    }

    fn is_close(&self, left: &Value, right: &Value) -> bool {
        match (left.as_f64(), right.as_f64()) {
            // Above 2^53 integers can't be told apart as floats.
            (Some(a), Some(b)) if a.abs() < EXACT_FLOATS && b.abs() < EXACT_FLOATS => {
                (a - b).abs() <= self.tolerance
            }
            _ => false,
        }
    }
}

/// Returns whether the pointer leads to an element of an array; those may never be left out.
fn is_element(value: &Value, pointer: &str) -> bool {
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _key)| parent);
    value.pointer(parent).is_some_and(Value::is_array)
}

/// Returns whether `pointer` is `ignored` or lies below it.
fn covers(ignored: &str, pointer: &str) -> bool {
    let mut segments = pointer.split('/');
    ignored.split('/').all(|wanted| {
        segments
            .next()
            .is_some_and(|segment| wanted == "*" || wanted == segment)
    })
}

const EXACT_FLOATS: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(mode: ArgumentMode) -> ArgumentRule {
        ArgumentRule {
            mode,
            ..ArgumentRule::default()
        }
    }

    fn fits(rule: &ArgumentRule, reference: &Value, candidate: &Value) -> bool {
        rule.differences(reference, candidate).is_empty()
    }

    #[test]
    fn each_mode_says_which_side_may_have_more() {
        use ArgumentMode::{Exact, Ignore, Subset, Superset};
        let (less, more) = (json!({"q": "x"}), json!({"q": "x", "max": 5}));
        for (mode, fewer_fit, more_fit) in [
            (Exact, false, false),
            (Subset, true, false),
            (Superset, false, true),
            (Ignore, true, true),
        ] {
            let rule = rule(mode);
            assert!(fits(&rule, &more, &more), "{mode:?}");
            assert_eq!(fits(&rule, &more, &less), fewer_fit, "{mode:?}");
            assert_eq!(fits(&rule, &less, &more), more_fit, "{mode:?}");
            let other = json!({"q": "y"});
            assert_eq!(fits(&rule, &less, &other), mode == Ignore, "{mode:?}");
        }
    }

    #[test]
    fn elements_of_lists_are_never_left_out() {
        let (short, long) = (json!({"ids": [1]}), json!({"ids": [1, 2]}));
        assert!(!fits(&rule(ArgumentMode::Subset), &long, &short));
        assert!(!fits(&rule(ArgumentMode::Superset), &short, &long));
    }

    #[test]
    fn ignored_places_and_close_numbers_do_not_count() {
        let rule = ArgumentRule {
            ignore: vec!["/now".into(), "/items/*/id".into()],
            tolerance: 0.5,
            ..ArgumentRule::default()
        };
        let a = json!({"now": 1, "items": [{"id": 1, "n": 1}, {"id": 2, "n": 2.0}]});
        let b = json!({"now": {"t": 5}, "items": [{"id": 8, "n": 1.5}, {"id": 9, "n": 2}]});
        assert!(fits(&rule, &a, &b));
        let c = json!({"now": 1, "items": [{"id": 1, "n": 1}, {"id": 2, "n": 2.6}]});
        assert_eq!(rule.differences(&a, &c)[0].pointer, "/items/1/n");
        assert!(!fits(&rule, &json!({"nowhere": 1}), &json!({"nowhere": 2})));
    }

    #[test]
    fn text_that_is_no_json_is_a_difference() {
        let (good, broken) = (json!({"q": "x"}), json!("{\"q\": "));
        for mode in [
            ArgumentMode::Exact,
            ArgumentMode::Subset,
            ArgumentMode::Superset,
        ] {
            assert!(!fits(&rule(mode), &good, &broken));
        }
    }
}
