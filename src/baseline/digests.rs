//! Whether a check is still the one that was accepted.

use std::collections::BTreeMap;

use crate::check;
use crate::model::{ContentId, canonical_id};

/// Returns the hashes of the checks' tables by id, without what does not change what is verified.
pub(super) fn digests(text: &str, checks: &[check::Definition]) -> BTreeMap<String, ContentId> {
    let document: toml::Table = toml::from_str(text).unwrap_or_default();
    let tables = document.get("check").and_then(toml::Value::as_array);
    let digest = |table: &toml::Value| {
        let mut table = table.as_table().cloned().unwrap_or_default();
        for key in ["id", "severity", "weight"] {
            table.remove(key);
        }
        canonical_id(&table)
    };
    let ids = checks.iter().map(|check| check.id.clone());
    ids.zip(tables.into_iter().flatten().map(digest)).collect()
}
