//! JSON cut into its top-level pieces without parsing what is inside them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A field of an object with its value as it stands in the text.
pub(super) type RawField<'a> = (Cow<'a, str>, &'a RawValue);

/// The fields of a JSON object in their order; of fields with the same name the last one counts.
pub(super) struct RawObject<'a>(pub(super) Vec<RawField<'a>>);

impl<'a> RawObject<'a> {
    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let index = self.0.iter().position(|(field, _raw)| field == name)?;
        let (_name, raw) = self.0.remove(index);
        (raw.get() != "null").then_some(raw)
    }
}

impl<'de> Deserialize<'de> for RawObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = RawObject<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<RawField<'de>> = Vec::new();
        while let Some((Name(name), raw)) = map.next_entry::<Name<'de>, &RawValue>()? {
            // Few fields: a scan beats a map. A hostile body with very many stays quadratic only
            // up to the limit.
            let same = (fields.len() < MAX_FIELDS)
                .then(|| fields.iter_mut().find(|(field, _raw)| *field == name));
            match same.flatten() {
                Some(field) => field.1 = raw,
                None => fields.push((name, raw)),
            }
        }
        Ok(RawObject(fields))
    }
}

/// A field name, borrowed where it holds no escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The number of fields up to which repeated names are looked for.
const MAX_FIELDS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_text_and_the_last_of_a_name_counts() {
        let mut object: RawObject<'_> =
            serde_json::from_str(r#"{"a": [1, 2.0] , "b\n": null, "a": {"x": 1}}"#).unwrap();
        assert_eq!(object.0.len(), 2);
        assert!(object.take("b\n").is_none());
        assert_eq!(object.take("a").unwrap().get(), r#"{"x": 1}"#);
        assert!(object.take("a").is_none());
        assert!(serde_json::from_str::<RawObject<'_>>("[1]").is_err());
    }
}
