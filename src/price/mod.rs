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
struct Rates {
    input: u64,
    cached_input: u64,
    cache_write: u64,
    output: u64,
}

/// The prices of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    rates: Rates,
    /// What all tokens of a request cost that has more than so many input tokens.
    long: Option<(u64, Rates)>,
}

impl Row {
    fn rates(&self, usage: &Usage) -> Rates {
        match self.long {
            Some((above, rates)) if usage.input > above => rates,
            Some(_) | None => self.rates,
        }
    }
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
    /// Overrides; `*` in a name stands for any text, and the longest name that fits counts.
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
    long: Option<LongRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongRow {
    above: u64,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
}

impl From<&FileRow> for Row {
    fn from(row: &FileRow) -> Self {
        let rates = Rates::from(Price {
            input: row.input,
            cached_input: row.cached_input,
            cache_write: row.cache_write,
            output: row.output,
        });
        let long = row.long.as_ref().map(|long| {
            let price = Price {
                input: long.input,
                cached_input: long.cached_input,
                cache_write: long.cache_write,
                output: long.output,
            };
            (long.above, Rates::from(price))
        });
        Self { rates, long }
    }
}

/// The built-in rows, by model.
static BUILT_IN: LazyLock<BTreeMap<String, Row>> = LazyLock::new(|| {
    let file: Option<File> = toml::from_str(include_str!("prices.toml")).ok();
    let blocks = file.map(|file| file.source).unwrap_or_default();
    blocks
        .into_iter()
        .filter(|block| !block.url.is_empty() && !block.date.is_empty())
        .flat_map(|block| block.price)
        .map(|row| (row.model.clone(), Row::from(&row)))
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
                .map(|(model, price)| (model, Row::from(price))),
        );
        self
    }

    /// Returns what the tokens of one call cost; `None` for a model without a price.
    ///
    /// Not for sums over calls: some models cost more where the input of a call is long.
    pub fn price(&self, model: &str, usage: &Usage) -> Option<MicroUsd> {
        let rates = self.row(model)?.rates(usage);
        let cached = usage.cached_input.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let fresh = usage.input - cached - written;
        let cost = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let total = cost(fresh, rates.input)
            + cost(cached, rates.cached_input)
            + cost(written, rates.cache_write)
            + cost(usage.output, rates.output);
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
        self.overrides
            .iter()
            .filter(|(glob, _row)| matches(glob, model) || matches(glob, name))
            .max_by_key(|(glob, _row)| glob.len())
            .map(|(_glob, row)| *row)
            .or_else(|| built_in(name))
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
            rates: price.into(),
            long: None,
        }
    }
}

impl From<Price> for Rates {
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
mod tests;
