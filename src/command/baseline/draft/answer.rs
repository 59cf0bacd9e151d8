//! What a draft asks of the final answer.

use super::{Draft, list, quoted};
use crate::redact::find_pseudonyms;

impl Draft<'_> {
    /// Returns the check of the final answer: the whole of a short one, pieces of a long one.
    pub(super) fn answer(&self) -> Option<String> {
        let answer = self.reference.outcome.answer.as_deref()?.trim();
        if answer.is_empty() {
            return None;
        }
        let is_short = answer.chars().count() <= SHORT_ANSWER && !answer.contains('\n');
        if is_short && !self.is_volatile(answer) {
            return Some(format!(
                "# The final answer, which is short enough to be always the same.\n\
                 [[check]]\nkind = \"answer\"\nequals = {}\n",
                quoted(answer)
            ));
        }
        let excerpts = self.excerpts(answer);
        let contains = match excerpts.as_slice() {
            [] => return None,
            [one] => quoted(one),
            all => list(all.iter().map(String::as_str)),
        };
        Some(format!(
            "# Something that the final answer has to say; choose what matters.\n\
             [[check]]\nkind = \"answer\"\ncontains = {contains}\n"
        ))
    }

    /// Returns pieces of the answer that look the same on every run: of the first and the last sentence with a
    /// number, so that half an answer is noticed; else of the first sentence.
    fn excerpts(&self, answer: &str) -> Vec<String> {
        let mut answer = answer.to_owned();
        for pseudonym in find_pseudonyms(&answer).into_iter().rev() {
            answer.replace_range(pseudonym.range, "\n");
        }
        let sentences = sentences(&answer).into_iter().map(str::trim);
        let plain: Vec<&str> = sentences
            .filter(|one| one.chars().filter(|c| c.is_alphanumeric()).count() >= 4)
            .filter(|one| !self.is_volatile(one))
            .collect();
        let has_digit = |one: &&&str| one.contains(|c: char| c.is_ascii_digit());
        let first = plain.iter().find(has_digit).or_else(|| plain.first());
        let last = plain.iter().rfind(has_digit);
        let mut excerpts: Vec<String> = first
            .into_iter()
            .chain(last)
            .map(|one| beginning(one))
            .collect();
        excerpts.dedup();
        excerpts
    }
}

/// Cuts a text into its sentences; a point between two digits ends none.
fn sentences(text: &str) -> Vec<&str> {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut all = Vec::new();
    let mut rest = text;
    let mut before = None;
    for (at, c) in text.char_indices() {
        let begun = text.len() - rest.len();
        let after = text.get(at + c.len_utf8()..).unwrap_or_default();
        let is_inside = c == '.' && is_digit(before) && is_digit(after.chars().next());
        if matches!(c, '\n' | '.' | '!' | '?' | ';' | '|') && !is_inside {
            all.extend(text.get(begun..at));
            rest = after;
        }
        before = Some(c);
    }
    all.push(rest);
    all
}

/// Returns the first words of a sentence.
fn beginning(sentence: &str) -> String {
    let mut excerpt = String::new();
    for word in sentence.split(' ') {
        if !excerpt.is_empty() {
            if excerpt.chars().count() + word.chars().count() >= EXCERPT {
                break;
            }
            excerpt.push(' ');
        }
        excerpt.push_str(word);
    }
    excerpt
}

/// The most characters of an answer that is compared as a whole.
const SHORT_ANSWER: usize = 80;

/// The most characters of an excerpt.
const EXCERPT: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_does_not_end_within_a_number() {
        let text = "In 1950 it had 6.3 million. Then 10; or so";
        assert_eq!(
            sentences(text),
            ["In 1950 it had 6.3 million", " Then 10", " or so"]
        );
    }
}
