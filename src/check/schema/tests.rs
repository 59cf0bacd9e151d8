//! A sample of the draft's keywords, in the shape of the official test suite, and hostile schemas.

use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Deserialize)]
struct Group {
    description: String,
    schema: Value,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    description: String,
    data: Value,
    valid: bool,
}

fn schema(value: &Value) -> Result<Schema, ReadError> {
    let text = toml::Value::String(value.to_string());
    Schema::read(Spanned::new(0..1, text))
}

#[test]
fn the_keywords_of_the_draft_mean_what_the_draft_says() {
    let groups: Vec<Group> = serde_json::from_str(include_str!("sample.json")).unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for group in groups {
        let schema = schema(&group.schema).unwrap();
        for case in group.tests {
            cases += 1;
            if schema.findings("it", &case.data).is_empty() != case.valid {
                wrong.push(format!("{}: {}", group.description, case.description));
            }
        }
    }
    assert!(cases > 80, "{cases}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_schema_without_an_end_is_refused_before_it_is_used() {
    for endless in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "not": { "anyOf": [true, { "$ref": "#" }] } }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
        json!({ "properties": { "x": { "$ref": "#/$defs/a" } }, "$defs": { "a": { "oneOf": [{ "$ref": "#/$defs/a" }] } } }),
        json!({ "$ref": "#a", "$anchor": "a" }),
        json!({ "$dynamicRef": "#a", "$dynamicAnchor": "a" }),
        json!({ "if": { "$ref": "#" } }),
        json!({ "dependentSchemas": { "a/b": { "$ref": "#" } } }),
    ] {
        let message = schema(&endless).unwrap_err().message;
        assert!(message.contains("without end"), "{endless}: {message}");
    }
}

#[test]
fn nothing_is_fetched() {
    for reference in [
        "https://example.com/x.json",
        "file:///etc/passwd",
        "other.json",
    ] {
        assert!(
            schema(&json!({ "$ref": reference })).is_err(),
            "{reference}"
        );
    }
}

#[test]
fn a_table_is_as_good_as_a_text() {
    let table: toml::Table =
        toml::from_str("type = 'object'\nproperties.at.const = 2024-01-01").unwrap();
    let schema = Schema::read(Spanned::new(0..1, toml::Value::Table(table))).unwrap();
    assert_eq!(schema.findings("it", &json!({ "at": "2024-01-01" })), []);
    let findings = schema.findings("the final answer", &json!({ "at": "2024-01-02" }));
    assert_eq!(
        serde_json::to_value(&findings).unwrap(),
        json!([{
            "message": "the final answer breaks the JSON Schema at /at",
            "expected": "schema /properties/at/const",
            "found": "\"2024-01-01\" was expected",
        }])
    );
}
