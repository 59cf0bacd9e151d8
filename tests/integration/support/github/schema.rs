//! What GitHub publishes of its API, as far as Rewind uses it; `scripts/test-env` fetches it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::super::repository_path;

/// Returns what is wrong with a request, by GitHub's description of its API.
pub(super) fn rest_errors(
    method: &str,
    path: &str,
    query: &[(String, String)],
    body: &Value,
) -> Vec<String> {
    let known = description().as_object().unwrap();
    let fits = |name: &str| {
        let (verb, template) = name.split_once(' ').unwrap();
        let (a, b): (Vec<&str>, Vec<&str>) =
            (template.split('/').collect(), path.split('/').collect());
        // The last hole of a name of a branch takes everything.
        let is_ref = template.ends_with("/git/refs/{ref}") && b.len() >= a.len();
        verb == method
            && (a.len() == b.len() || is_ref)
            && a.iter()
                .zip(&b)
                .all(|(a, b)| a == b || (a.starts_with('{') && !b.is_empty()))
    };
    // A name in a path is more exact than a placeholder.
    let holes = |name: &&String| name.matches('{').count();
    let Some(name) = known.keys().filter(|name| fits(name)).min_by_key(holes) else {
        return vec![format!(
            "{method} {path}: no such request in GitHub's description"
        )];
    };
    let request = &known[name];
    let mut wrong = Vec::new();
    if !request["body"].is_null() || !body.is_null() {
        let schema = if request["body"].is_null() {
            Value::Bool(true)
        } else {
            request["body"].clone()
        };
        let validator = jsonschema::validator_for(&schema).unwrap();
        wrong.extend(
            validator
                .iter_errors(body)
                .map(|error| format!("{name}: {error}: {body}")),
        );
    }
    for (key, value) in query {
        let Some(schema) = request["query"].get(key) else {
            wrong.push(format!("{name}: no parameter `{key}`"));
            continue;
        };
        let number: Option<u64> = value.parse().ok();
        let value = match number.filter(|_number| schema["type"] == "integer") {
            Some(number) => Value::from(number),
            None => Value::from(value.clone()),
        };
        let validator = jsonschema::validator_for(schema).unwrap();
        wrong.extend(
            validator
                .iter_errors(&value)
                .map(|error| format!("{name}: {key}: {error}")),
        );
    }
    wrong
}

/// Returns what is wrong with GraphQL requests, by GitHub's schema.
pub(super) fn graphql_errors(asked: &[Value]) -> Vec<String> {
    let folder = repository_path("target/test-env/node");
    if asked.is_empty()
        || std::path::Path::new(&repository_path("target/test-env/no-node")).exists()
    {
        return Vec::new();
    }
    let mut node = Command::new("node")
        .arg(repository_path("tests/github/graphql.mjs"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input
        .write_all(serde_json::to_string(asked).unwrap().as_bytes())
        .unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "tests/github/graphql.mjs failed");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn description() -> &'static Value {
    static READ: OnceLock<Value> = OnceLock::new();
    READ.get_or_init(|| {
        let path = repository_path("target/test-env/github-openapi.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|_error| panic!("{path} is missing: run scripts/test-env once"));
        serde_json::from_str(&text).unwrap()
    })
}
