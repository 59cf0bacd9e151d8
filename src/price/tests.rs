//! What calls cost, by the built-in table and by the user's own.

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
fn of_several_prices_of_the_users_the_most_specific_counts() {
    let at = |input| Price {
        input,
        cached_input: None,
        cache_write: None,
        output: 0.0,
    };
    let rows = [("*", 1.0), ("gpt-*", 2.0), ("gpt-4o", 3.0), ("acme/*", 4.0)];
    let rows = rows.map(|(model, input)| (model.to_owned(), at(input)));
    let table = PriceTable::built_in().with_overrides(rows);
    let one = usage(1_000_000, 0, 0, 0);
    for (model, dollars) in [("o3", 1), ("gpt-5", 2), ("gpt-4o", 3), ("acme/gpt-5", 4)] {
        assert_eq!(
            table.price(model, &one),
            Some(MicroUsd(dollars * 1_000_000)),
            "{model}"
        );
    }
}

#[test]
fn a_long_request_costs_more_as_a_whole() {
    let table = PriceTable::built_in();
    let price = |input| {
        table
            .price("gpt-5.4", &usage(input, 0, 0, 1_000))
            .unwrap()
            .0
    };
    assert_eq!(price(272_000), 272_000 * 5 / 2 + 15_000);
    assert_eq!(price(272_001), 272_001 * 5 + 22_500);
}

#[test]
fn a_newer_model_is_not_priced_as_its_elder() {
    let table = PriceTable::built_in();
    let one = usage(1_000, 0, 0, 1_000);
    let price = |model: &str| table.price(model, &one);
    assert_ne!(price("claude-opus-5-5"), price("claude-opus-5"));
    assert_ne!(price("claude-haiku-5-5"), price("claude-haiku-4-5"));
    for unknown in ["claude-opus-5-9", "gpt-5.4-pro", "gemini-2.5-flash-image"] {
        assert_eq!(price(unknown), None, "{unknown}");
    }
}

#[test]
fn the_table_is_complete_and_sane() {
    let file: File = toml::from_str(include_str!("prices.toml")).unwrap();
    let rows: usize = file.source.iter().map(|block| block.price.len()).sum();
    assert_eq!(BUILT_IN.len(), rows, "no model stands twice");
    for (model, row) in BUILT_IN.iter() {
        let rates = row.rates;
        assert!(rates.cached_input <= rates.input, "{model}");
        assert!(rates.output >= rates.input || rates.output == 0, "{model}");
        if let Some((above, long)) = row.long {
            assert!(above >= 100_000, "{model}");
            assert!(
                long.input > rates.input && long.output > rates.output,
                "{model}"
            );
        }
    }
}
