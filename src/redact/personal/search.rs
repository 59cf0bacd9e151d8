//! Where personal data and pseudonyms stand in a text.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::PersonalKind;
use super::decode::depths;
use super::proof::{Standing, is_fictional, standing};

/// Personal data, or what stands for it, at its place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redact) struct Place {
    /// What it is.
    pub(in crate::redact) kind: PersonalKind,
    /// Where it stands, escapes included.
    pub(in crate::redact) range: Range<usize>,
    /// What it reads without escapes.
    pub(in crate::redact) text: String,
}

static PERSONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?P<email>[\p{Latin}0-9][\p{Latin}0-9._%+-]*(?:@|%40)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})
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

/// A phone number where a longer row of digits was no card.
static LONG_PHONE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^00[1-9](?:[\x20./-]?\(?[0-9]{1,5}\)?){2,7}(?-u:\b)").ok());

/// Returns the places of what stands like `wanted`, in order and apart, also behind escapes.
pub(in crate::redact) fn places(text: &str, wanted: Standing) -> Vec<Place> {
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    let mut add = |place: Place| {
        // What reads without escapes says best where it begins: `\nmia@…` is no `nmia@…`.
        let before = places.range(..place.range.end).next_back();
        if before.is_none_or(|(_start, known)| known.range.end <= place.range.start) {
            places.insert(place.range.start, place);
        }
    };
    for depth in depths(text) {
        search(&depth.text, wanted, &mut |kind, range| {
            add(Place {
                kind,
                text: depth.text.get(range.clone()).unwrap_or_default().to_owned(),
                range: depth.original(&range),
            });
        });
    }
    search(text, wanted, &mut |kind, range| {
        add(Place {
            kind,
            text: text.get(range.clone()).unwrap_or_default().to_owned(),
            range,
        });
    });
    places.into_values().collect()
}

/// Finds what stands like `wanted` in a text as it reads.
fn search(text: &str, wanted: Standing, found: &mut dyn FnMut(PersonalKind, Range<usize>)) {
    let Some(regex) = PERSONAL.as_ref() else {
        return;
    };
    let mut at = 0;
    while let Some(captures) = regex.captures_at(text, at) {
        let Some(whole) = captures.get(0) else {
            return;
        };
        let kind = [
            ("email", PersonalKind::Email),
            ("iban", PersonalKind::Iban),
            ("ip6", PersonalKind::Ip),
            ("ip4", PersonalKind::Ip),
            ("card", PersonalKind::Card),
        ]
        .into_iter()
        .find_map(|(name, kind)| captures.name(name).map(|_found| kind))
        .unwrap_or(PersonalKind::Phone);
        let is_free = is_free(text, whole.start());
        let is_numbered = !matches!(kind, PersonalKind::Email | PersonalKind::Ip);
        let known = judge(kind, whole.as_str(), is_free).or_else(|| {
            if !is_numbered {
                return None;
            }
            let rest = head(text.get(whole.start()..).unwrap_or_default());
            let phone = LONG_PHONE.as_ref()?.find(rest)?;
            judge(PersonalKind::Phone, phone.as_str(), is_free)
        });
        let Some((kind, standing, length)) = known else {
            // What is no IBAN may hold a phone number further on.
            let first = whole.as_str().chars().next().map_or(1, char::len_utf8);
            at = (whole.start() + first).max(word_end(text, whole.start()));
            continue;
        };
        at = whole.start() + length;
        if standing == wanted {
            found(kind, whole.start()..at);
        }
    }
}

/// Says what a text is that has the shape of `kind`, and how much of it: what follows a number may look like
/// its last group.
fn judge(
    kind: PersonalKind,
    whole: &str,
    is_free: bool,
) -> Option<(PersonalKind, Standing, usize)> {
    if let Some(standing) = standing(kind, whole, is_free) {
        return Some((kind, standing, whole.len()));
    }
    if matches!(kind, PersonalKind::Email | PersonalKind::Ip) {
        return None;
    }
    let ends = whole.match_indices([' ', '-', '.', '/', '(']).rev();
    // The beginning of a number that nobody has is no number that somebody has.
    let is_fictional = kind == PersonalKind::Phone && is_fictional(whole);
    ends.filter_map(|(end, _)| whole.get(..end))
        .map(|shorter| shorter.trim_end_matches([' ', '-', '.', '/', '(']))
        .filter_map(|shorter| Some((kind, standing(kind, shorter, is_free)?, shorter.len())))
        .find(|(_kind, standing, _length)| !is_fictional || *standing == Standing::Pseudonym)
}

/// Returns the beginning of a text, long enough for any number.
fn head(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Returns where the word at `start` ends.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric());
    start + length.unwrap_or(rest.len())
}

/// Returns whether no digit or letter stands before a place.
fn is_free(text: &str, start: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().last());
    !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}
