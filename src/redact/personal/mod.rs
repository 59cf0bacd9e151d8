//! Finds personal data in texts: e-mail addresses, phone numbers, IBANs, card numbers, IP addresses.
//!
//! By shape, and by their check digits where they have some. Addresses from ranges that are reserved
//! for examples (`example.com`, 555-01xx, TEST-NET, private networks) belong to nobody and are not
//! found. Names and postal addresses have no shape and are not found either.
//!
//! A [`Vault`] replaces what was found by pseudonyms of the same shape out of such ranges.

mod decode;
mod proof;
mod search;
mod vault;

use std::collections::HashSet;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;

use proof::Standing;
use search::{Place, places};
pub(super) use vault::Vault;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonalKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// An international bank account number.
    Iban,
    /// A payment card.
    Card,
    /// A public IP address.
    Ip,
}

impl PersonalKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Email, Self::Phone, Self::Iban, Self::Card, Self::Ip];

    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Phone => "phone number",
            Self::Iban => "IBAN",
            Self::Card => "card number",
            Self::Ip => "IP address",
        }
    }
}

/// Personal data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalFinding {
    /// What it is.
    pub kind: PersonalKind,
    /// As it stands there.
    pub text: String,
}

/// A pseudonym in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonym {
    /// What it stands for.
    pub kind: PersonalKind,
    /// Itself, however it is written there.
    pub text: String,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

/// Returns the personal data in `text`, in order. Where the text is JSON, or holds escapes, the text
/// inside is searched as well.
pub fn find_personal(text: &str) -> Vec<PersonalFinding> {
    let finding = |place: Place| PersonalFinding {
        kind: place.kind,
        text: place.text,
    };
    let places = places(text, Standing::Real);
    let mut found: Vec<PersonalFinding> = places.into_iter().map(finding).collect();
    let mut seen = HashSet::new();
    found.retain(|finding| seen.insert(finding.text.clone()));
    found
}

/// Returns the personal data in all texts, keys and numbers of `value`.
pub fn find_personal_in(value: &Value) -> Vec<PersonalFinding> {
    let mut found = Vec::new();
    walk(value, &mut found);
    found
}

fn walk(value: &Value, found: &mut Vec<PersonalFinding>) {
    match value {
        Value::String(text) => found.extend(find_personal(text)),
        Value::Number(number) if number.is_f64() => {}
        Value::Number(number) => found.extend(find_personal(&number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(fields) => {
            for (key, field) in fields {
                found.extend(find_personal(key));
                walk(field, found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Returns the pseudonyms in `text`, in order, each where it stands.
pub fn find_pseudonyms(text: &str) -> Vec<Pseudonym> {
    let places = places(text, Standing::Pseudonym);
    let pseudonym = |place: Place| Pseudonym {
        kind: place.kind,
        text: plain(place.kind, &place.text),
        range: place.range,
    };
    places.into_iter().map(pseudonym).collect()
}

/// Returns personal data without what depends on how somebody writes it.
fn plain(kind: PersonalKind, text: &str) -> String {
    match kind {
        PersonalKind::Email => text.replace("%40", "@").to_lowercase(),
        PersonalKind::Ip => text.to_ascii_lowercase(),
        PersonalKind::Phone | PersonalKind::Iban | PersonalKind::Card => {
            let kept = text.chars().filter(char::is_ascii_alphanumeric);
            kept.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::proof::{is_card, is_iban};
    use super::*;

    fn kinds(text: &str) -> Vec<PersonalKind> {
        find_personal(text)
            .into_iter()
            .map(|one| one.kind)
            .collect()
    }

    #[test]
    fn each_kind_is_found_by_its_shape() {
        use PersonalKind as K;
        for (text, kind) in [
            ("write to mia.berg@posteo.de today", K::Email),
            ("mail=mia%40posteo.de", K::Email),
            (r#"{"to": "a\u0040b.io"}"#, K::Email),
            ("call +49 30 901820 or come", K::Phone),
            ("tel: (415) 867-5309", K::Phone),
            ("Tel. 030/9018200", K::Phone),
            ("pay DE89 3704 0044 0532 0130 00 now", K::Iban),
            ("GB82WEST12345698765432", K::Iban),
            ("card 4111 1111 1111 1111.", K::Card),
            ("5500-0000-0000-0004", K::Card),
            ("4111 1111 1111 1111 12/27", K::Card),
            ("DE89 3704 0044 0532 0130 00 BIC 1", K::Iban),
            ("00493090182001", K::Phone),
            ("tel=%2B4930901820&x", K::Phone),
            ("jörg.müller@posteo.de", K::Email),
            ("from 84.112.7.201:443", K::Ip),
            ("from 2a00:1450:4001:81b::200e", K::Ip),
        ] {
            assert_eq!(kinds(text), [kind], "{text}");
        }
    }

    /// Returns 40 identifiers of each kind, all different.
    fn identifiers() -> Vec<String> {
        let luhn = |body: String| {
            let sum = |check: u32| is_card(&format!("{body}{check}"));
            let check = (0..10).find(|check| sum(*check)).unwrap();
            format!("{body}{check}")
        };
        let iban = |account: u64| {
            let check = (2..99).find(|check| is_iban(&format!("DE{check:02}{account:018}")));
            format!("DE{:02}{account:018}", check.unwrap())
        };
        (0..40_u64)
            .flat_map(|n| {
                [
                    format!("mia.berg{n}@mail{n}.posteo.de"),
                    format!("+49 30 90{n:02}82{n:02}"),
                    iban(370_400_440_532_013_000 + n * 7),
                    luhn(format!("4111 22{n:02} 3333 9{n:02}")),
                    format!("84.{}.7.{}", 100 + n, 30 + n),
                ]
            })
            .collect()
    }

    #[test]
    fn two_hundred_planted_identifiers_are_found_however_they_are_wrapped() {
        let planted = identifiers();
        assert_eq!(planted.len(), 200);
        let mut missed = Vec::new();
        for (at, text) in planted.iter().enumerate() {
            let prose = format!("Please note: {text}, and go on.");
            let value = match at % 4 {
                0 => Value::from(prose),
                1 => serde_json::json!({"arguments": {"to": [text]}}),
                2 => Value::from(serde_json::json!({"inner": prose}).to_string()),
                _ => {
                    let inner = serde_json::json!({"q": format!("line\n{text}\tend")}).to_string();
                    Value::from(serde_json::json!({"body": inner}).to_string())
                }
            };
            let found = find_personal_in(&value);
            if !found.iter().any(|one| one.text.contains(text.as_str())) {
                missed.push(format!("{text} in {value}: {found:?}"));
            }
        }
        assert!(
            missed.is_empty(),
            "{} missed:\n{}",
            missed.len(),
            missed.join("\n")
        );
    }

    #[test]
    fn what_belongs_to_nobody_or_is_something_else_is_not_found() {
        for text in [
            "ann@example.com and bob@mail.example.org",
            "+1 202 555 0143, 555-0143",
            "192.0.2.7, 10.0.0.1, 127.0.0.1:8080, version 1.12.0.3",
            "GB82WEST12345698765433",
            "4111 1111 1111 1112",
            "2026-05-31T10:00:00Z, 1748685600, 1748685600123",
            "Tokyo has 37,400,068 people; 14,094,034 in the city (2021-10-01)",
            "b3:0123456789abcdef0123456789abcdef",
            "0123e4567-e89b-12d3-a456-426614174000",
            "2001:db8::1 and 10:14:59",
            "icon@2x.png",
            "a score of 0.4111111111111111 and 1e-4111111111111111",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}
