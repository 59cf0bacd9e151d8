//! Columns of text, aligned by the number of characters.

/// On which side a column is flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// The left.
    Left,
    /// The right.
    Right,
}

/// Returns the rows as lines with aligned columns, two blanks between them, nothing at their ends.
pub(super) fn lines(rows: &[Vec<String>], align: &[Align]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..align.len()).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .zip(align)
                .map(|((cell, width), align)| {
                    let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
                    match align {
                        Align::Left => format!("{cell}{blanks}"),
                        Align::Right => format!("{blanks}{cell}"),
                    }
                });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let rows = [row("é", "1"), row("long", "20"), row("x", "")];
        assert_eq!(
            lines(&rows, &[Align::Left, Align::Right]),
            ["é      1", "long  20", "x"]
        );
    }
}
