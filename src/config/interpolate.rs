//! `${NAME}` in the few keys that may hold it: where things are differs between machines.
//!
//! Everything else is taken as it is written, and nothing here can reach a credential: the file may
//! come from a pull request, and an address goes out.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::agent::is_credential;

/// What is wrong with a `${NAME}`, and the place of its value in the text.
pub(super) struct Unfilled {
    pub(super) message: String,
    pub(super) span: std::ops::Range<usize>,
}

/// The keys in which `${NAME}` stands for a variable; `*` stands for any name.
pub(super) const KEYS: [&[&str]; 7] = [
    &["agent", "cwd"],
    &["agents", "*", "cwd"],
    &["capture", "bind"],
    &["capture", "advertise"],
    &["upstream", "scripted"],
    &["upstream", "*", "url"],
    &["gate", "baselines"],
];

/// Puts the values of variables in place.
pub(super) fn fill(
    table: &mut DeTable<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Unfilled> {
    KEYS.iter()
        .try_for_each(|path| fill_at(table, path, variable))
}

fn fill_at(
    table: &mut DeTable<'_>,
    path: &[&str],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Unfilled> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    for (key, value) in table.iter_mut() {
        if *first != "*" && key.get_ref() != first {
            continue;
        }
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(inner) => fill_at(inner, rest, variable)?,
            DeValue::String(text) if rest.is_empty() && text.contains("${") => {
                let filled = filled(text, variable);
                *text = filled
                    .map(Cow::Owned)
                    .map_err(|message| Unfilled { message, span })?;
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {}
        }
    }
    Ok(())
}

fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once('}')
            .ok_or_else(|| format!("`{text}` has a `${{` without its `}}`"))?;
        let upper = name.to_ascii_uppercase();
        let value = variable(name);
        if SECRET_ENDINGS.iter().any(|ending| upper.ends_with(ending))
            || is_credential(name, value.as_deref().unwrap_or_default())
        {
            return Err(format!(
                "`${{{name}}}` looks like a credential, which has no place here; `key_env` names the variable of a key"
            ));
        }
        let value = value.ok_or_else(|| {
            format!("the variable `{name}` is not set; set it, or write the value itself")
        })?;
        filled.push_str(&value);
        filled.push_str(rest);
    }
    Ok(filled)
}

/// How the names of variables that hold credentials end, beside those that an agent doesn't get.
const SECRET_ENDINGS: [&str; 5] = ["KEY", "_PAT", "PASS", "_PWD", "WEBHOOK_URL"];

/// Returns the document as a table with its place.
pub(super) fn document(table: Spanned<DeTable<'_>>) -> Spanned<DeValue<'_>> {
    let span = table.span();
    Spanned::new(span, DeValue::Table(table.into_inner()))
}
