//! Pairs two sets optimally, never greedily.
//!
//! [`best_pairs`] makes the total worth of the pairs greatest: the shortest-augmenting-path form of
//! the Hungarian method (Kuhn 1955, Munkres 1957; in this form Jonker and Volgenant 1987), O(n²m).
//! [`most_pairs`] makes as many pairs as can be: augmenting paths (Berge 1957), O(n·edges).

use std::collections::VecDeque;

/// Returns, for each row, the column that it is paired with, such that the sum of `worth` is
/// greatest. Every row gets a column while there are as many columns as rows; a pair that is worth 0
/// is as good as none, so it is left out.
pub fn best_pairs(
    rows: usize,
    columns: usize,
    worth: &dyn Fn(usize, usize) -> u64,
) -> Vec<Option<usize>> {
    if rows > columns {
        return transposed(
            &best_pairs(columns, rows, &|row, column| worth(column, row)),
            rows,
        );
    }
    let mut solver = Solver::new(rows, columns);
    for row in 1..=rows {
        solver.add_row(row, worth);
    }
    let mut pairs = vec![None; rows];
    for (column, row) in solver.row_of.iter().enumerate().skip(1) {
        if let (Some(row), Some(column)) = (row.checked_sub(1), column.checked_sub(1))
            && let Some(pair) = pairs.get_mut(row)
            && worth(row, column) > 0
        {
            *pair = Some(column);
        }
    }
    pairs
}

/// Returns, for each row, the column that it is paired with, such that as many rows as possible have a
/// column that `fits`.
pub fn most_pairs(
    rows: usize,
    columns: usize,
    fits: &dyn Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let edges: Vec<Vec<usize>> = (0..rows)
        .map(|row| (0..columns).filter(|column| fits(row, *column)).collect())
        .collect();
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    for row in 0..rows {
        augment(row, &edges, &mut row_of);
    }
    transposed(&row_of, rows)
}

/// Gives `start` a column, moving other rows along the shortest augmenting path, if there is one.
fn augment(start: usize, edges: &[Vec<usize>], row_of: &mut [Option<usize>]) {
    let mut came_from: Vec<Option<usize>> = vec![None; row_of.len()];
    let mut column_of: Vec<Option<usize>> = vec![None; edges.len()];
    for (column, row) in row_of.iter().enumerate() {
        if let Some(place) = row.and_then(|row| column_of.get_mut(row)) {
            *place = Some(column);
        }
    }
    let mut queue = VecDeque::from([start]);
    while let Some(row) = queue.pop_front() {
        for &column in edges.get(row).map_or(&[][..], Vec::as_slice) {
            let Some(seen @ None) = came_from.get_mut(column) else {
                continue;
            };
            *seen = Some(row);
            match row_of.get(column).copied().flatten() {
                Some(other) => queue.push_back(other),
                None => return turn(column, &came_from, &column_of, row_of),
            }
        }
    }
}

/// Turns the pairs along the path that ends at the free column `end`.
fn turn(
    end: usize,
    came_from: &[Option<usize>],
    column_of: &[Option<usize>],
    row_of: &mut [Option<usize>],
) {
    let mut next = Some(end);
    while let Some(column) = next {
        let row = came_from.get(column).copied().flatten();
        if let Some(place) = row_of.get_mut(column) {
            *place = row;
        }
        next = row.and_then(|row| column_of.get(row).copied().flatten());
    }
}

fn transposed(pairs: &[Option<usize>], len: usize) -> Vec<Option<usize>> {
    let mut turned = vec![None; len];
    for (column, row) in pairs.iter().enumerate() {
        if let Some(place) = row.and_then(|row| turned.get_mut(row)) {
            *place = Some(column);
        }
    }
    turned
}

/// Rows and columns count from 1 here; 0 is the row that is being placed.
struct Solver {
    columns: usize,
    row_price: Vec<i128>,
    column_price: Vec<i128>,
    row_of: Vec<usize>,
}

impl Solver {
    fn new(rows: usize, columns: usize) -> Self {
        Self {
            columns,
            row_price: vec![0; rows + 1],
            column_price: vec![0; columns + 1],
            row_of: vec![0; columns + 1],
        }
    }

    /// Places one row more along the cheapest augmenting path.
    fn add_row(&mut self, row: usize, worth: &dyn Fn(usize, usize) -> u64) {
        let mut slack = vec![i128::MAX; self.columns + 1];
        let mut came_from = vec![0_usize; self.columns + 1];
        let mut done = vec![false; self.columns + 1];
        set(&mut self.row_of, 0, row);
        let mut current = 0;
        loop {
            set(&mut done, current, true);
            let row = at(&self.row_of, current);
            let (mut least, mut next) = (i128::MAX, 0);
            for column in 1..=self.columns {
                if at(&done, column) {
                    continue;
                }
                let cost = -i128::from(worth(row.saturating_sub(1), column - 1));
                let reduced = cost - at(&self.row_price, row) - at(&self.column_price, column);
                if reduced < at(&slack, column) {
                    set(&mut slack, column, reduced);
                    set(&mut came_from, column, current);
                }
                if at(&slack, column) < least {
                    (least, next) = (at(&slack, column), column);
                }
            }
            for column in 0..=self.columns {
                if at(&done, column) {
                    add(&mut self.row_price, at(&self.row_of, column), least);
                    add(&mut self.column_price, column, -least);
                } else if column > 0 {
                    add(&mut slack, column, -least);
                }
            }
            current = next;
            if at(&self.row_of, current) == 0 {
                break;
            }
        }
        while current != 0 {
            let previous = at(&came_from, current);
            let row = at(&self.row_of, previous);
            set(&mut self.row_of, current, row);
            current = previous;
        }
    }
}

fn at<T: Copy + Default>(values: &[T], index: usize) -> T {
    values.get(index).copied().unwrap_or_default()
}

fn set<T>(values: &mut [T], index: usize, value: T) {
    if let Some(place) = values.get_mut(index) {
        *place = value;
    }
}

fn add(values: &mut [i128], index: usize, value: i128) {
    if let Some(place) = values.get_mut(index) {
        *place = place.saturating_add(value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(pairs: &[Option<usize>], worth: &[Vec<u64>]) -> u64 {
        pairs
            .iter()
            .enumerate()
            .filter_map(|(row, column)| Some(worth[row][(*column)?]))
            .sum()
    }

    /// The best total by trying everything.
    fn brute_force(worth: &[Vec<u64>], used: &mut Vec<bool>) -> u64 {
        let Some((row, rest)) = worth.split_first() else {
            return 0;
        };
        let mut best = brute_force(rest, used);
        for column in 0..row.len() {
            if !used[column] {
                used[column] = true;
                best = best.max(row[column] + brute_force(rest, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn the_best_pairing_is_found_where_taking_the_first_fit_fails() {
        // The first row fits both columns, the second only the first.
        let worth = [vec![1, 1], vec![1, 0]];
        assert_eq!(best_pairs(2, 2, &|r, c| worth[r][c]), [Some(1), Some(0)]);
    }

    #[test]
    fn nothing_is_paired_with_nothing() {
        assert_eq!(best_pairs(0, 3, &|_, _| 1), []);
        assert_eq!(best_pairs(2, 0, &|_, _| 1), [None, None]);
    }

    proptest! {
        #[test]
        fn no_other_pairing_has_more_pairs(
            columns in 1..5_usize,
            cells in prop::collection::vec(0..2_u64, 0..20),
        ) {
            let worth: Vec<Vec<u64>> = cells.chunks_exact(columns).map(<[u64]>::to_vec).collect();
            let pairs = most_pairs(worth.len(), columns, &|r, c| worth[r][c] > 0);
            let count = pairs.iter().flatten().count() as u64;
            prop_assert_eq!(total(&pairs, &worth), count);
            prop_assert_eq!(count, brute_force(&worth, &mut vec![false; columns]));
        }

        #[test]
        fn no_other_pairing_is_worth_more(
            columns in 1..5_usize,
            cells in prop::collection::vec(0..6_u64, 0..20),
        ) {
            let worth: Vec<Vec<u64>> = cells.chunks_exact(columns).map(<[u64]>::to_vec).collect();
            let pairs = best_pairs(worth.len(), columns, &|r, c| worth[r][c]);
            let mut taken: Vec<usize> = pairs.iter().flatten().copied().collect();
            let count = taken.len();
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), count);
            prop_assert_eq!(total(&pairs, &worth), brute_force(&worth, &mut vec![false; columns]));
        }
    }
}
