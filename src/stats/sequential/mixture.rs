//! Capital that was bet in several ways at once.

use super::super::special::real;

/// The capitals of several gamblers who began with 1 together; their mean is the evidence.
///
/// If no gambler can expect to win under the null hypothesis, neither can they together: the mean is an e-process, and by
/// Ville's inequality (1939) it ever reaches `1 / alpha` with probability at most `alpha`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mixture {
    capitals: Vec<f64>,
    most: f64,
}

impl Mixture {
    /// Returns the beginning for so many gamblers.
    pub(super) fn new(gamblers: usize) -> Self {
        Self {
            capitals: vec![1.0; gamblers],
            most: 1.0,
        }
    }

    /// Multiplies each gambler's capital.
    pub(super) fn multiply(&mut self, factors: impl Iterator<Item = f64>) {
        for (capital, factor) in self.capitals.iter_mut().zip(factors) {
            // Giving away what is beyond any threshold keeps the rest finite and costs no validity.
            *capital = (*capital * factor).clamp(0.0, LARGEST);
        }
        self.most = self.most.max(self.e_value());
    }

    /// Returns the evidence now.
    pub(super) fn e_value(&self) -> f64 {
        self.capitals
            .iter()
            .map(|capital| capital / real(self.capitals.len()))
            .sum()
    }

    /// Returns a p-value that holds at any time: 1 over the most evidence so far.
    pub(super) fn p_value(&self) -> f64 {
        1.0 / self.most
    }
}

const LARGEST: f64 = 1e300;
