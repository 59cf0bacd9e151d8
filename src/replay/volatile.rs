//! Values that change on every run though nothing happened: how they look, and when two of them may
//! stand for each other.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use crate::redact::{PersonalKind, find_pseudonyms};

/// A kind of volatile value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Uuid,
    Date,
    Time,
    Epoch,
    Id,
    TempPath,
    Address,
    /// What stands for personal data.
    Person(PersonalKind),
}

impl Class {
    /// Returns what stands in a template in place of the value.
    pub(super) fn token(self) -> &'static str {
        match self {
            Self::Uuid => "<uuid>",
            Self::Date => "<date>",
            Self::Time => "<time>",
            Self::Epoch => "<epoch>",
            Self::Id => "<id>",
            Self::TempPath => "<tmp>",
            Self::Address => "<address>",
            Self::Person(PersonalKind::Email) => "<email>",
            Self::Person(PersonalKind::Phone) => "<phone>",
            Self::Person(PersonalKind::Iban) => "<iban>",
            Self::Person(PersonalKind::Card) => "<card>",
            Self::Person(PersonalKind::Ip) => "<ip>",
        }
    }
}

/// A volatile value as it stood in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Volatile {
    /// What it is.
    pub(super) class: Class,
    /// As it stood there.
    pub(super) text: String,
    /// Days since the Unix epoch, of dates and epoch stamps.
    pub(super) day: Option<i64>,
}

/// One alternative a class, tried in this order at each place of the text.
static VOLATILE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let month = "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|\
                 Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)";
    let weekday = "(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,?\\s+)";
    let clock = "\\d{1,2}:\\d{2}(?::\\d{2}(?:[.,]\\d{1,9})?)?(?:\\s?(?:Z|UTC|GMT|[AaPp][Mm]|[+-]\\d{2}:?\\d{2}))*";
    let ordinal = "(?:st|nd|rd|th)?";
    Regex::new(&format!(
        r"(?x)
        (?P<uuid>\b[0-9a-fA-F]{{8}}-(?:[0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}\b)
        |(?P<date>\b\d{{4}}-\d{{2}}-\d{{2}}(?:[T\x20]{clock})?
            |{weekday}?\b{month}\.?\s+\d{{1,2}}{ordinal},?\s+\d{{4}}(?:,?\s+(?:at\s+)?{clock})?
            |{weekday}?\b\d{{1,2}}{ordinal}\s+{month}\.?,?\s+\d{{4}}(?:,?\s+(?:at\s+)?{clock})?)
        |(?P<time>\b\d{{1,2}}:\d{{2}}:\d{{2}}(?:[.,]\d{{1,9}})?\b)
        |(?P<epoch>\b1\d{{9}}(?:\d{{3}}|\d{{6}}|\d{{9}})?(?:\.\d{{1,9}})?\b)
        |(?P<id>\b(?:call|toolu|tooluse|chatcmpl|resp|msg|req|run|thread|fc|rs)[_-][A-Za-z0-9]{{8,}}\b)
        |(?P<tmp>(?:/private)?/(?:tmp|var/tmp|var/folders/[^/\s]+/[^/\s]+/T)/[A-Za-z0-9._-]+)
        |(?P<address>\b(?:127\.0\.0\.1|localhost):\d{{2,5}}\b)
        "
    ))
    .ok()
});

/// Replaces volatile values in `text` by their tokens; the values go to `values` in order.
pub(super) fn extract(text: &str, values: &mut Vec<Volatile>) -> Option<String> {
    let regex = VOLATILE.as_ref()?;
    let mut rest = 0;
    let mut template = String::new();
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        let class = [
            ("uuid", Class::Uuid),
            ("date", Class::Date),
            ("time", Class::Time),
            ("epoch", Class::Epoch),
            ("id", Class::Id),
            ("tmp", Class::TempPath),
            ("address", Class::Address),
        ]
        .into_iter()
        .find_map(|(name, class)| captures.name(name).map(|_found| class))?;
        if class == Class::Epoch && is_fraction(text, whole.start()) {
            continue;
        }
        template.push_str(text.get(rest..whole.start())?);
        template.push_str(class.token());
        rest = whole.end();
        values.push(Volatile {
            class,
            text: whole.as_str().to_owned(),
            day: day(class, whole.as_str()),
        });
    }
    if rest == 0 {
        return None;
    }
    template.push_str(text.get(rest..)?);
    Some(template)
}

/// Replaces what stands for personal data in `text` by tokens; the pseudonyms go to `values` in order.
pub(super) fn extract_people(text: &str, values: &mut Vec<Volatile>) -> Option<String> {
    let people = find_pseudonyms(text);
    if people.is_empty() {
        return None;
    }
    let mut rest = 0;
    let mut template = String::new();
    for person in people {
        let class = Class::Person(person.kind);
        template.push_str(text.get(rest..person.range.start)?);
        template.push_str(class.token());
        rest = person.range.end;
        values.push(Volatile {
            class,
            text: person.text,
            day: None,
        });
    }
    template.push_str(text.get(rest..)?);
    Some(template)
}

/// Returns whether the digits at `start` stand behind a decimal point.
fn is_fraction(text: &str, start: usize) -> bool {
    let before = text
        .get(..start)
        .and_then(|before| before.strip_suffix('.'));
    before.is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()))
}

/// Returns the day that a date or an epoch stamp lies in.
fn day(class: Class, text: &str) -> Option<i64> {
    match class {
        Class::Date => date_of(text).map(days_since_epoch),
        Class::Epoch => {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            let scale = 10_i64.checked_pow(u32::try_from(digits.len().checked_sub(10)?).ok()?)?;
            Some(digits.parse::<i64>().ok()? / scale / 86_400)
        }
        Class::Uuid
        | Class::Time
        | Class::Id
        | Class::TempPath
        | Class::Address
        | Class::Person(_) => None,
    }
}

fn days_since_epoch(date: Date) -> i64 {
    let epoch = Date::constant(1970, 1, 1);
    date.duration_since(epoch).as_hours() / 24
}

/// How the names of the months begin.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Reads a date in ISO form or with the month as a word.
fn date_of(text: &str) -> Option<Date> {
    if let Some(iso) = text.get(..10).and_then(|iso| iso.parse::<Date>().ok()) {
        return Some(iso);
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let is_month = |word: &String| MONTHS.iter().position(|month| word.starts_with(month));
    let is_weekday =
        |word: &String| word.ends_with("day") || word.len() == 3 && is_month(word).is_none();
    let words: Vec<&String> = words
        .iter()
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) || !is_weekday(word))
        .collect();
    let month = words.iter().find_map(|word| is_month(word))?;
    let number = |word: &&String| {
        word.trim_end_matches(char::is_alphabetic)
            .parse::<i16>()
            .ok()
    };
    let numbers: Vec<i16> = words.iter().filter_map(number).collect();
    let day = numbers.iter().find(|number| (1..=31).contains(*number))?;
    let year = numbers.iter().find(|number| **number >= 1000)?;
    Date::new(
        *year,
        i8::try_from(month + 1).ok()?,
        i8::try_from(*day).ok()?,
    )
    .ok()
}

/// How far from its run's own day a date may lie to count as volatile, in days.
const NEARBY_DAYS: i64 = 400;

/// The days on which the two sides of a comparison ran, since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    /// The day of the recording.
    pub(super) recorded: i64,
    /// The day of this run.
    pub(super) live: i64,
}

/// A consistent mapping between the volatile values of two requests.
pub(super) struct Mapping<'a> {
    days: Days,
    forward: HashMap<&'a str, &'a str>,
    backward: HashMap<&'a str, &'a str>,
    /// The pseudonyms of the recording.
    people: HashSet<&'a str>,
}

impl<'a> Mapping<'a> {
    /// Returns the empty mapping.
    pub(super) fn new(days: Days) -> Self {
        Self {
            days,
            forward: HashMap::new(),
            backward: HashMap::new(),
            people: HashSet::new(),
        }
    }

    /// Takes note of all pseudonyms of the recording before it is compared with anything.
    pub(super) fn know(&mut self, recorded: &'a [Volatile]) {
        let people = recorded
            .iter()
            .filter(|value| matches!(value.class, Class::Person(_)));
        self.people.extend(people.map(|value| value.text.as_str()));
    }

    /// Takes in two lists of values; returns whether they fit each other and all taken in before.
    pub(super) fn admit(&mut self, recorded: &'a [Volatile], live: &'a [Volatile]) -> bool {
        recorded.len() == live.len()
            && recorded
                .iter()
                .zip(live)
                .all(|(recorded, live)| self.admit_one(recorded, live))
    }

    fn admit_one(&mut self, recorded: &'a Volatile, live: &'a Volatile) -> bool {
        if recorded.class != live.class || !self.may_differ(recorded, live) {
            return false;
        }
        match recorded.class {
            // Two runs may put the same clock reading where one had two, so times map freely.
            Class::Date | Class::Time | Class::Epoch | Class::Address => true,
            // The agent sends the recorded pseudonym where it was served, and the real one elsewhere, which
            // has another pseudonym in this run. It never sends that of somebody else.
            Class::Person(_) if recorded.text == live.text => true,
            Class::Person(_) if self.people.contains(live.text.as_str()) => false,
            Class::Uuid | Class::Id | Class::TempPath | Class::Person(_) => {
                let (recorded, live) = (recorded.text.as_str(), live.text.as_str());
                *self.forward.entry(recorded).or_insert(live) == live
                    && *self.backward.entry(live).or_insert(recorded) == recorded
            }
        }
    }

    fn may_differ(&self, recorded: &Volatile, live: &Volatile) -> bool {
        if recorded.text == live.text {
            return true;
        }
        match recorded.class {
            Class::Date | Class::Epoch => {
                let near = |day: Option<i64>, now: i64| {
                    day.is_some_and(|day| day.abs_diff(now) <= NEARBY_DAYS.unsigned_abs())
                };
                near(recorded.day, self.days.recorded) && near(live.day, self.days.live)
            }
            Class::Uuid
            | Class::Time
            | Class::Id
            | Class::TempPath
            | Class::Address
            | Class::Person(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> (String, Vec<Volatile>) {
        let mut values = Vec::new();
        let template = extract(text, &mut values).unwrap_or_else(|| text.to_owned());
        (template, values)
    }

    #[test]
    fn volatile_values_become_tokens() {
        let cases = [
            ("id 4F9c1d2e-aaaa-4bbb-8ccc-0123456789ab!", "id <uuid>!"),
            ("Today is 2026-11-23.", "Today is <date>."),
            ("at 2026-11-23T02:12:22.123Z ok", "at <date> ok"),
            ("Mon, 23 Nov 2026 02:12:22 GMT", "<date>"),
            ("It is Monday, November 23, 2026", "It is <date>"),
            ("on 23rd November 2026 we", "on <date> we"),
            ("started 10:11:12.5 now", "started <time> now"),
            ("ts=1795400000 and 1795400000123", "ts=<epoch> and <epoch>"),
            ("took 0.1419893538482846 s", "took 0.1419893538482846 s"),
            ("see call_AbCdEf123456", "see <id>"),
            ("wrote /tmp/run-12ab/out.txt", "wrote <tmp>/out.txt"),
            ("http://127.0.0.1:45123/x", "http://<address>/x"),
            ("nothing 12 here 3.14 v1.2.3", "nothing 12 here 3.14 v1.2.3"),
        ];
        for (text, template) in cases {
            assert_eq!(values(text).0, template, "{text}");
        }
    }

    #[test]
    fn dates_far_from_their_run_are_content() {
        let days = Days {
            recorded: 20_000,
            live: 20_030,
        };
        let date = |text: &str| values(text).1;
        let today = "2024-10-04"; // day 20_000
        assert_eq!(date(today)[0].day, Some(20_000));
        assert!(Mapping::new(days).admit(&date(today), &date("2024-11-03")));
        assert!(!Mapping::new(days).admit(&date("1969-07-20"), &date("1969-07-21")));
        assert!(Mapping::new(days).admit(&date("1969-07-20"), &date("1969-07-20")));
    }

    #[test]
    fn ids_map_one_to_one() {
        let days = Days {
            recorded: 0,
            live: 0,
        };
        let a = "11111111-1111-4111-8111-111111111111";
        let b = "22222222-2222-4222-8222-222222222222";
        let c = "33333333-3333-4333-8333-333333333333";
        let list = |ids: &[&str]| values(&ids.join(" ")).1;
        assert!(Mapping::new(days).admit(&list(&[a, b, a]), &list(&[b, c, b])));
        assert!(!Mapping::new(days).admit(&list(&[a, b, a]), &list(&[b, c, c])));
        assert!(!Mapping::new(days).admit(&list(&[a, b]), &list(&[c, c])));
    }

    #[test]
    fn pseudonyms_map_to_those_of_another_run_and_to_nobody_else() {
        let days = Days {
            recorded: 0,
            live: 0,
        };
        let [a, b, a2, b2] = ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"]
            .map(|name| format!("person-{name}@example.com"));
        let list = |people: &[&String]| {
            let text: Vec<&str> = people.iter().map(|person| person.as_str()).collect();
            let mut values = Vec::new();
            let template = extract_people(&text.join(" "), &mut values);
            assert_eq!(template.unwrap(), vec!["<email>"; text.len()].join(" "));
            values
        };
        let admits = |recorded: &[&String], live: &[&String]| {
            let (recorded, live) = (list(recorded), list(live));
            let mut mapping = Mapping::new(days);
            mapping.know(&recorded);
            mapping.admit(&recorded, &live)
        };
        assert!(admits(&[&a, &b, &a], &[&a2, &b2, &a2]));
        assert!(admits(&[&a, &b, &a], &[&a2, &b2, &a]), "served, then sent");
        assert!(!admits(&[&a, &b, &a], &[&a2, &b2, &b2]));
        assert!(!admits(&[&a, &b, &a], &[&a2, &b2, &b]));
        assert!(!admits(&[&a, &b], &[&a2, &a2]));
    }

    #[test]
    fn dates_with_words_are_read() {
        for text in [
            "Mon, 23 Nov 2026 02:12:22 GMT",
            "November 23rd, 2026",
            "23 Nov 2026",
        ] {
            assert_eq!(date_of(text), Some(Date::constant(2026, 11, 23)), "{text}");
        }
    }
}
