//! Random numbers from a seed: the same on every machine, forever.
//!
//! Not for secrets. Source: xoshiro256** 1.0 by D. Blackman and S. Vigna (2018), seeded by `SplitMix64` as its authors
//! advise.

use super::special::real;

/// A generator of random numbers; equal seeds give equal numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// Returns the generator of a seed.
    pub fn seeded(seed: u64) -> Self {
        let mut at = seed;
        let state = std::array::from_fn(|_| {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (at ^ (at >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { state }
    }

    /// Returns the next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let (c_mixed, d_mixed) = (c ^ a, d ^ b);
        self.state = [
            a ^ d_mixed,
            b ^ c_mixed,
            c_mixed ^ (b << 17),
            d_mixed.rotate_left(45),
        ];
        b.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// Returns a number from 0 to below 1, one of 2^53 equally likely.
    pub fn share(&mut self) -> f64 {
        real(usize::try_from(self.bits() >> 11).unwrap_or(0)) / 9_007_199_254_740_992.0
    }

    /// Returns a number below `end`, all equally likely; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let Some(end) = u64::try_from(end).ok().filter(|end| *end > 0) else {
            return 0;
        };
        // What is above the last whole multiple would favour the small numbers.
        let most = u64::MAX - u64::MAX % end;
        loop {
            let bits = self.bits();
            if bits < most {
                return usize::try_from(bits % end).unwrap_or(0);
            }
        }
    }

    /// Returns a number of the standard normal distribution, by the polar method of G. Marsaglia and T. A. Bray (1964).
    ///
    /// The last digit may differ where another library computes the logarithm.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (one, other) = (2.0 * self.share() - 1.0, 2.0 * self.share() - 1.0);
            let square = one * one + other * other;
            if square > 0.0 && square < 1.0 {
                return one * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    #[test]
    fn the_generator_is_xoshiro256_of_a_splitmix_seed() {
        for case in golden::cases("random") {
            let mut random = Random::seeded(case["seed"].as_u64().unwrap());
            for bits in case["bits"].as_array().unwrap() {
                assert_eq!(random.bits(), bits.as_u64().unwrap());
            }
            for below in case["below_10"].as_array().unwrap() {
                assert_eq!(
                    random.below(10),
                    usize::try_from(below.as_u64().unwrap()).unwrap()
                );
            }
        }
    }

    #[test]
    fn shares_are_even_and_normals_are_normal() {
        let mut random = Random::seeded(7);
        let shares: Vec<f64> = (0..20_000).map(|_| random.share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        assert!((shares.iter().sum::<f64>() / 20_000.0 - 0.5).abs() < 0.01);
        let normals: Vec<f64> = (0..2_000).map(|_| random.normal()).collect();
        assert!((normals.iter().sum::<f64>() / 2_000.0).abs() < 0.08);
        assert!((normals.iter().map(|z| z * z).sum::<f64>() / 2_000.0 - 1.0).abs() < 0.1);
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }
}
