//! Models that can't be asked any more.
//!
//! Sources, in copies looked up on 2026-11-23: OpenAI's page of deprecations
//! (<https://developers.openai.com/api/docs/deprecations>) with two articles of October 2026 that quote its
//! table, and Anthropic's (<https://platform.claude.com/docs/en/about-claude/model-deprecations>). The
//! dates are those of the providers' own platforms; Azure, Bedrock and Google Cloud have others.
//! Models whose date was not found are left out.

use jiff::civil::Date;

/// Year, month and day.
type Day = (i16, i8, i8);

/// The last days of models, as year, month and day, and their whole names.
const RETIRED: [(Day, &[&str]); 10] = [
    (
        (2024, 11, 6),
        &[
            "claude-1.0",
            "claude-1.1",
            "claude-1.2",
            "claude-1.3",
            "claude-instant-1.0",
            "claude-instant-1.1",
            "claude-instant-1.2",
        ],
    ),
    (
        (2025, 7, 21),
        &["claude-2.0", "claude-2.1", "claude-3-sonnet-20240229"],
    ),
    (
        (2025, 10, 28),
        &["claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022"],
    ),
    ((2026, 1, 5), &["claude-3-opus-20240229"]),
    ((2026, 2, 17), &["chatgpt-4o-latest"]),
    (
        (2026, 2, 19),
        &["claude-3-7-sonnet-20250219", "claude-3-5-haiku-20241022"],
    ),
    (
        (2026, 6, 15),
        &["claude-sonnet-4-20250514", "claude-opus-4-20250514"],
    ),
    (
        (2026, 10, 23),
        &[
            "gpt-3.5-turbo",
            "gpt-3.5-turbo-0125",
            "gpt-4",
            "gpt-4-0613",
            "gpt-4-1106-preview",
            "gpt-4-turbo",
            "gpt-4-turbo-2024-04-09",
            "gpt-4o-2024-05-13",
            "gpt-4.1-nano",
            "gpt-4.1-nano-2025-04-14",
            "o1",
            "o1-2024-12-17",
            "o1-pro",
            "o1-pro-2025-03-19",
            "o3-mini",
            "o3-mini-2025-01-31",
            "o4-mini",
            "o4-mini-2025-04-16",
        ],
    ),
    (
        (2026, 12, 11),
        &[
            "gpt-5",
            "gpt-5-2025-08-07",
            "gpt-5-mini",
            "gpt-5-mini-2025-08-07",
            "gpt-5-nano",
            "gpt-5-nano-2025-08-07",
            "gpt-5-pro",
            "o3",
            "o3-pro",
        ],
    ),
    (
        (2027, 1, 14),
        &["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"],
    ),
];

/// Returns the day on which the provider of a model shut it down, where that is not after `today`.
pub(super) fn retired_on(model: &str, today: Date) -> Option<Date> {
    let (day, _models) = RETIRED
        .iter()
        .find(|(_day, models)| models.contains(&model))?;
    let (year, month, day) = *day;
    Date::new(year, month, day).ok().filter(|day| *day <= today)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_model_is_retired_from_its_day_on_and_by_its_whole_name() {
        let day = date(2026, 10, 23);
        assert_eq!(retired_on("gpt-4", day), Some(day));
        assert_eq!(retired_on("gpt-4", date(2026, 10, 22)), None);
        for other in ["gpt-4.2", "ft:gpt-4:us", "openai/gpt-4", "GPT-4", ""] {
            assert_eq!(retired_on(other, date(2030, 1, 1)), None, "{other}");
        }
    }

    #[test]
    fn every_day_is_one() {
        for ((year, month, day), models) in RETIRED {
            assert!(Date::new(year, month, day).is_ok(), "{models:?}");
        }
    }
}
