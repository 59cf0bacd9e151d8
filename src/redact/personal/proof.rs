//! What proves that a text is personal data, and what tells a pseudonym: ranges reserved for examples and
//! numbers that nobody issues.

use std::net::IpAddr;

use super::PersonalKind;

/// Whose a text is that has the shape of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redact) enum Standing {
    /// It may belong to somebody.
    Real,
    /// It belongs to nobody, and looks as pseudonyms do.
    Pseudonym,
}

/// Returns whose a text of this shape is; `None` where it is something else.
pub(super) fn standing(kind: PersonalKind, text: &str, is_free: bool) -> Option<Standing> {
    let (is_pseudonym, is_real) = match kind {
        PersonalKind::Email => (is_pseudonymous_mail(text), !is_example_mail(text)),
        PersonalKind::Iban => (is_unissued_iban(text), is_iban(text)),
        PersonalKind::Ip => (is_nobodys_ip(text), is_public_ip(text)),
        PersonalKind::Card => (is_free && is_unissued_card(text), is_free && is_card(text)),
        PersonalKind::Phone => {
            let digits = digits(text);
            let is_phone = is_free && (8..=15).contains(&digits.len());
            let end: Vec<u32> = digits.iter().rev().skip(2).take(5).copied().collect();
            (
                is_phone && end == [1, 0, 5, 5, 5],
                is_phone && !is_fictional(text),
            )
        }
    };
    if is_pseudonym {
        Some(Standing::Pseudonym)
    } else {
        is_real.then_some(Standing::Real)
    }
}

/// How the local part of a pseudonymous address begins.
pub(super) const PERSON: &str = "person-";

/// The prefix of a card number that no network issues.
pub(super) const NO_NETWORK: char = '9';

/// The check digits that no IBAN has.
pub(super) const NO_CHECK: &str = "00";

/// How the addresses begin that are for tests of networks (198.18.0.0/15, RFC 2544): TEST-NET has too few.
pub(super) const NO_NET: &str = "198.";

/// How the last seven digits of a phone number begin that is reserved for fiction.
pub(super) const FICTION: &str = "55501";

fn host_of(mail: &str) -> String {
    let host = mail.rsplit('@').next().unwrap_or_default();
    let host = host.rsplit("%40").next().unwrap_or_default();
    host.to_ascii_lowercase()
}

fn is_pseudonymous_mail(text: &str) -> bool {
    let name = text.strip_prefix(PERSON);
    name.is_some_and(|name| name.len() > 8) && host_of(text) == "example.com"
}

fn is_example_mail(text: &str) -> bool {
    let host = host_of(text);
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

fn is_nobodys_ip(text: &str) -> bool {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => matches!(ip.octets(), [198, 18 | 19, ..]),
        Ok(IpAddr::V6(ip)) => matches!(ip.segments(), [0x2001, 0x0db8, ..]),
        Err(_no_address) => false,
    }
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
pub(super) fn is_card(text: &str) -> bool {
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
    is_issued && !is_one_digit && has_check_digit(&digits)
}

/// Returns whether a number has a check digit as cards have it, and a prefix that no card has. It is also
/// divisible by 97, so that digits which follow it are not taken for a part of it.
pub(super) fn is_unissued_card(text: &str) -> bool {
    let digits = digits(text);
    let rest = digits
        .iter()
        .fold(0, |rest, digit| (rest * 10 + digit) % 97);
    text.starts_with(NO_NETWORK)
        && (13..=19).contains(&digits.len())
        && has_check_digit(&digits)
        && rest == 0
}

pub(super) fn has_check_digit(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Returns whether a text is an IBAN: its length and its check digits (ISO 7064).
pub(super) fn is_iban(text: &str) -> bool {
    iban_rest(text) == Some(1)
}

/// Returns whether a text looks like an IBAN and has the check digits that none has.
pub(super) fn is_unissued_iban(text: &str) -> bool {
    let is_unissued = text.get(2..).is_some_and(|rest| rest.starts_with(NO_CHECK));
    is_unissued && iban_rest(text) == Some(0)
}

/// Returns the remainder of a number with the length and the characters of an IBAN.
fn iban_rest(text: &str) -> Option<u32> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&plain.len()) {
        return None;
    }
    let (head, tail) = plain.split_at_checked(4)?;
    tail.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    })
}

/// Returns whether digits of those phone numbers stand in a text that nobody has: 555-01xx.
pub(super) fn is_fictional(text: &str) -> bool {
    let digits = digits(text);
    digits.windows(5).any(|five| five == [5, 5, 5, 0, 1])
}
