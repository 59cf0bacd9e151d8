//! Limits as people write them: `20000`, `"1.5x"`, `"<= 30s"`.

use toml::{Spanned, Value};

use super::What;
use crate::check::registry::ReadError;

/// The most that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// So much: tokens, steps, micro-dollars, microseconds.
    Most(u64),
    /// So many thousandths of what the reference used.
    Times(u64),
}

impl Limit {
    /// Reads a limit of `what`.
    pub(super) fn read(what: What, raw: &Spanned<Value>) -> Result<Self, ReadError> {
        let text = match raw.get_ref() {
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::String(text) => text.clone(),
            Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                String::new()
            }
        };
        let text = text.trim();
        let text = text.strip_prefix("<=").map_or(text, str::trim);
        let relative = text
            .strip_suffix('x')
            .and_then(|factor| decimal(factor.trim(), 3))
            .map(Self::Times);
        let limit = relative.or_else(|| absolute(what, text).map(Self::Most));
        limit.ok_or_else(|| {
            let examples = match what {
                What::Usd => "0.05 (dollars) or \"1.5x\"",
                What::Latency => "\"30s\", \"500ms\" or \"1.5x\"",
                What::Tokens | What::Steps | What::ModelCalls | What::ToolCalls => "20 or \"1.5x\"",
            };
            let message = format!("this is no limit; write such as {examples}");
            ReadError::new(message, Some(raw.span()))
        })
    }
}

fn absolute(what: What, text: &str) -> Option<u64> {
    match what {
        What::Usd => decimal(text.strip_prefix('$').unwrap_or(text), 6),
        What::Latency => UNITS
            .iter()
            .find_map(|(unit, micros)| Some((text.strip_suffix(unit)?, *micros)))
            .and_then(|(number, micros)| {
                let thousandths = decimal(number.trim(), 3)?;
                Some(thousandths.checked_mul(micros)? / 1_000)
            }),
        What::Tokens | What::Steps | What::ModelCalls | What::ToolCalls => decimal(text, 0),
    }
}

/// Returns a number without sign, in units of the last of so many decimals; `None` for a text that is
/// none or has more decimals.
fn decimal(text: &str, decimals: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > decimals {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}")
        .replace('_', "")
        .parse()
        .ok()
}

/// Returns a factor in thousandths as text.
pub(super) fn times(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns a time in words.
pub(super) fn time(micros: u64) -> String {
    if micros < 1_000_000 {
        return format!("{} ms", micros / 1_000);
    }
    format!("{}.{} s", micros / 1_000_000, micros / 100_000 % 10)
}

/// Units of time and their microseconds; one that ends like another stands before it.
const UNITS: [(&str, u64); 4] = [
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
];
