//! Reads what other programs computed: `tests/stats/golden.json`, written by `tests/stats/generate.py`.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Returns the cases of one subject.
pub(super) fn cases(subject: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stats/golden.json");
    let text = fs::read_to_string(path).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let cases = all[subject].as_array().unwrap().clone();
    assert!(!cases.is_empty(), "{subject}");
    cases
}

/// Returns a list of numbers.
pub(super) fn numbers(list: &Value) -> Vec<f64> {
    let numbers = list.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}

/// Returns a list of lists of numbers.
pub(super) fn groups(list: &Value) -> Vec<Vec<f64>> {
    list.as_array().unwrap().iter().map(numbers).collect()
}

/// Returns a count.
pub(super) fn count(number: &Value) -> u32 {
    u32::try_from(number.as_u64().unwrap()).unwrap()
}

/// Asserts that a number is the expected one but for the last digits.
pub(super) fn assert_near(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    let allowed = 1e-10 * expected.abs().max(1e-3);
    assert!(
        (found - expected).abs() <= allowed,
        "{what}: {found} is not {expected}"
    );
}
