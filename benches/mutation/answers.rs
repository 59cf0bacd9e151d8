//! Changes of the report: by the model, whose prompt was changed, or by the agent, which prints it.

use super::random::Random;
use super::rules::{finish, prompted};
use super::subject::{Subject, Turn};
use super::{Change, code};

/// The model stops early.
pub(super) fn truncated(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let percent = random.between(5, 90);
    let whole = subject.answer.chars().count();
    let cut: String = subject.answer.chars().take(whole * percent / 100).collect();
    let mut change = written(subject, &cut, random);
    let why = if random.coin() { "length" } else { "stop" };
    finish(&mut change.rules, why);
    Some((
        format!("the model stops after {percent} % of it, finish {why}"),
        change,
    ))
}

/// The report is printed in part.
pub(super) fn half_printed(
    _subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let percent = random.between(5, 90);
    let (what, body) = match random.below(6) {
        0 => ("nothing of it".to_owned(), "text = \"\"\n".to_owned()),
        1 => (
            "its first sentence".to_owned(),
            "text = text.split(\". \")[0].split(\": \")[0]\n".to_owned(),
        ),
        2 => {
            let nth = random.between(2, 5);
            let body = format!(
                "text = \" \".join(word for at, word in enumerate(text.split()) if at % {nth})\n"
            );
            (format!("it without each word of {nth}"), body)
        }
        3 => (
            "it on standard error".to_owned(),
            "print(text, file=sys.stderr)\ntext = \"\"\n".to_owned(),
        ),
        4 => (
            format!("its last {percent} %"),
            format!("text = text[-(len(text) * {percent} // 100):]\n"),
        ),
        _ => (
            format!("its first {percent} %"),
            format!("text = text[:len(text) * {percent} // 100]\n"),
        ),
    };
    Some((
        format!("the agent prints {what}"),
        coded(code::report(&body)),
    ))
}

/// The report is that of another baseline.
pub(super) fn foreign(
    subject: &Subject,
    all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let others: Vec<&Subject> = all
        .iter()
        .filter(|other| other.name != subject.name)
        .collect();
    let other = random.one_of(&others)?;
    let (named, text) = match random.below(3) {
        0 => ("the answer", other.answer.clone()),
        1 => ("an answer that begins as its own and ends as that", {
            let begins = subject.answer.split(' ').next().unwrap_or_default();
            format!("{begins} {}", other.answer)
        }),
        _ => (
            "the outline",
            match other.lane("supervisor").turns.last() {
                Some(Turn::Text(outline)) => outline.clone(),
                Some(Turn::Calls(_)) | None => return None,
            },
        ),
    };
    let change = by_either(subject, &text, random);
    Some((format!("{} {named} of {}", change.0, other.name), change.1))
}

/// A number is another one.
pub(super) fn miscounted(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let numbers = numbers(&subject.answer);
    let number = *random.one_of(&numbers)?;
    let other = another(number, random);
    let text = subject.answer.replacen(number, &other, 1);
    let change = by_either(subject, &text, random);
    Some((
        format!("{} {other} in place of {number}", change.0),
        change.1,
    ))
}

/// The report says the opposite.
pub(super) fn negated(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let answer = &subject.answer;
    let text = match random.below(6) {
        0 => format!("It is not true that {answer}"),
        1 => format!("{answer} None of this is right."),
        2 => format!("Many say: \"{answer}\" They are wrong."),
        3 => answer
            .replacen(" has ", " has never had ", 1)
            .replacen(" is ", " is not ", 1)
            .replacen(" at ", " not at ", 1),
        4 => format!("The sources deny that {answer}"),
        _ => answer.replace(" it ", " it does not, as some say, "),
    };
    if text == *answer {
        return None;
    }
    let change = by_either(subject, &text, random);
    Some((format!("{} {text}", change.0), change.1))
}

/// The report says something that no source says.
pub(super) fn invented(
    subject: &Subject,
    _all: &[Subject],
    random: &mut Random,
) -> Option<(String, Change)> {
    let claims = [
        "Experts expect this to double within ten years.",
        "This was first measured by Leonardo da Vinci.",
        "A government report of last week confirms it.",
        "It is the most of all in Europe.",
        "The figure was doubted by 12 of 40 scientists.",
        "Nobody knew before 1987.",
        "It costs 3 million dollars a year.",
        "The opposite is true on Mondays.",
    ];
    let claim = *random.one_of(&claims)?;
    let text = if random.coin() {
        format!("{} {claim}", subject.answer)
    } else {
        format!("{claim} {}", subject.answer)
    };
    let change = by_either(subject, &text, random);
    let place = if text.ends_with(claim) {
        "at the end"
    } else {
        "first"
    };
    Some((format!("{} {place}: {claim}", change.0), change.1))
}

/// Lets the model write this report, or the agent print it.
fn by_either(subject: &Subject, text: &str, random: &mut Random) -> (&'static str, Change) {
    if random.coin() {
        ("the model writes", written(subject, text, random))
    } else {
        let body = format!("text = {}\n", code::text(text));
        ("the agent prints", coded(code::report(&body)))
    }
}

/// Lets the model write this report.
pub(super) fn written(subject: &Subject, text: &str, random: &mut Random) -> Change {
    let mut lane = subject.lane("writer").clone();
    lane.turns = vec![Turn::Text(text.to_owned())];
    prompted(&lane, random)
}

/// Returns the numbers in a text, as they stand there.
pub(super) fn numbers(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let words = words.map(|word| word.trim_matches('.'));
    words.filter(|word| !word.is_empty()).collect()
}

/// Returns another number with as many digits.
pub(super) fn another(number: &str, random: &mut Random) -> String {
    loop {
        let place = random.below(number.len());
        let digit = random.between(1, 9).to_string();
        let mut other = number.to_owned();
        if number.as_bytes()[place].is_ascii_digit() {
            other.replace_range(place..=place, &digit);
        }
        if other != number {
            return other;
        }
    }
}

fn coded(code: String) -> Change {
    Change {
        code,
        ..Change::default()
    }
}
