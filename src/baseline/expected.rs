//! `expected` of `baseline.toml`: the right answer, for each judge that has none of its own.
//!
//! It is put into the tables of the checks before they are read, and counts when checks are compared: another
//! right answer is another question to the judge.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Puts the right answer into each `judge` check that has none, also below others; adds it to what `outside`
/// lists for the checks that took it.
pub(super) fn put_in(
    checks: &mut Spanned<DeValue<'_>>,
    expected: &Spanned<String>,
    outside: &mut [Vec<String>],
) {
    let DeValue::Array(tables) = checks.get_mut() else {
        return;
    };
    for (table, outside) in tables.iter_mut().zip(outside) {
        if put_below(table, expected) {
            outside.push(expected.get_ref().clone());
        }
    }
}

/// Returns whether any check took it.
fn put_below(value: &mut Spanned<DeValue<'_>>, expected: &Spanned<String>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) if is_judge(table) => {
            let is_open = !table.contains_key("expected");
            if is_open {
                let span = expected.span();
                let text = DeValue::String(expected.get_ref().clone().into());
                let key = Spanned::new(span.clone(), "expected".into());
                table.insert(key, Spanned::new(span, text));
            }
            is_open
        }
        DeValue::Table(table) => {
            let mut is_taken = false;
            for (key, value) in table.iter_mut() {
                if matches!(key.get_ref().as_ref(), "check" | "checks") {
                    is_taken |= put_below(value, expected);
                }
            }
            is_taken
        }
        DeValue::Array(values) => {
            let taken = values.iter_mut().map(|value| put_below(value, expected));
            taken.fold(false, |any, one| any | one)
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => false,
    }
}

fn is_judge(table: &DeTable<'_>) -> bool {
    let kind = table.get("kind").map(Spanned::get_ref);
    matches!(kind, Some(DeValue::String(kind)) if kind.as_ref() == "judge")
}
