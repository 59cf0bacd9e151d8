//! From two values that should be equal to the rules that make them so.
//!
//! Only what looks volatile is proposed away: a number, something with digits in it, the name of a
//! day, another order of the same things. Words that differ are a difference that somebody has to look
//! at, and there is no rule for them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::rule::Rule;
use super::shuffled;
use crate::model::canonical_json;
use crate::replay::Normaliser;

/// Returns rules for everything that differs between two messages or texts; none where one place has
/// none.
pub(super) fn propose(recorded: &Value, found: &Value, known: &Normaliser) -> Vec<Rule> {
    let mut rules = BTreeSet::new();
    match message(recorded, found, known, &mut rules) {
        Some(()) => rules.into_iter().collect(),
        None => Vec::new(),
    }
}

/// Goes through messages as Rewind keeps them; their texts and arguments are the agent's.
fn message(
    left: &Value,
    right: &Value,
    known: &Normaliser,
    rules: &mut BTreeSet<Rule>,
) -> Option<()> {
    if left == right {
        return Some(());
    }
    match (left, right) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            for (key, left) in a {
                let right = b.get(key)?;
                if key == "arguments" {
                    structure(left, right, "", known, rules)?;
                } else {
                    message(left, right, known, rules)?;
                }
            }
            Some(())
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .try_for_each(|(left, right)| message(left, right, known, rules)),
        (Value::String(a), Value::String(b)) => text(a, b, known, rules),
        _ => None,
    }
}

fn text(left: &str, right: &str, known: &Normaliser, rules: &mut BTreeSet<Rule>) -> Option<()> {
    if known.text(left) == known.text(right) {
        return Some(());
    }
    match (json(left), json(right)) {
        (Some(left), Some(right)) => structure(&left, &right, "", known, rules),
        _ => {
            shuffled::lines(left, right, known, rules).or_else(|| prose(left, right, known, rules))
        }
    }
}

fn json(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

/// Goes through JSON of the agent's.
fn structure(
    left: &Value,
    right: &Value,
    pointer: &str,
    known: &Normaliser,
    rules: &mut BTreeSet<Rule>,
) -> Option<()> {
    let (mut left, mut right) = (left.clone(), right.clone());
    if pointer.is_empty() {
        known.structure(&mut left);
        known.structure(&mut right);
    }
    let (left, right) = (&left, &right);
    if left == right {
        return Some(());
    }
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let token = key.replace('~', "~0").replace('/', "~1");
                let inner = format!("{pointer}/{token}");
                structure(a.get(key)?, b.get(key)?, &inner, known, rules)?;
            }
            Some(())
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            array(a, b, pointer, known, rules)
        }
        (Value::String(a), Value::String(b)) => leaf(a, b, pointer, known, rules),
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.to_string(), b.to_string());
            if known.text(&a) != known.text(&b) {
                rules.insert(Rule::Pointer(pointer.to_owned()));
            }
            Some(())
        }
        _ => None,
    }
}

fn array(
    a: &[Value],
    b: &[Value],
    pointer: &str,
    known: &Normaliser,
    rules: &mut BTreeSet<Rule>,
) -> Option<()> {
    let inner = format!("{pointer}/*");
    let masked = |items: &[Value]| {
        let mut masked: Vec<(String, Value)> = items
            .iter()
            .map(|item| (known.text(&mask(item)), item.clone()))
            .collect();
        masked.sort_by(|a, b| (&a.0, canonical_json(&a.1)).cmp(&(&b.0, canonical_json(&b.1))));
        masked
    };
    let in_place = |rules: &mut BTreeSet<Rule>| {
        a.iter()
            .zip(b)
            .try_for_each(|(left, right)| structure(left, right, &inner, known, rules))
    };
    let is_ordered = a
        .iter()
        .zip(b)
        .all(|(a, b)| known.text(&mask(a)) == known.text(&mask(b)));
    let (left, right) = (masked(a), masked(b));
    if is_ordered && left.iter().zip(&right).any(|(a, b)| a.1 != b.1) {
        return in_place(rules);
    }
    if left.iter().zip(&right).all(|(a, b)| a.0 == b.0) {
        rules.insert(Rule::Sort(pointer.to_owned()));
        return left
            .iter()
            .zip(&right)
            .try_for_each(|(a, b)| structure(&a.1, &b.1, &inner, known, rules));
    }
    in_place(rules)
}

/// Returns a value as text with all runs of digits alike.
fn mask(value: &Value) -> String {
    let mut masked = String::new();
    for c in canonical_json(value).chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !masked.ends_with('0') {
            masked.push('0');
        }
    }
    masked
}

/// A text inside JSON: one that is prose gets a pattern, a short one is left out as a whole.
fn leaf(
    left: &str,
    right: &str,
    pointer: &str,
    known: &Normaliser,
    rules: &mut BTreeSet<Rule>,
) -> Option<()> {
    if known.text(left) == known.text(right) {
        return Some(());
    }
    let mut patterns = BTreeSet::new();
    if left.contains(' ') {
        prose(left, right, known, &mut patterns)?;
        // A pattern for a whole text finds no text inside JSON.
        let is_whole =
            |rule: &Rule| matches!(rule, Rule::Pattern { pattern, .. } if pattern.starts_with('^'));
        if !patterns.iter().any(is_whole) {
            rules.append(&mut patterns);
            return Some(());
        }
    }
    let looks_volatile = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let is_short = left.len().max(right.len()) <= MAX_LEAF;
    if pointer.is_empty() || !is_short || !(looks_volatile(left) || looks_volatile(right)) {
        return None;
    }
    rules.insert(Rule::Pointer(pointer.to_owned()));
    Some(())
}

/// The longest text that is left out as a whole.
const MAX_LEAF: usize = 64;

static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\S+|\s+").ok());

fn words(text: &str) -> Vec<&str> {
    WORDS
        .as_ref()
        .map(|words| words.find_iter(text).map(|word| word.as_str()).collect())
        .unwrap_or_default()
}

/// Compares two texts word by word, and proposes a pattern for each run of differing ones.
fn prose(left: &str, right: &str, known: &Normaliser, rules: &mut BTreeSet<Rule>) -> Option<()> {
    let (left, right) = (known.text(left), known.text(right));
    let (left, right) = (words(&left), words(&right));
    if left.len() != right.len() {
        return None;
    }
    let pairs: Vec<(&str, &str)> = left.iter().copied().zip(right.iter().copied()).collect();
    let mut at = 0;
    while let Some((a, b)) = pairs.get(at) {
        if a == b {
            at += 1;
            continue;
        }
        let mut pattern = String::new();
        let begin = at;
        while let Some((a, b)) = pairs.get(at) {
            let goes_on = pairs.get(at + 1).is_some_and(|(a, b)| a != b);
            if a == b && !(a.trim().is_empty() && goes_on) {
                break;
            }
            if a.trim().is_empty() {
                pattern.push_str(r"\s+");
            } else {
                pattern.push_str(&word(a, b)?);
            }
            at += 1;
        }
        rules.insert(in_context(&pairs, begin, at, &pattern));
    }
    Some(())
}

/// Returns the rule for words in the context of the word before, else of the one behind.
fn in_context(pairs: &[(&str, &str)], begin: usize, end: usize, pattern: &str) -> Rule {
    let said = |at: usize| {
        pairs
            .get(at)
            .map(|(word, _)| *word)
            .filter(|word| !word.contains('<'))
    };
    let before = begin.checked_sub(2).and_then(said);
    let behind = said(end + 1);
    let replace = |text: &str| text.to_owned();
    match (before, behind) {
        (Some(before), _) => Rule::Pattern {
            pattern: format!(r"({}\s+){pattern}", regex::escape(before)),
            replace: replace("${1}<any>"),
        },
        (None, Some(behind)) => Rule::Pattern {
            pattern: format!(r"{pattern}(\s+{})", regex::escape(behind)),
            replace: replace("<any>${1}"),
        },
        (None, None) => Rule::Pattern {
            pattern: format!("^{pattern}$"),
            replace: replace("<any>"),
        },
    }
}

/// Names that change with the day.
const CALENDAR: [&str; 3] = [
    "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Mon|Tue|Wed|Thu|Fri|Sat|Sun",
    "January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec",
    "AM|PM|am|pm|a\\.m\\.|p\\.m\\.",
];

/// Returns a pattern that matches both words and their like; `None` where they are no volatile ones.
fn word(left: &str, right: &str) -> Option<String> {
    let start = common(left.chars(), right.chars());
    let end = common(left.chars().rev(), right.chars().rev())
        .min(left.chars().count() - start)
        .min(right.chars().count() - start);
    let total = left.chars().count();
    // Digits and letters around a difference belong to it; punctuation does not.
    let head: String = left.chars().take(start).collect();
    let head = head.trim_end_matches(|c: char| c.is_alphanumeric());
    let tail: String = left.chars().skip(total - end).collect();
    let tail = tail.trim_start_matches(|c: char| c.is_alphanumeric());
    let core = |text: &'_ str| -> String {
        let text = text.strip_prefix(head).unwrap_or(text);
        text.strip_suffix(tail).unwrap_or(text).to_owned()
    };
    let (a, b) = (core(left), core(right));
    let (head, tail) = (regex::escape(head), regex::escape(tail));
    for names in CALENDAR {
        let is_name = |text: &str| names.split('|').any(|name| name.replace('\\', "") == text);
        if is_name(&a) && is_name(&b) {
            return Some(format!("{head}(?:{names}){tail}"));
        }
    }
    let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    if !has_digit(&a) && !has_digit(&b) {
        return None;
    }
    let is = |test: fn(char) -> bool| a.chars().chain(b.chars()).all(test);
    let class = if is(|c| c.is_ascii_digit()) {
        r"\d+"
    } else if is(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ':' | '/' | '-')) {
        r"[\d.,:/-]*\d"
    } else if is(|c| c.is_ascii_hexdigit()) {
        "[0-9a-fA-F]+"
    } else if is(|c| c.is_ascii_alphanumeric()) {
        "[A-Za-z0-9]+"
    } else {
        r"[A-Za-z0-9_.,:/+=#-]*[A-Za-z0-9]"
    };
    Some(format!("{head}{class}{tail}"))
}

/// Returns how many items are equal from the beginning.
pub(super) fn common<T: PartialEq>(
    a: impl Iterator<Item = T>,
    b: impl Iterator<Item = T>,
) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::replay::NormaliseRule;

    fn normaliser(rules: &[Rule]) -> Normaliser {
        let rules: Vec<NormaliseRule> = rules
            .iter()
            .map(|rule| match rule.clone() {
                Rule::Pattern { pattern, replace } => NormaliseRule::Pattern { pattern, replace },
                Rule::Pointer(pointer) => NormaliseRule::Pointer(pointer),
                Rule::Sort(pointer) => NormaliseRule::Sort(pointer),
                Rule::SortLines(pattern) => NormaliseRule::SortLines(pattern),
            })
            .collect();
        Normaliser::new(&rules).unwrap()
    }

    fn rules(left: &Value, right: &Value) -> Vec<Rule> {
        propose(left, right, &Normaliser::default())
    }

    #[test]
    fn a_pattern_hides_the_volatile_word_and_nothing_else() {
        for (left, right, other) in [
            (
                "This is run 17 of the agent",
                "This is run 23 of the agent",
                "This is run late of the agent",
            ),
            (
                "Today is 23.11.2026, friend",
                "Today is 24.11.2026, friend",
                "Today is over, friend",
            ),
            (
                "It is Monday today",
                "It is Friday today",
                "It is raining today",
            ),
            (
                "ticket #a81f-22 open",
                "ticket #9c0e-71 open",
                "ticket #a81f-22 closed",
            ),
            ("42", "43", "forty"),
            ("7 items left", "9 items left", "no items left"),
            ("build a1b2c3d ok", "build 99f00aa ok", "build a1b2c3d bad"),
        ] {
            let found = rules(&json!(left), &json!(right));
            assert!(!found.is_empty(), "{left}");
            let known = normaliser(&found);
            assert_eq!(known.text(left), known.text(right), "{found:?}");
            assert_ne!(known.text(left), known.text(other), "{found:?}");
        }
    }

    #[test]
    fn other_words_have_no_rule() {
        for (left, right) in [
            (json!("the answer is yes"), json!("the answer is no")),
            (json!("a b c"), json!("a b")),
            (
                json!({"content": "{\"status\": \"ok\"}"}),
                json!({"content": "{\"status\": \"error\"}"}),
            ),
            (json!({"content": "[1]"}), json!({"content": "[1, 2]"})),
        ] {
            assert_eq!(rules(&left, &right), []);
        }
    }

    #[test]
    fn lines_in_another_order_get_a_pattern_of_their_own() {
        for (left, right, other, pattern) in [
            (
                "Use:\n- a b\n- c\n- d",
                "Use:\n- c\n- d\n- a b",
                "Use:\n- c\n- d\n- a",
                "^\\- ",
            ),
            (
                "one fish\ntwo fish",
                "two fish\none fish",
                "one fish\none fish",
                "^(?:one fish|two fish)$",
            ),
            (
                "the sea is wide\nthe end is near",
                "the end is near\nthe sea is wide",
                "the end",
                "^the ",
            ),
        ] {
            let found = rules(&json!(left), &json!(right));
            assert_eq!(found, [Rule::SortLines(pattern.into())]);
            let known = normaliser(&found);
            assert_eq!(known.text(left), known.text(right));
            assert_ne!(known.text(left), known.text(other));
        }
        assert_eq!(rules(&json!("a\nb"), &json!("a\nc")), []);
    }

    #[test]
    fn json_gets_pointers_and_orders() {
        let result = |inner: Value| json!({"type": "text", "text": inner.to_string()});
        let found = rules(
            &result(json!({"hits": [{"id": "x1", "score": 0.71}, {"id": "x2", "score": 0.5}]})),
            &result(json!({"hits": [{"id": "x1", "score": 0.72}, {"id": "x2", "score": 0.5}]})),
        );
        assert_eq!(found, [Rule::Pointer("/hits/*/score".into())]);
        let document = |score: f64, text: &str| json!({"score": score, "text": text});
        let found = rules(
            &result(json!([document(0.7213, "large"), document(0.1, "wide")])),
            &result(json!([
                document(0.55, "wide"),
                document(0.123_456, "large")
            ])),
        );
        assert_eq!(
            found,
            [Rule::Pointer("/*/score".into()), Rule::Sort(String::new())]
        );
        let found = rules(
            &result(json!({"at": "23.11.2026 07:41:12"})),
            &result(json!({"at": "22.10.2026 09:40:12"})),
        );
        assert_eq!(found, [Rule::Pointer("/at".into())]);
        let found = rules(
            &result(json!({"docs": ["alpha", "beta", "gamma"], "n": 3})),
            &result(json!({"docs": ["gamma", "alpha", "beta"], "n": 3})),
        );
        assert_eq!(found, [Rule::Sort("/docs".into())]);
        let found = rules(
            &json!({"arguments": {"nonce": "k81x"}}),
            &json!({"arguments": {"nonce": "p0q2"}}),
        );
        assert_eq!(found, [Rule::Pointer("/nonce".into())]);
    }
}
