//! How alike two texts are, from 0 to 1, without any model.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// How likeness is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    /// The harmonic mean of the shares of words that the texts have in common, each word as often as
    /// it stands there.
    #[default]
    TokenF1,
    /// The share of different words that both texts have.
    Jaccard,
    /// One minus the edits that turn one text into the other, by the length of the longer.
    Edit,
}

impl Method {
    /// Returns the name as written.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::TokenF1 => "token_f1",
            Self::Jaccard => "jaccard",
            Self::Edit => "edit",
        }
    }

    /// Returns how alike the texts are; `None` where they are too long to compare.
    pub(super) fn likeness(self, a: &str, b: &str) -> Option<f64> {
        match self {
            Self::TokenF1 => Some(by_words(a, b, token_f1)),
            Self::Jaccard => Some(by_words(a, b, jaccard)),
            Self::Edit => edit(a.trim(), b.trim()),
        }
    }
}

/// Compares by words; texts of signs alone, such as an emoji, are alike only where they are equal.
fn by_words(a: &str, b: &str, likeness: fn(&[String], &[String]) -> f64) -> f64 {
    let (left, right) = (words(a), words(b));
    if left.is_empty() && right.is_empty() {
        return f64::from(a.trim() == b.trim());
    }
    likeness(&left, &right)
}

fn token_f1(a: &[String], b: &[String]) -> f64 {
    let mut counts = BTreeMap::<&str, usize>::new();
    for word in a {
        *counts.entry(word).or_default() += 1;
    }
    let mut common = 0;
    for word in b {
        if let Some(count) = counts.get_mut(word.as_str())
            && *count > 0
        {
            *count -= 1;
            common += 1;
        }
    }
    share(2 * common, a.len() + b.len())
}

fn jaccard(a: &[String], b: &[String]) -> f64 {
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (a.iter().collect(), b.iter().collect());
    share(a.intersection(&b).count(), a.union(&b).count())
}

/// Compares by characters, and long texts by words.
fn edit(a: &str, b: &str) -> Option<f64> {
    let (a_chars, b_chars): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a_chars.len().saturating_mul(b_chars.len()) <= MAX_CELLS {
        let distance = strsim::generic_levenshtein(&a_chars, &b_chars);
        return Some(1.0 - distance_share(distance, a_chars.len(), b_chars.len()));
    }
    let (a, b) = (words(a), words(b));
    if a.len().saturating_mul(b.len()) > MAX_CELLS {
        return None;
    }
    let distance = strsim::generic_levenshtein(&a, &b);
    Some(1.0 - distance_share(distance, a.len(), b.len()))
}

fn distance_share(distance: usize, a: usize, b: usize) -> f64 {
    match a.max(b) {
        0 => 0.0,
        longer => share(distance, longer),
    }
}

/// Returns a share; that of nothing is 1, since nothing differs.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 1.0;
    }
    let float = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    float(part) / float(whole)
}

/// Returns the words of a text in lower case; ideographs and kana, which are written without spaces,
/// are words of their own.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let is_single = matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
        if c.is_alphanumeric() && !is_single {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_single {
            words.push(c.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The most comparisons that one edit distance may take.
const MAX_CELLS: usize = 16_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(method: Method, a: &str, b: &str, expected: f64) {
        let found = method.likeness(a, b).unwrap();
        assert!(
            (found - expected).abs() < 1e-9,
            "{method:?} {a:?} {b:?}: {found}"
        );
    }

    #[test]
    fn likeness_is_what_the_textbook_says() {
        near(Method::Edit, "kitten", "sitting", 1.0 - 3.0 / 7.0);
        near(Method::Edit, "", "", 1.0);
        near(Method::Edit, "", "abc", 0.0);
        near(
            Method::TokenF1,
            "the cat sat",
            "The cat, the hat!",
            4.0 / 7.0,
        );
        near(Method::Jaccard, "the cat sat", "The cat, the hat!", 0.5);
        near(Method::TokenF1, "東京は大きい", "東京は小さい", 8.0 / 12.0);
        near(Method::TokenF1, "a", "", 0.0);
        for method in [Method::TokenF1, Method::Jaccard] {
            near(method, "\u{1f44d}", "\u{1f44e}", 0.0);
            near(method, "\u{1f44d}", " ", 0.0);
            near(method, " \u{1f44d}", "\u{1f44d}", 1.0);
        }
    }

    #[test]
    fn long_texts_are_compared_by_words_and_endless_ones_not_at_all() {
        let long = "word ".repeat(3_000);
        near(
            Method::Edit,
            &long,
            &format!("{long} other"),
            1.0 - 1.0 / 3_001.0,
        );
        assert_eq!(
            Method::Edit.likeness(&"a b ".repeat(5_000), &"c d ".repeat(5_000)),
            None
        );
    }

    proptest! {
        #[test]
        fn likeness_is_symmetric_between_0_and_1_and_1_for_equal_texts(a in ".{0,40}", b in ".{0,40}") {
            for method in [Method::TokenF1, Method::Jaccard, Method::Edit] {
                let found = method.likeness(&a, &b).unwrap();
                prop_assert!((0.0..=1.0).contains(&found));
                prop_assert_eq!(Some(found), method.likeness(&b, &a));
                prop_assert_eq!(method.likeness(&a, &a), Some(1.0));
            }
        }
    }
}
