//! Pseudonyms: what stands for personal data in the recordings of one session.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::proof::{
    FICTION, NO_CHECK, NO_NET, NO_NETWORK, PERSON, Standing, has_check_digit, is_unissued_card,
    is_unissued_iban,
};
use super::search::{Place, places};
use super::{PersonalKind, plain};
use crate::model::ContentId;

/// Replaces personal data by pseudonyms, each of the same shape and drawn by lot: the same one wherever the
/// same thing stands. What stands for whom is known in memory only, and only as long as the vault lives.
pub(in crate::redact) struct Vault {
    kinds: BTreeSet<PersonalKind>,
    drawn: Mutex<Drawn>,
}

/// The pseudonyms so far.
struct Drawn {
    lot: Lot,
    known: HashMap<(PersonalKind, String), String>,
    taken: HashSet<String>,
}

impl Vault {
    /// Returns a vault for data of these kinds.
    pub(in crate::redact) fn new(kinds: &BTreeSet<PersonalKind>) -> Self {
        Self {
            kinds: kinds.clone(),
            drawn: Mutex::new(Drawn {
                lot: Lot::new(),
                known: HashMap::new(),
                taken: HashSet::new(),
            }),
        }
    }

    /// Returns an empty vault for data of the same kinds.
    pub(in crate::redact) fn anew(&self) -> Self {
        Self::new(&self.kinds)
    }

    /// Returns the personal data in a text, each with what is to stand in its place.
    pub(in crate::redact) fn find(&self, text: &str) -> Vec<(Place, String)> {
        let places = places(text, Standing::Real).into_iter();
        places
            .filter(|place| self.kinds.contains(&place.kind))
            .map(|place| {
                let pseudonym = self.pseudonym(&place);
                (place, pseudonym)
            })
            .collect()
    }

    /// Returns a text without personal data; `None` where there is none.
    pub(in crate::redact) fn replaced(&self, text: &str) -> Option<String> {
        let found = self.find(text);
        if found.is_empty() {
            return None;
        }
        let mut clean = String::with_capacity(text.len());
        let mut rest = 0;
        for (place, pseudonym) in found {
            clean.push_str(text.get(rest..place.range.start).unwrap_or_default());
            clean.push_str(&pseudonym);
            rest = place.range.end;
        }
        clean.push_str(text.get(rest..).unwrap_or_default());
        Some(clean)
    }

    /// Takes note of the pseudonyms in a text: none of them is drawn for somebody else.
    pub(in crate::redact) fn reserve(&self, text: &str) {
        let places = places(text, Standing::Pseudonym);
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.iter().map(|place| plain(place.kind, &place.text));
        drawn.taken.extend(taken);
    }

    fn pseudonym(&self, place: &Place) -> String {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let core = drawn.core(place.kind, plain(place.kind, &place.text));
        written_like(place, &core)
    }
}

impl Drawn {
    /// Returns what stands for somebody's data.
    fn core(&mut self, kind: PersonalKind, real: String) -> String {
        let key = (kind, real);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let mut core = self.lot.core(kind, &key.1);
        // Where a range is used up, two of them share a pseudonym.
        for _again in 0..TRIES {
            let is_told = match kind {
                PersonalKind::Iban => is_unissued_iban(&core),
                PersonalKind::Card => is_unissued_card(&core),
                PersonalKind::Email | PersonalKind::Phone | PersonalKind::Ip => true,
            };
            if is_told && !self.taken.contains(&core) {
                break;
            }
            core = self.lot.core(kind, &key.1);
        }
        self.taken.insert(core.clone());
        self.known.insert(key, core.clone());
        core
    }
}

/// How often a pseudonym is drawn again that stands for something else already, or can't be told: one
/// account or card in 97 can.
const TRIES: usize = 4000;

/// Returns a pseudonym with the spaces and signs of what it stands for.
fn written_like(place: &Place, core: &str) -> String {
    match place.kind {
        PersonalKind::Email if place.text.contains('@') => core.to_owned(),
        PersonalKind::Email => core.replace('@', "%40"),
        PersonalKind::Ip => core.to_owned(),
        PersonalKind::Phone | PersonalKind::Iban | PersonalKind::Card => {
            let mut core = core.chars();
            let like = |c: char| {
                if c.is_ascii_alphanumeric() {
                    core.next()
                } else {
                    Some(c)
                }
            };
            place.text.chars().filter_map(like).collect()
        }
    }
}

/// Numbers drawn by lot that nobody can guess.
struct Lot {
    seed: ContentId,
    drawn: u64,
}

impl Lot {
    fn new() -> Self {
        // Two version 7 ids hold 74 random bits each; the hash spreads them.
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        Self {
            seed: ContentId::of_parts([one.as_bytes().as_slice(), other.as_bytes()]),
            drawn: 0,
        }
    }

    /// Returns 32 random bytes, again and again other ones.
    fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let drawn = self.drawn.to_le_bytes();
        *ContentId::of_parts([self.seed.as_bytes().as_slice(), &drawn]).as_bytes()
    }

    /// Draws what may stand for `real`.
    fn core(&mut self, kind: PersonalKind, real: &str) -> String {
        let bytes = self.bytes();
        let mut rest = bytes.iter().map(|byte| u32::from(*byte));
        let mut below = |limit: u32| rest.next().unwrap_or_default() % limit;
        // No zeros in long numbers: a part of one, cut off in a stream, would look like a phone's.
        match kind {
            PersonalKind::Email => {
                let name: String = (0..8).map(|_| char_of(below(32))).collect();
                format!("{PERSON}{name}@example.com")
            }
            PersonalKind::Phone => {
                let length = real.len().saturating_sub(FICTION.len() + 2);
                let zeros = real.chars().take(length).take_while(|c| *c == '0').count();
                let lead = (zeros..length).map(|_| char::from_digit(2 + below(8), 10));
                let lead: String = lead.flatten().collect();
                format!("{}{lead}{FICTION}{:02}", "0".repeat(zeros), below(100))
            }
            PersonalKind::Iban => {
                let (country, rest) = real.split_at_checked(2).unwrap_or(("XX", real));
                let like = |c: char| {
                    if c.is_ascii_digit() {
                        char::from_digit(1 + below(9), 10)
                    } else {
                        char::from_digit(10 + below(26), 36).map(|c| c.to_ascii_uppercase())
                    }
                };
                let rest: String = rest.chars().skip(2).filter_map(like).collect();
                format!("{country}{NO_CHECK}{rest}")
            }
            PersonalKind::Card => {
                let body = (2..real.len()).filter_map(|_| char::from_digit(1 + below(9), 10));
                let body: String = std::iter::once(NO_NETWORK).chain(body).collect();
                let fits = |check: &u32| {
                    let all = body.chars().filter_map(|c| c.to_digit(10)).chain([*check]);
                    has_check_digit(&all.collect::<Vec<_>>())
                };
                let check = (0..10).find(fits).unwrap_or_default();
                format!("{body}{check}")
            }
            PersonalKind::Ip if real.contains(':') => {
                let mut part = || 1 + below(255) * 256 + below(256);
                format!("2001:db8::{:x}:{:x}", part(), part())
            }
            PersonalKind::Ip => {
                let net = 18 + below(2);
                format!("{NO_NET}{net}.{}.{}", below(256), 1 + below(254))
            }
        }
    }
}

/// Returns a letter or digit that can't be taken for another one.
fn char_of(index: u32) -> char {
    let at = usize::try_from(index).unwrap_or_default();
    "abcdefghijkmnpqrstuvwxyz23456789"
        .chars()
        .nth(at)
        .unwrap_or('a')
}

#[cfg(test)]
mod tests {
    use super::super::{find_personal, find_pseudonyms};
    use super::*;

    fn vault() -> Vault {
        Vault::new(&PersonalKind::ALL.into())
    }

    const REAL: [(&str, PersonalKind); 13] = [
        ("mia.berg@posteo.de", PersonalKind::Email),
        ("mia%40posteo.de", PersonalKind::Email),
        ("+49 30 901820", PersonalKind::Phone),
        ("+4930901820", PersonalKind::Phone),
        ("(415) 867-5309", PersonalKind::Phone),
        ("030/9018200", PersonalKind::Phone),
        ("00493090182001", PersonalKind::Phone),
        ("DE89 3704 0044 0532 0130 00", PersonalKind::Iban),
        ("GB82WEST12345698765432", PersonalKind::Iban),
        ("4111 1111 1111 1111", PersonalKind::Card),
        ("378282246310005", PersonalKind::Card),
        ("84.112.7.201", PersonalKind::Ip),
        ("2a00:1450:4001:81b::200e", PersonalKind::Ip),
    ];

    #[test]
    fn a_pseudonym_has_the_shape_of_what_it_stands_for_and_is_not_found_again() {
        // What is drawn by lot is drawn often.
        for _again in 0..200 {
            let vault = vault();
            for (real, kind) in REAL {
                let text = format!("Please note {real}, and 12 more; {real} again.");
                let clean = vault.replaced(&text).unwrap();
                assert!(!clean.contains(real), "{clean}");
                assert_eq!(vault.replaced(&clean), None, "{clean}");
                assert_eq!(find_personal(&clean), [], "{clean}");
                let kinds: Vec<_> = find_pseudonyms(&clean)
                    .into_iter()
                    .map(|found| (found.kind, found.text))
                    .collect();
                assert_eq!(kinds.len(), 2, "{clean}");
                assert_eq!(kinds[0], kinds[1], "{clean}");
                assert_eq!(kinds[0].0, kind, "{clean}");
            }
        }
    }

    #[test]
    fn the_same_person_has_one_pseudonym_however_it_is_written() {
        let vault = vault();
        let one = vault.replaced("Mia@Posteo.de").unwrap();
        let escaped = vault.replaced(r#"{"to": "mia\u0040posteo.de"}"#).unwrap();
        assert_eq!(escaped, format!(r#"{{"to": "{one}"}}"#));
        let line = vault.replaced(r#""first\nmia@posteo.de""#).unwrap();
        assert_eq!(line, format!(r#""first\n{one}""#));
        let spaced = vault.replaced("+49 30 90 18 20").unwrap();
        let packed = vault.replaced("+4930901820").unwrap();
        assert_eq!(spaced.replace(' ', ""), packed);
        assert_ne!(vault.replaced("other@posteo.de").unwrap(), one);
        assert_ne!(vault.anew().replaced("mia@posteo.de").unwrap(), one);
    }

    #[test]
    fn what_stands_for_somebody_already_is_not_drawn_again() {
        // All but one of the hundred numbers that eight digits leave, for each first digit.
        let numbers =
            (2..10).flat_map(|lead| (0..100).map(move |end| format!("+{lead} 55501{end:02}")));
        let numbers: Vec<String> = numbers.filter(|number| number != "+7 5550142").collect();
        let vault = vault();
        vault.reserve(&numbers.join(", "));
        assert_eq!(vault.replaced("+4 9301234").unwrap(), "+7 5550142");
    }

    #[test]
    fn only_the_kinds_that_were_asked_for_are_replaced() {
        let vault = Vault::new(&[PersonalKind::Ip].into());
        let clean = vault.replaced("mia@posteo.de from 84.112.7.201").unwrap();
        assert!(clean.starts_with("mia@posteo.de from "), "{clean}");
        assert!(!clean.contains("84.112"), "{clean}");
    }

    #[test]
    fn a_drawn_account_is_no_account() {
        let mut lot = Lot::new();
        for _again in 0..500 {
            let iban = lot.core(PersonalKind::Iban, "DE89370400440532013000");
            let is_found = find_personal(&iban)
                .iter()
                .any(|found| found.kind == PersonalKind::Iban);
            // One in 97 has the remainder of real ones; the vault draws another one then.
            assert!(!is_found || !is_unissued_iban(&iban), "{iban}");
        }
    }
}
