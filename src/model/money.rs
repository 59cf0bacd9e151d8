//! Money as integer micro-dollars.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in millionths of a US dollar.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// Returns an amount of dollars; less than nothing is nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the conversion saturates, as is wanted"
    )]
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * 1_000_000.0).round() as u64)
    }
}

impl std::ops::Add for MicroUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), std::ops::Add::add)
    }
}

impl fmt::Display for MicroUsd {
    /// Writes dollars: two decimals, four under ten cents, six under a hundredth of a cent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, decimals) = if (1..100).contains(&self.0) {
            (1, 6)
        } else if self.0 < 100_000 {
            (100, 4)
        } else {
            (10_000, 2)
        };
        let rounded = self.0.saturating_add(unit / 2) / unit;
        let scale = 10_u64.pow(decimals);
        let width = decimals as usize;
        write!(f, "${}.{:0width$}", rounded / scale, rounded % scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_show_more_decimals() {
        assert_eq!(MicroUsd(0).to_string(), "$0.0000");
        assert_eq!(MicroUsd(7).to_string(), "$0.000007");
        assert_eq!(MicroUsd(1_234).to_string(), "$0.0012");
        assert_eq!(MicroUsd(99_999).to_string(), "$0.1000");
        assert_eq!(MicroUsd(1_239_999).to_string(), "$1.24");
        assert_eq!(MicroUsd(u64::MAX).to_string(), "$18446744073709.55");
    }
}
