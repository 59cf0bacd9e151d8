//! Whether a check is still the one that was accepted.

use std::collections::BTreeMap;

use crate::check;
use crate::model::{ContentId, canonical_id};

/// Keys that say how much a result counts, and none what is looked at.
const THRESHOLDS: [&str; 6] = [
    "id",
    "severity",
    "weight",
    "k_of_n",
    "max_drop",
    "min_kappa",
];

/// Returns the hashes of the checks' tables by id, without what does not change what is verified.
///
/// `outside` holds by check what belongs to it and stands elsewhere: files that it names, the baseline's `expected`.
pub(super) fn digests(
    text: &str,
    checks: &[check::Definition],
    outside: &[Vec<String>],
) -> BTreeMap<String, ContentId> {
    let document: toml::Table = toml::from_str(text).unwrap_or_default();
    let tables = document.get("check").and_then(toml::Value::as_array);
    let digest = |(index, table): (usize, &toml::Value)| {
        let mut table = table.as_table().cloned().unwrap_or_default();
        for key in THRESHOLDS {
            table.remove(key);
        }
        match outside.get(index) {
            Some(outside) if !outside.is_empty() => canonical_id(&(table, outside)),
            Some(_) | None => canonical_id(&table),
        }
    };
    let ids = checks.iter().map(|check| check.id.clone());
    let tables = tables.into_iter().flatten().enumerate();
    ids.zip(tables.map(digest)).collect()
}
