//! Chance that is the same on every machine.

/// Draws numbers; the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    /// Begins the numbers of one draw of a class.
    pub(super) fn new(seed: u64, class: &str, nth: u64) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&seed.to_le_bytes());
        hash.update(class.as_bytes());
        hash.update(&nth.to_le_bytes());
        let first = hash.finalize().as_bytes()[..8]
            .try_into()
            .expect("eight bytes");
        Self(u64::from_le_bytes(first))
    }

    /// Returns the next number; Steele, Lea and Flood 2014 (`splitmix64`).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`, which is above 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    /// Returns a number from `low` to `high`.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Returns one of them; `None` where there is none.
    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }

    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}
