//! A JSON body cut into its top-level pieces in one pass, without parsing what is inside them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A field of an object with its value as it stands in the text.
pub(super) type RawField<'a> = (Cow<'a, str>, &'a RawValue);

/// A request body: the messages one by one, and the other fields.
///
/// Of fields with the same name the last one counts.
#[derive(Debug)]
pub(super) struct RawBody<'a> {
    /// The other fields, in their order.
    pub(super) fields: Vec<RawField<'a>>,
    /// The messages; `None` where they are left out or null.
    pub(super) list: Option<RawList<'a>>,
}

/// The field that holds the messages.
#[derive(Debug)]
pub(super) enum RawList<'a> {
    /// An array.
    Items(Vec<&'a RawValue>),
    /// A text in its place.
    Text(String),
}

impl<'a> RawBody<'a> {
    /// Cuts a body whose messages stand in the field `list`.
    pub(super) fn cut(body: &'a [u8], list: &'static str) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let cut = (&mut deserializer).deserialize_map(BodyVisitor(list))?;
        deserializer.end()?;
        Ok(cut)
    }
}

struct BodyVisitor(&'static str);

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = RawBody<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<RawField<'de>> = Vec::new();
        let mut list = None;
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if name == self.0 {
                list = map.next_value_seed(ListVisitor(self.0))?;
                continue;
            }
            let raw = map.next_value::<&RawValue>()?;
            // Few fields: a scan beats a map, and a hostile body with very many is not scanned.
            let same = (fields.len() < MAX_FIELDS)
                .then(|| fields.iter_mut().find(|(field, _)| *field == name));
            match same.flatten() {
                Some(field) => field.1 = raw,
                None => fields.push((name, raw)),
            }
        }
        Ok(RawBody { fields, list })
    }
}

/// A field name, borrowed where it holds no escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The number of fields up to which repeated names are looked for.
const MAX_FIELDS: usize = 1000;

struct ListVisitor(&'static str);

impl<'de> DeserializeSeed<'de> for ListVisitor {
    type Value = Option<RawList<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Option<RawList<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array in `{}`", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<&RawValue>()? {
            items.push(item);
        }
        Ok(Some(RawList::Items(items)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(RawList::Text(text.to_owned())))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str) -> Result<RawBody<'_>, serde_json::Error> {
        RawBody::cut(body.as_bytes(), "messages")
    }

    #[test]
    fn fields_keep_their_text_and_the_last_of_a_name_counts() {
        let body = cut(r#"{"a": [1, 2.0] , "b\n": null, "a": {"x": 1}}"#).unwrap();
        let fields = body.fields.iter().map(|(name, raw)| (&**name, raw.get()));
        let fields: Vec<_> = fields.collect();
        assert_eq!(fields, [("a", r#"{"x": 1}"#), ("b\n", "null")]);
        assert!(body.list.is_none());
    }

    #[test]
    fn messages_are_cut_one_by_one() {
        let body = cut(r#"{"messages": [ {"a": 1}, 2 ]}"#).unwrap();
        assert!(matches!(body.list, Some(RawList::Items(items))
            if items[0].get() == r#"{"a": 1}"# && items.len() == 2));
        let body = cut(r#"{"messages": "h\n"}"#).unwrap();
        assert!(matches!(body.list, Some(RawList::Text(text)) if text == "h\n"));
        assert!(cut(r#"{"messages": null}"#).unwrap().list.is_none());
        for body in ["[1]", "{} x", r#"{"messages": {}}"#, r#"{"messages": [1}"#] {
            assert!(cut(body).is_err(), "{body}");
        }
    }
}
