//! What model calls cost: a dated table with its sources, and overrides of the user's.
//!
//! A model that the table does not know is unpriced (`None`), never free.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::model::{Call, MicroUsd, Usage};

/// Prices in micro-dollars for a million tokens, so that integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    input: u64,
    cached_input: u64,
    cache_write: u64,
    output: u64,
}

/// A price as people write it: dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Input tokens.
    pub input: f64,
    /// Input tokens read from the cache; as `input` where it is `None`.
    pub cached_input: Option<f64>,
    /// Input tokens written to the cache; as `input` where it is `None`.
    pub cache_write: Option<f64>,
    /// Output tokens.
    pub output: f64,
}

/// Prices by model.
#[derive(Debug, Clone)]
pub struct PriceTable {
    /// Overrides in order; `*` in a name stands for any text.
    overrides: Vec<(String, Row)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Vec<SourceBlock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceBlock {
    date: String,
    url: String,
    price: Vec<FileRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    model: String,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
}

/// The built-in rows, by model.
static BUILT_IN: LazyLock<BTreeMap<String, Row>> = LazyLock::new(|| {
    let file: Option<File> = toml::from_str(include_str!("prices.toml")).ok();
    let blocks = file.map(|file| file.source).unwrap_or_default();
    blocks
        .into_iter()
        .filter(|block| !block.url.is_empty() && !block.date.is_empty())
        .flat_map(|block| block.price)
        .map(|row| {
            let price = Price {
                input: row.input,
                cached_input: row.cached_input,
                cache_write: row.cache_write,
                output: row.output,
            };
            (row.model, Row::from(price))
        })
        .collect()
});

/// What may follow a family's name in the name of one of its versions: a date, or `latest`.
static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest|0)$").ok());

impl PriceTable {
    /// Returns the built-in table.
    pub fn built_in() -> Self {
        Self {
            overrides: Vec::new(),
        }
    }

    /// Returns the table with prices of the user's in front.
    #[must_use]
    pub fn with_overrides(mut self, overrides: impl IntoIterator<Item = (String, Price)>) -> Self {
        self.overrides.extend(
            overrides
                .into_iter()
                .map(|(model, price)| (model, price.into())),
        );
        self
    }

    /// Returns what these tokens cost; `None` for a model without a price.
    pub fn price(&self, model: &str, usage: &Usage) -> Option<MicroUsd> {
        let row = self.row(model)?;
        let cached = usage.cached_input.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let fresh = usage.input - cached - written;
        let cost = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let total = cost(fresh, row.input)
            + cost(cached, row.cached_input)
            + cost(written, row.cache_write)
            + cost(usage.output, row.output);
        Some(MicroUsd(
            u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX),
        ))
    }

    /// Returns what a call cost: by the model that answered, else the one asked for.
    pub fn price_of(&self, call: &Call) -> Option<MicroUsd> {
        let usage = call.response.usage?;
        let asked = call.request.treatment.model.as_deref();
        let answered = call.response.model.as_deref();
        [answered, asked]
            .into_iter()
            .flatten()
            .find_map(|model| self.price(model, &usage))
    }

    fn row(&self, model: &str) -> Option<Row> {
        // A gateway's prefix (`openai/gpt-4o`) says nothing about the price.
        let name = model.rsplit('/').next().unwrap_or(model);
        let own = self
            .overrides
            .iter()
            .find(|(glob, _row)| matches(glob, model) || matches(glob, name));
        own.map(|(_glob, row)| *row).or_else(|| built_in(name))
    }
}

/// Returns the row of a model or, for a version of it, that of the longest family name.
fn built_in(name: &str) -> Option<Row> {
    if let Some(row) = BUILT_IN.get(name) {
        return Some(*row);
    }
    let version = VERSION.as_ref()?;
    BUILT_IN
        .iter()
        .filter(|(family, _row)| {
            name.strip_prefix(family.as_str())
                .is_some_and(|rest| version.is_match(rest))
        })
        .max_by_key(|(family, _row)| family.len())
        .map(|(_family, row)| *row)
}

fn matches(glob: &str, text: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else {
        return glob == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        let Some((_before, after)) = text.split_once(piece) else {
            return false;
        };
        text = after;
    }
    true
}

impl From<Price> for Row {
    fn from(price: Price) -> Self {
        Self {
            input: micros(price.input),
            cached_input: micros(price.cached_input.unwrap_or(price.input)),
            cache_write: micros(price.cache_write.unwrap_or(price.input)),
            output: micros(price.output),
        }
    }
}

/// Returns dollars as whole micro-dollars; nothing negative, nothing that is no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u32 before the cast"
)]
fn micros(dollars: f64) -> u64 {
    (dollars * 1_000_000.0).round().clamp(0.0, 4e12) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cached_input: u64, cache_write: u64, output: u64) -> Usage {
        Usage {
            input,
            cached_input,
            cache_write,
            output,
            reasoning: 0,
        }
    }

    #[test]
    fn every_kind_of_token_has_its_price() {
        let table = PriceTable::built_in();
        let million = 1_000_000;
        let price = |model: &str, usage: Usage| table.price(model, &usage).unwrap().0;
        assert_eq!(price("gpt-4o", usage(million, 0, 0, 0)), 2_500_000);
        assert_eq!(price("gpt-4o", usage(million, million, 0, 0)), 1_250_000);
        assert_eq!(price("gpt-4o", usage(0, 0, 0, million)), 10_000_000);
        assert_eq!(
            price("claude-sonnet-4-5", usage(million, 0, million, 0)),
            3_750_000
        );
        assert_eq!(
            price("gpt-4o-mini", usage(1, 0, 0, 0)),
            1,
            "never rounded to nothing"
        );
    }

    #[test]
    fn dated_names_have_the_price_of_their_family_and_others_have_none() {
        let table = PriceTable::built_in();
        let one = usage(1_000_000, 0, 0, 0);
        assert_eq!(
            table.price("gpt-4o-2024-08-06", &one),
            table.price("gpt-4o", &one)
        );
        assert_eq!(
            table.price("openai/gpt-4o-mini", &one),
            Some(MicroUsd(150_000))
        );
        assert_eq!(
            table.price("claude-sonnet-4-5-20250929", &one),
            Some(MicroUsd(3_000_000))
        );
        for unknown in ["gpt-4o-realtime-preview", "llama-3", "", "gpt-5-pro"] {
            assert_eq!(table.price(unknown, &one), None, "{unknown}");
        }
    }

    #[test]
    fn a_price_of_the_users_wins() {
        let own = Price {
            input: 1.0,
            cached_input: None,
            cache_write: None,
            output: 2.0,
        };
        let table = PriceTable::built_in().with_overrides([("my-*-x".to_owned(), own)]);
        assert_eq!(
            table.price("my-model-x", &usage(500_000, 0, 0, 250_000)),
            Some(MicroUsd(1_000_000))
        );
        assert_eq!(table.price("my-model-y", &usage(1, 0, 0, 0)), None);
    }

    #[test]
    fn the_table_is_complete_and_sane() {
        let file: File = toml::from_str(include_str!("prices.toml")).unwrap();
        let rows: usize = file.source.iter().map(|block| block.price.len()).sum();
        assert_eq!(BUILT_IN.len(), rows, "no model stands twice");
        for (model, row) in BUILT_IN.iter() {
            assert!(row.cached_input <= row.input, "{model}");
            assert!(row.output >= row.input || row.output == 0, "{model}");
        }
    }
}
