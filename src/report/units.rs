//! Numbers as people read them.

/// Returns a number of tokens, such as `950`, `12.3k`, `4.56M`.
pub fn tokens(number: u64) -> String {
    match number {
        0..=999 => number.to_string(),
        1_000..=999_949 => scaled(number, 1_000, 1, "k"),
        _ => scaled(number, 1_000_000, 2, "M"),
    }
}

/// Returns a duration in microseconds, such as `80 us`, `340 ms`, `1.2 s`, `2 m 05 s`.
pub(super) fn duration(us: u64) -> String {
    match us {
        0 => "0 s".to_owned(),
        1..=999 => format!("{us} us"),
        1_000..=999_499 => format!("{} ms", (us + 500) / 1_000),
        999_500..=59_949_999 => scaled(us, 1_000_000, 1, " s"),
        _ => {
            let seconds = (us + 500_000) / 1_000_000;
            format!("{} m {:02} s", seconds / 60, seconds % 60)
        }
    }
}

/// Returns `1 step`, `2 steps`.
pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Returns how much of `whole` a part is, in whole percent; `-` of nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match u128::from(part)
        .saturating_mul(200)
        .saturating_add(u128::from(whole))
        .checked_div(2 * u128::from(whole))
    {
        Some(percent) => format!("{percent} %"),
        None => "-".to_owned(),
    }
}

/// Returns at most `limit` characters of a text on one line, with `…` where something is left out.
pub(super) fn excerpt(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return line;
    }
    let kept: String = line.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Returns at most the last `limit` characters of a text, with `…` where something is left out: what a
/// program wrote last says why it ended.
pub(super) fn ending(text: &str, limit: usize) -> String {
    let left_out = text.chars().count().saturating_sub(limit);
    if left_out == 0 {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(left_out + 1).collect();
    format!("…{kept}")
}

fn scaled(number: u64, unit: u64, decimals: u32, suffix: &str) -> String {
    let scale = 10_u64.pow(decimals);
    // By way of u128, so that no number is too large.
    let rounded =
        (u128::from(number) * u128::from(scale) + u128::from(unit) / 2) / u128::from(unit);
    let (whole, rest) = (rounded / u128::from(scale), rounded % u128::from(scale));
    let width = decimals as usize;
    format!("{whole}.{rest:0width$}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_people_read() {
        let shown = [0, 999, 1_000, 12_345, 999_949, 999_950, 4_560_000].map(tokens);
        assert_eq!(
            shown,
            ["0", "999", "1.0k", "12.3k", "999.9k", "1.00M", "4.56M"]
        );
        assert!(tokens(u64::MAX).ends_with('M'));
        let shown = [
            80,
            340_400,
            999_499,
            999_500,
            59_949_999,
            59_950_000,
            125_000_000,
        ];
        assert_eq!(
            shown.map(duration),
            [
                "80 us", "340 ms", "999 ms", "1.0 s", "59.9 s", "1 m 00 s", "2 m 05 s"
            ]
        );
        assert_eq!(percent(2, 3), "67 %");
        assert_eq!(percent(0, 0), "-");
        assert_eq!(count(1, "step"), "1 step");
    }

    #[test]
    fn excerpts_are_one_line_and_cut_between_characters() {
        assert_eq!(excerpt("a\n  b", 10), "a b");
        assert_eq!(excerpt("ééééé", 3), "éé…");
        assert_eq!(ending("éa\nb", 3), "…\nb");
        assert_eq!(ending("ab", 2), "ab");
    }
}
