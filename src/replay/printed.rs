//! Whether an agent whose answer is the model's also printed it.

use super::session::AnswerFrom;
use crate::model::{Divergence, DivergenceKind};

/// Returns whether standard output holds the final answer, whatever the white space; `None` where that
/// is not known, or where the answer is read elsewhere than in the messages.
pub(super) fn printed(
    output: &AnswerFrom,
    answer: Option<&str>,
    stdout: Option<&[u8]>,
    clean: impl Fn(&str) -> String,
) -> Option<bool> {
    match output {
        AnswerFrom::LastMessage { .. } => {}
        AnswerFrom::Stdout | AnswerFrom::File(_) => return None,
    }
    let stdout = stdout.filter(|bytes| bytes.len() < MOST)?;
    let answer = words(answer?);
    (!answer.is_empty()).then(|| {
        let text = clean(&String::from_utf8_lossy(stdout));
        words(&text).contains(&answer)
    })
}

/// Returns the divergence of a run that no longer prints its final answer.
pub fn not_printed() -> Divergence {
    Divergence {
        kind: DivergenceKind::Printed,
        step: None,
        agent: String::new(),
        pointer: String::new(),
        recorded: "the final answer".to_owned(),
        found: "not the whole of it".to_owned(),
        message: "the agent's standard output does not hold its final answer, as it did when the baseline was \
                  accepted"
            .to_owned(),
        remedy: String::new(),
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// From how many bytes on standard output is not searched: it may be only the beginning of it.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_count_and_a_half_does() {
        let message = AnswerFrom::LastMessage { agent: None };
        let found = |answer: Option<&str>, stdout: &str| {
            printed(&message, answer, Some(stdout.as_bytes()), str::to_owned)
        };
        let answer = Some("It is\n  14 million.");
        assert_eq!(found(answer, "Answer: It is 14\nmillion.\n"), Some(true));
        assert_eq!(found(answer, "Answer: It is"), Some(false));
        assert_eq!(found(answer, ""), Some(false));
        assert_eq!(found(None, "x"), None);
        assert_eq!(found(Some(" "), "x"), None);
        assert_eq!(found(answer, &"x".repeat(MOST)), None);
        assert_eq!(printed(&message, answer, None, str::to_owned), None);
        let stdout = printed(&AnswerFrom::Stdout, answer, Some(b"x"), str::to_owned);
        assert_eq!(stdout, None);
    }
}
