//! `{ file = "answer.schema.json" }`: the JSON Schema of a check that stands in a file of its own.
//!
//! It is put in the place of its name before the check is read, and counts when checks are compared: a
//! change of the file is a change of the check.

use camino::Utf8Path;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::check::ReadError;

/// Puts the schemas that each of the checks names into it; returns them by check.
///
/// Paths are relative to `dir`.
///
/// # Errors
/// A file can't be read or holds no JSON; the error names it.
pub(super) fn put_in(
    checks: &mut Spanned<DeValue<'_>>,
    dir: &Utf8Path,
) -> Result<Vec<Vec<String>>, ReadError> {
    let DeValue::Array(tables) = checks.get_mut() else {
        return Ok(Vec::new());
    };
    let each = tables.iter_mut().map(|table| {
        let mut schemas = Vec::new();
        put_below(table, dir, &mut schemas)?;
        Ok(schemas)
    });
    each.collect()
}

fn put_below(
    value: &mut Spanned<DeValue<'_>>,
    dir: &Utf8Path,
    schemas: &mut Vec<String>,
) -> Result<(), ReadError> {
    match value.get_mut() {
        DeValue::Table(table) => {
            for (key, value) in table.iter_mut() {
                match key.get_ref().as_ref() {
                    "json_schema" => schemas.extend(put_one(value, dir)?),
                    "arguments" => {
                        if let DeValue::Table(tools) = value.get_mut() {
                            for (_tool, schema) in tools.iter_mut() {
                                schemas.extend(put_one(schema, dir)?);
                            }
                        }
                    }
                    "check" | "checks" => put_below(value, dir, schemas)?,
                    _ => {}
                }
            }
            Ok(())
        }
        DeValue::Array(values) => values
            .iter_mut()
            .try_for_each(|value| put_below(value, dir, schemas)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => Ok(()),
    }
}

/// Puts a schema in the place of the table that names its file, and returns it.
fn put_one(value: &mut Spanned<DeValue<'_>>, dir: &Utf8Path) -> Result<Option<String>, ReadError> {
    let span = value.span();
    let DeValue::Table(table) = value.get_ref() else {
        return Ok(None);
    };
    let Some(DeValue::String(name)) = table.get("file").map(Spanned::get_ref) else {
        return Ok(None);
    };
    if table.len() > 1 {
        return Ok(None);
    }
    let path = dir.join(name.as_ref());
    let fail = |message: String| ReadError::new(message, Some(span.clone()));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| fail(format!("the JSON Schema in {path} can't be read: {error}")))?;
    let schema: Json = serde_json::from_str(&text)
        .map_err(|error| fail(format!("{path} is no JSON Schema: {error}")))?;
    let schema = schema.to_string();
    *value.get_mut() = DeValue::String(schema.clone().into());
    Ok(Some(schema))
}
