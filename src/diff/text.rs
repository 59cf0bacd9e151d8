//! Compares two texts line by line, and changed lines word by word.

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, InlineChange};

/// On which side a line stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// On both.
    Both,
    /// Only on the left.
    Left,
    /// Only on the right.
    Right,
    /// Equal lines that were left out.
    Gap,
}

/// A piece of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is what makes the line different from its counterpart.
    pub is_changed: bool,
}

/// A line of a [`TextDiff`], without its line break.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiffLine {
    /// On which side it stands.
    pub side: Side,
    /// Its text in pieces; empty for a gap.
    pub pieces: Vec<Piece>,
}

impl DiffLine {
    /// Returns the whole line.
    pub fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }
}

/// How two texts differ: changed lines with some equal ones around them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TextDiff {
    /// The lines, top to bottom; of a change the left ones first.
    pub lines: Vec<DiffLine>,
}

/// Returns how two texts differ; `None` for equal ones.
pub fn text_diff(left: &str, right: &str) -> Option<TextDiff> {
    if left == right {
        return None;
    }
    if left.len().saturating_add(right.len()) > MAX_BYTES {
        return Some(first_difference(left, right));
    }
    let diff = similar::TextDiff::from_lines(left, right);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        let starts = group
            .first()
            .is_some_and(|op| op.old_range().start == 0 && op.new_range().start == 0);
        if !starts {
            lines.push(DiffLine {
                side: Side::Gap,
                pieces: Vec::new(),
            });
        }
        for op in &group {
            lines.extend(diff.iter_inline_changes(op).map(|change| line(&change)));
        }
    }
    Some(TextDiff { lines })
}

fn line(change: &InlineChange<'_, str>) -> DiffLine {
    let side = match change.tag() {
        ChangeTag::Equal => Side::Both,
        ChangeTag::Delete => Side::Left,
        ChangeTag::Insert => Side::Right,
    };
    let pieces = change
        .values()
        .iter()
        .map(|(is_changed, text)| Piece {
            text: text.trim_end_matches(['\n', '\r']).to_owned(),
            is_changed: *is_changed,
        })
        .filter(|piece| !piece.text.is_empty())
        .collect();
    DiffLine { side, pieces }
}

/// Returns the first line that differs, for texts too long to be compared as a whole.
fn first_difference(left: &str, right: &str) -> TextDiff {
    let gap = || DiffLine {
        side: Side::Gap,
        pieces: Vec::new(),
    };
    let shown = |side: Side, line: Option<&str>| {
        let text: String = line?.chars().take(MAX_LINE_CHARS).collect();
        Some(DiffLine {
            side,
            pieces: vec![Piece {
                text,
                is_changed: true,
            }],
        })
    };
    let (mut lefts, mut rights) = (left.lines(), right.lines());
    loop {
        match (lefts.next(), rights.next()) {
            (Some(a), Some(b)) if a == b => {}
            (a, b) => {
                let lines = [shown(Side::Left, a), shown(Side::Right, b)];
                let lines = lines.into_iter().flatten();
                return TextDiff {
                    lines: std::iter::once(gap()).chain(lines).chain([gap()]).collect(),
                };
            }
        }
    }
}

/// Equal lines shown around a change.
const CONTEXT: usize = 2;

/// Beyond this size only the first difference is looked for.
const MAX_BYTES: usize = 256 * 1024;

/// Of a line of a text that long only this much is shown.
const MAX_LINE_CHARS: usize = 400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(diff: &TextDiff) -> Vec<String> {
        let mark = |line: &DiffLine| match line.side {
            Side::Both => " ",
            Side::Left => "-",
            Side::Right => "+",
            Side::Gap => "…",
        };
        let piece = |piece: &Piece| {
            if piece.is_changed {
                format!("[{}]", piece.text)
            } else {
                piece.text.clone()
            }
        };
        diff.lines
            .iter()
            .map(|line| {
                let text: String = line.pieces.iter().map(piece).collect();
                format!("{}{text}", mark(line))
            })
            .collect()
    }

    #[test]
    fn the_changed_words_of_a_line_are_marked() {
        let diff = text_diff(
            "Tokyo has 14 million people.",
            "Tokyo has 37 million people.",
        );
        assert_eq!(
            show(&diff.unwrap()),
            [
                "-Tokyo has [14] million people.",
                "+Tokyo has [37] million people."
            ]
        );
    }

    #[test]
    fn equal_lines_far_from_a_change_are_left_out() {
        let left = "1\n2\n3\n4\n5\n6\n";
        let right = "1\n2\n3\n4\n5\nsix\n";
        assert_eq!(
            show(&text_diff(left, right).unwrap()),
            ["…", " 4", " 5", "-[6]", "+[six]"]
        );
    }

    #[test]
    fn very_long_texts_show_their_first_difference() {
        let same = "x".repeat(200_000);
        let diff = text_diff(&format!("{same}\na"), &format!("{same}\nb\nc")).unwrap();
        assert_eq!(show(&diff), ["…", "-[a]", "+[b]", "…"]);
    }

    proptest! {
        #[test]
        fn a_text_never_differs_from_itself_and_always_from_another(
            left in "[ab\n]{0,12}", right in "[ab\n]{0,12}",
        ) {
            let diff = text_diff(&left, &right);
            prop_assert_eq!(diff.is_none(), left == right);
            if let Some(diff) = diff {
                prop_assert!(diff.lines.iter().any(|line| line.side != Side::Both));
            }
        }
    }
}
