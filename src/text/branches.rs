//! JSON of which only lists and objects matter, read as it comes.

use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads the lists and objects of a document; all other values are passed over.
pub trait Branches<'de>: Sized {
    /// Reads a list.
    ///
    /// # Errors
    /// Those of the reader, and what the list may not hold.
    fn list<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error>;

    /// Reads an object.
    ///
    /// # Errors
    /// Those of the reader, and what the object may not hold.
    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error>;
}

/// Reads one value of a document.
///
/// # Errors
/// Those of the reader, and of `into`.
pub fn read_branches<'de, D: Deserializer<'de>>(
    from: D,
    into: impl Branches<'de>,
) -> Result<(), D::Error> {
    from.deserialize_any(Walk(into))
}

struct Walk<B>(B);

impl<'de, B: Branches<'de>> Visitor<'de> for Walk<B> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.0.list(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        self.0.object(entries)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _value: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _value: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _value: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _value: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
