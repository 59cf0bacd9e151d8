//! Finds personal data in texts: e-mail addresses, phone numbers, IBANs, card numbers, IP addresses.
//!
//! By shape, and by their check digits where they have some. Addresses from ranges that are reserved
//! for examples (`example.com`, 555-01xx, TEST-NET, private networks) belong to nobody and are not
//! found. Names and postal addresses have no shape and are not found either.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

static PERSONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?P<email>[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}(?:@|%40)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})
        |(?P<iban>(?-u:\b)[A-Z]{2}[0-9]{2}(?:[\x20-]?[A-Z0-9]){11,30}(?-u:\b))
        |(?P<ip6>(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}){1,7})
        |(?P<ip4>(?-u:\b)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?-u:\b))
        |(?P<card>(?-u:\b)[0-9](?:[\x20-]?[0-9]){12,18}(?-u:\b))
        |(?P<phone>(?:\+|(?-u:\b)00)[1-9][0-9]{0,3}(?:[\x20./-]?\(?[0-9]{1,5}\)?){2,6}(?-u:\b)
            |\(?(?-u:\b)[2-9][0-9]{2}\)?[\x20.-][2-9][0-9]{2}[\x20.-][0-9]{4}(?-u:\b)
            |(?-u:\b)0[1-9][0-9]{1,4}[\x20/-][0-9](?:[\x20-]?[0-9]){4,9}(?-u:\b))
        ",
    )
    .ok()
});

/// Returns the personal data in `text`, in order. Where the text is JSON, or holds escapes, the text
/// inside is searched as well.
pub fn find_personal(text: &str) -> Vec<PersonalFinding> {
    let mut found = Vec::new();
    search(text, &mut found);
    if text.contains('\\') {
        inside(text, &mut found);
    }
    let mut seen = std::collections::HashSet::new();
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

/// Searches what escapes hide: the text as the content of a JSON string, again and again.
fn inside(text: &str, found: &mut Vec<PersonalFinding>) {
    let mut current = text.to_owned();
    for _depth in 0..MAX_DEPTH {
        let next = unescaped(&current);
        if next == current {
            break;
        }
        search(&next, found);
        current = next;
    }
}

/// The most escapings of escapings that are looked through.
const MAX_DEPTH: usize = 4;

/// Returns the text with the escapes of JSON resolved; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let (one, skip) = match after.chars().next() {
            Some('n' | 'r' | 't' | 'b' | 'f') => (Some(' '), 1),
            Some(c @ ('"' | '\\' | '/')) => (Some(c), 1),
            Some('u') => {
                let code = after
                    .get(1..5)
                    .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(c) => (Some(c), 5),
                    None => (Some('\\'), 0),
                }
            }
            Some(_) | None => (Some('\\'), 0),
        };
        plain.extend(one);
        rest = after.get(skip..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

fn search(text: &str, found: &mut Vec<PersonalFinding>) {
    let Some(regex) = PERSONAL.as_ref() else {
        return;
    };
    let mut at = 0;
    while let Some(captures) = regex.captures_at(text, at) {
        let Some(whole) = captures.get(0) else {
            return;
        };
        let named = |name: &str| captures.name(name).is_some();
        let kind = if named("email") {
            Some(PersonalKind::Email).filter(|_| !is_example_mail(whole.as_str()))
        } else if named("iban") {
            is_iban(whole.as_str()).then_some(PersonalKind::Iban)
        } else if named("ip4") || named("ip6") {
            is_public_ip(whole.as_str()).then_some(PersonalKind::Ip)
        } else if named("card") {
            (is_card(whole.as_str()) && is_free(text, &whole.range())).then_some(PersonalKind::Card)
        } else {
            is_phone(whole.as_str(), is_free(text, &whole.range())).then_some(PersonalKind::Phone)
        };
        at = whole.end();
        if let Some(kind) = kind {
            let text = whole.as_str().to_owned();
            found.push(PersonalFinding { kind, text });
        } else if let Some(next) = text.get(whole.start()..).and_then(|rest| {
            // What is no IBAN may hold a phone number further on.
            let first = rest.chars().next()?;
            Some(whole.start() + first.len_utf8())
        }) {
            at = next.max(word_end(text, whole.start()));
        }
    }
}

/// Returns where the word at `start` ends.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric());
    start + length.unwrap_or(rest.len())
}

/// Returns whether no digit or letter stands around a range.
fn is_free(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).and_then(|text| text.chars().last());
    !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn is_example_mail(text: &str) -> bool {
    let host = text.rsplit(['@']).next().unwrap_or_default();
    let host = host
        .rsplit("%40")
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    ["example.com", "example.org", "example.net"]
        .iter()
        .any(|example| host == *example || host.ends_with(&format!(".{example}")))
        || [
            ".example",
            ".test",
            ".invalid",
            ".localhost",
            ".png",
            ".svg",
            ".js",
        ]
        .iter()
        .any(|end| host.ends_with(end))
}

fn is_public_ip(text: &str) -> bool {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let is_version_like =
                ip.octets().first() == Some(&0) || ip.octets().iter().all(|part| *part < 20);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_documentation()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_link_local()
                || is_version_like)
        }
        Ok(IpAddr::V6(ip)) => {
            let [first, second, ..] = ip.segments();
            first & 0xe000 == 0x2000 && !(first == 0x2001 && second == 0x0db8)
        }
        Err(_no_address) => false,
    }
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Returns whether a number is a card's: its first digit, its length and its check digit (Luhn).
fn is_card(text: &str) -> bool {
    let digits = digits(text);
    let prefix = |length: usize| {
        digits
            .iter()
            .take(length)
            .fold(0, |sum, digit| sum * 10 + digit)
    };
    let is_issued = matches!(
        (digits.len(), prefix(2), prefix(4)),
        (13 | 16 | 19, 40..=49, _)
            | (16, 51..=55 | 35, _)
            | (16, _, 2221..=2720)
            | (15, 34 | 37, _)
            | (14, 30 | 36 | 38, _)
            | (16..=19, 60..=65, _)
    );
    let is_one_digit = digits.windows(2).all(|pair| pair.first() == pair.last());
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    is_issued && !is_one_digit && sum.is_multiple_of(10)
}

/// Returns whether a text is an IBAN: its length and its check digits (ISO 7064).
fn is_iban(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let (head, tail) = plain.split_at(4);
    let rest = tail.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    rest == Some(1)
}

fn is_phone(text: &str, is_free: bool) -> bool {
    let digits = digits(text);
    let is_fiction = digits.windows(5).any(|five| five == [5, 5, 5, 0, 1]);
    is_free && (8..=15).contains(&digits.len()) && !is_fiction
}

#[cfg(test)]
mod tests {
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
