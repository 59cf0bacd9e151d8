//! Files with traces of Langfuse, read row by row: what either API answers, pages of it, an export, or observations.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Value};

use super::trace::{Row, assembled};
use crate::interop::{ImportError, Trace};
use crate::text::{Branches, read_branches};

/// Returns the traces in a file, unpacked.
///
/// # Errors
/// What is no JSON, or JSON that holds no observations.
pub fn read_langfuse_file(file: impl Read) -> Result<Vec<Trace>, ImportError> {
    let mut found = File::default();
    let mut json = serde_json::Deserializer::from_reader(file);
    let walk = Walk {
        file: &mut found,
        depth: 0,
    };
    let read = walk.deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| ImportError::Malformed(format!("it can't be read as JSON: {error}")))?;
    let mut about = found.about;
    let traces: Vec<Trace> = found
        .rows
        .into_iter()
        .map(|(id, rows)| assembled(&id, &about.remove(&id).unwrap_or_default(), rows))
        .collect();
    if traces.is_empty() {
        return Err(ImportError::Malformed(
            "the file holds no observations of Langfuse; export the trace as JSON, or save what \
             /api/public/traces/ID answers"
                .to_owned(),
        ));
    }
    Ok(traces)
}

/// What a file holds.
#[derive(Debug, Default)]
struct File {
    about: BTreeMap<String, Map<String, Value>>,
    rows: BTreeMap<String, Vec<Row>>,
}

/// Pages in a list in a field: no file is deeper.
const MAX_DEPTH: usize = 4;

impl File {
    fn row(&mut self, row: Row, trace: Option<&str>) {
        let id = row
            .trace
            .as_deref()
            .or(trace)
            .unwrap_or_default()
            .to_owned();
        self.rows.entry(id).or_default().push(row);
    }
}

/// Reads a value that may hold observations.
struct Walk<'f> {
    file: &'f mut File,
    depth: usize,
}

impl Walk<'_> {
    fn below(&mut self) -> Walk<'_> {
        Walk {
            file: self.file,
            depth: self.depth.saturating_add(1),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return IgnoredAny::deserialize(from).map(|_ignored| ());
        }
        read_branches(from, self)
    }
}

impl<'de> Branches<'de> for Walk<'_> {
    fn list<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.below())?.is_some() {}
        Ok(())
    }

    fn object<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut fields = Map::new();
        let mut own: Option<Vec<Row>> = None;
        while let Some(name) = entries.next_key::<String>()? {
            match name.as_str() {
                "observations" => own = Some(entries.next_value_seed(Rows)?),
                "data" => entries.next_value_seed(self.below())?,
                _ => {
                    fields.insert(name, entries.next_value::<Value>()?);
                }
            }
        }
        if let Some(rows) = own {
            // The user interface writes the trace apart from its observations.
            let about = match fields.remove("trace") {
                Some(Value::Object(about)) => about,
                Some(_) | None => fields,
            };
            let id = about.get("id").and_then(Value::as_str).map(str::to_owned);
            for row in rows {
                self.file.row(row, id.as_deref());
            }
            if let Some(id) = id {
                self.file.about.insert(id, about);
            }
        } else if fields.contains_key("startTime") {
            self.file.row(Row::of(&Value::Object(fields)), None);
        }
        Ok(())
    }
}

/// Reads a list of observations, one at a time.
struct Rows;

impl<'de> DeserializeSeed<'de> for Rows {
    type Value = Vec<Row>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<Row>, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows {
    type Value = Vec<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of observations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = items.next_element::<Value>()? {
            rows.push(Row::of(&row));
        }
        Ok(rows)
    }
}
