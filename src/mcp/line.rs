//! Cuts a stream of bytes into lines, whatever their length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// A part of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole line, with its line feed where it has one.
    Line(Vec<u8>),
    /// A part of a line that is longer than the limit.
    Part {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether the line ends here.
        is_last: bool,
    },
}

/// Reads lines up to a limit whole, and longer ones in parts.
pub(super) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
    is_long: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Begins to read; `limit` is the most bytes that a whole line has.
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader,
            limit,
            line: Vec::new(),
            is_long: false,
        }
    }

    /// Returns the next piece; `None` at the end of the stream. Safe to cancel: nothing is lost.
    ///
    /// # Errors
    /// The stream can't be read.
    pub(super) async fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                let rest = std::mem::take(&mut self.line);
                let was_long = std::mem::take(&mut self.is_long);
                return Ok(match (rest.is_empty(), was_long) {
                    (true, false) => None,
                    (false, false) => Some(Piece::Line(rest)),
                    (_, true) => Some(Piece::Part {
                        bytes: rest,
                        is_last: true,
                    }),
                });
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(chunk.len(), |at| at + 1);
            self.line
                .extend_from_slice(chunk.get(..length).unwrap_or_default());
            self.reader.consume(length);
            if end.is_some() {
                let bytes = std::mem::take(&mut self.line);
                let is_long = std::mem::take(&mut self.is_long) || bytes.len() > self.limit;
                return Ok(Some(if is_long {
                    Piece::Part {
                        bytes,
                        is_last: true,
                    }
                } else {
                    Piece::Line(bytes)
                }));
            }
            if self.line.len() > self.limit || self.is_long {
                self.is_long = true;
                return Ok(Some(Piece::Part {
                    bytes: std::mem::take(&mut self.line),
                    is_last: false,
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    async fn pieces(bytes: &[u8], limit: usize, capacity: usize) -> Vec<Piece> {
        let mut lines = Lines::new(BufReader::with_capacity(capacity, bytes), limit);
        let mut found = Vec::new();
        while let Some(piece) = lines.next().await.unwrap() {
            found.push(piece);
        }
        found
    }

    #[tokio::test]
    async fn lines_come_whole_and_the_last_needs_no_line_feed() {
        let found = pieces(b"one\n\r\ntwo", 10, 2).await;
        let line = |text: &str| Piece::Line(text.into());
        assert_eq!(found, [line("one\n"), line("\r\n"), line("two")]);
    }

    #[tokio::test]
    async fn a_line_beyond_the_limit_comes_in_parts_and_the_next_is_whole_again() {
        let found = pieces(b"0123456789\nok\n", 4, 3).await;
        let (last, parts) = found.split_last().unwrap();
        assert_eq!(*last, Piece::Line(b"ok\n".to_vec()));
        let ends: Vec<bool> = parts
            .iter()
            .map(|piece| matches!(piece, Piece::Part { is_last: true, .. }))
            .collect();
        assert!(ends.len() > 1 && ends.iter().filter(|end| **end).count() == 1);
        assert_eq!(ends.last(), Some(&true));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_changed(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            limit in 0_usize..20,
            capacity in 1_usize..30,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(pieces(&bytes, limit, capacity));
            let mut whole = Vec::new();
            for piece in found {
                match piece {
                    Piece::Line(line) => {
                        prop_assert!(line.len() <= limit.max(1) + capacity);
                        whole.extend(line);
                    }
                    Piece::Part { bytes, .. } => whole.extend(bytes),
                }
            }
            prop_assert_eq!(whole, bytes);
        }
    }
}
