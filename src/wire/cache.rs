//! A bounded concurrent map from content to what was parsed from it.
//!
//! Two generations a shard: what was used since the last turn-over, and what was not. When the young
//! one is full it becomes the old one, and what was old is forgotten, so no entry is ever touched
//! for book-keeping. Holds no lock while anything is parsed.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

/// A bounded map; the bound is a weight that the caller gives to each entry (bytes, roughly).
///
/// Keys are BLAKE3 hashes, or the content itself: a comparison costs less than a hash that can be
/// trusted.
pub(super) struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    shard_limit: usize,
}

struct Shard<K, V> {
    young: HashMap<K, (V, usize), RandomState>,
    old: HashMap<K, (V, usize), RandomState>,
    young_weight: usize,
}

impl<K: Hash + Eq + Borrow<[u8]>, V: Clone> Cache<K, V> {
    /// Returns an empty cache that keeps at most about `limit` in weight.
    pub(super) fn new(limit: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                young: HashMap::default(),
                old: HashMap::default(),
                young_weight: 0,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            shard_limit: limit / SHARDS / 2,
        }
    }

    /// Returns the value kept under `key`.
    pub(super) fn find(&self, key: &[u8]) -> Option<V> {
        let mut shard = self.shard(key)?;
        if let Some((value, _weight)) = shard.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = shard.old.remove_entry(key)?;
        shard.insert(key, value.clone(), weight, self.shard_limit);
        Some(value)
    }

    /// Keeps `value` under `key`; one that is heavier than the bound is not kept.
    pub(super) fn insert(&self, key: K, value: V, weight: usize) {
        let weight = weight.saturating_add(ENTRY_WEIGHT);
        if weight > self.shard_limit {
            return;
        }
        if let Some(mut shard) = self.shard(key.borrow()) {
            shard.insert(key, value, weight, self.shard_limit);
        }
    }

    /// Returns the shard of a key, chosen by its length and some bytes of its end.
    fn shard(&self, key: &[u8]) -> Option<MutexGuard<'_, Shard<K, V>>> {
        let end = key.iter().rev().take(8).copied().map(usize::from);
        let number = end.fold(key.len(), |sum, byte| sum.wrapping_mul(31) ^ byte);
        let shard = self.shards.get(number % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<K: Hash + Eq, V> Shard<K, V> {
    fn insert(&mut self, key: K, value: V, weight: usize, limit: usize) {
        if self.young_weight.saturating_add(weight) > limit {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        if self.young.insert(key, (value, weight)).is_none() {
            self.young_weight = self.young_weight.saturating_add(weight);
        }
    }
}

/// The number of independently locked parts.
const SHARDS: usize = 8;

/// What an entry weighs beside its content.
const ENTRY_WEIGHT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Box<[u8]> {
        Box::from(number.to_string().as_bytes())
    }

    #[test]
    fn what_is_used_stays_and_the_bound_holds() {
        let cache = Cache::new(SHARDS * 2 * 10 * (ENTRY_WEIGHT + 72));
        cache.insert(key(0), 0, 72);
        for number in 1..10_000 {
            cache.insert(key(number), number, 72);
            assert_eq!(cache.find(&key(0)), Some(0), "after {number}");
        }
        assert_eq!(cache.find(&key(1)), None);
        let kept = (0..10_000)
            .filter(|number| cache.find(&key(*number)).is_some())
            .count();
        assert!((10..=160).contains(&kept), "{kept}");
    }

    #[test]
    fn too_heavy_a_value_is_not_kept() {
        let cache = Cache::new(1000);
        cache.insert(key(1), 1, 5000);
        assert_eq!(cache.find(&key(1)), None);
    }
}
