//! Messages as templates: the text with volatile values taken out.

use regex::Regex;
use serde::Serialize;
use serde_json::Value;

use super::volatile::{self, Volatile};
use crate::model::{ContentId, canonical_json};

/// A rule of the user's: what else is to be overlooked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NormaliseRule {
    /// Text that matches is replaced.
    Pattern {
        /// The regular expression.
        pattern: String,
        /// What stands in its place; may refer to groups as `$1`.
        replace: String,
    },
    /// The value at this JSON pointer is left out, in tool arguments and in tool results that are
    /// JSON; `*` stands for any key or index.
    Pointer(String),
    /// The array at this JSON pointer is compared without regard to order.
    Sort(String),
    /// Lines that match this regular expression and follow each other in a text are compared without
    /// regard to order.
    SortLines(String),
}

/// A rule that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the normalise pattern `{pattern}` is no regular expression")]
pub struct NormaliseError {
    /// The pattern.
    pattern: String,
    /// Why.
    #[source]
    source: Box<regex::Error>,
}

/// A value with its volatile parts taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    /// The hash of what remains.
    pub(super) id: ContentId,
    /// What was taken out, in order.
    pub(super) values: Vec<Volatile>,
}

/// Takes volatile values out of messages.
#[derive(Debug, Default)]
pub struct Normaliser {
    patterns: Vec<(Regex, String)>,
    pointers: Vec<Vec<String>>,
    sorts: Vec<Vec<String>>,
    /// Whether pseudonyms stand for personal data.
    has_people: bool,
    sorted_lines: Vec<Regex>,
}

impl Normaliser {
    /// Returns a normaliser with the built-in rules and these.
    ///
    /// # Errors
    /// A pattern that is no regular expression.
    pub fn new(rules: &[NormaliseRule]) -> Result<Self, NormaliseError> {
        let compiled = |pattern: &String| {
            Regex::new(pattern).map_err(|source| NormaliseError {
                pattern: pattern.clone(),
                source: Box::new(source),
            })
        };
        let mut normaliser = Self::default();
        for rule in rules {
            match rule {
                NormaliseRule::Pattern { pattern, replace } => {
                    let regex = compiled(pattern)?;
                    normaliser.patterns.push((regex, replace.clone()));
                }
                NormaliseRule::Pointer(pointer) => normaliser.pointers.push(split(pointer)),
                NormaliseRule::Sort(pointer) => normaliser.sorts.push(split(pointer)),
                NormaliseRule::SortLines(pattern) => {
                    normaliser.sorted_lines.push(compiled(pattern)?);
                }
            }
        }
        Ok(normaliser)
    }

    /// Returns the normaliser that also knows pseudonyms of personal data, if `has_people`.
    #[must_use]
    pub fn with_people(mut self, has_people: bool) -> Self {
        self.has_people = has_people;
        self
    }

    /// Returns the template of a message, a tool set or another value.
    pub(super) fn template<T: Serialize>(&self, value: &T) -> Template {
        let mut value = serde_json::to_value(value).unwrap_or(Value::Null);
        let mut values = Vec::new();
        self.walk(&mut value, &mut values);
        Template {
            id: ContentId::of(canonical_json(&value).as_bytes()),
            values,
        }
    }

    /// Returns a text with volatile values replaced by their tokens.
    pub fn text(&self, text: &str) -> String {
        self.scrub(text, &mut Vec::new())
            .unwrap_or_else(|| text.to_owned())
    }

    fn walk(&self, value: &mut Value, values: &mut Vec<Volatile>) {
        match value {
            Value::String(text) => {
                if self.has_structure()
                    && let Some(structured) = self.structured(text)
                {
                    *text = structured;
                }
                if let Some(scrubbed) = self.scrub(text, values) {
                    *text = scrubbed;
                }
            }
            Value::Number(number) => {
                if let Some(scrubbed) = self.extract(&number.to_string(), values) {
                    *value = Value::String(scrubbed);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, values)),
            Value::Object(fields) => {
                for (key, field) in fields.iter_mut() {
                    if key == "arguments" && self.has_structure() {
                        self.structure(field);
                    }
                    self.walk(field, values);
                }
                if self.has_people {
                    rename(fields, values);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn has_structure(&self) -> bool {
        !self.pointers.is_empty() || !self.sorts.is_empty()
    }

    /// Returns a JSON text with the pointer rules applied; `None` for a text that is no JSON.
    fn structured(&self, text: &str) -> Option<String> {
        let start = text.trim_start();
        if !start.starts_with('{') && !start.starts_with('[') {
            return None;
        }
        let mut value: Value = serde_json::from_str(text).ok()?;
        self.structure(&mut value);
        Some(value.to_string())
    }

    /// Applies the rules with pointers to a value of the agent's: what a tool was given or gave back.
    pub fn structure(&self, value: &mut Value) {
        for pointer in &self.pointers {
            visit(value, pointer, &mut |found| {
                *found = Value::String("<ignored>".to_owned());
            });
        }
        for pointer in &self.sorts {
            visit(value, pointer, &mut |found| {
                if let Value::Array(items) = found {
                    items.sort_by_cached_key(canonical_json);
                }
            });
        }
    }

    fn scrub(&self, text: &str, values: &mut Vec<Volatile>) -> Option<String> {
        let mut replaced: Option<String> = None;
        for (regex, replace) in &self.patterns {
            let current = replaced.as_deref().unwrap_or(text);
            if regex.is_match(current) {
                replaced = Some(regex.replace_all(current, replace.as_str()).into_owned());
            }
        }
        for regex in &self.sorted_lines {
            let current = replaced.as_deref().unwrap_or(text);
            replaced = with_sorted_lines(current, regex).or(replaced);
        }
        self.extract(replaced.as_deref().unwrap_or(text), values)
            .or(replaced)
    }

    fn extract(&self, text: &str, values: &mut Vec<Volatile>) -> Option<String> {
        let people = if self.has_people {
            volatile::extract_people(text, values)
        } else {
            None
        };
        volatile::extract(people.as_deref().unwrap_or(text), values).or(people)
    }
}

/// Takes pseudonyms out of the names of fields. Of two that differ in nothing else, both stay.
fn rename(fields: &mut serde_json::Map<String, Value>, values: &mut Vec<Volatile>) {
    let names: Vec<String> = fields.keys().cloned().collect();
    for name in names {
        let mut found = Vec::new();
        let Some(template) = volatile::extract_people(&name, &mut found) else {
            continue;
        };
        if !fields.contains_key(&template)
            && let Some(field) = fields.remove(&name)
        {
            fields.insert(template, field);
            values.extend(found);
        }
    }
}

/// Returns a text with each run of lines that match in one order, whatever volatile values they hold;
/// `None` where it stays as it is.
fn with_sorted_lines(text: &str, regex: &Regex) -> Option<String> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.len() < 2 {
        return None;
    }
    let without_volatile = |line: &&str| {
        let template = volatile::extract(line, &mut Vec::new());
        template.unwrap_or_else(|| (*line).to_owned())
    };
    let mut is_changed = false;
    for run in lines.chunk_by_mut(|a, b| regex.is_match(a) && regex.is_match(b)) {
        if !run.is_sorted_by_key(without_volatile) {
            run.sort_by_cached_key(without_volatile);
            is_changed = true;
        }
    }
    is_changed.then(|| lines.join("\n"))
}

/// Splits a JSON pointer into its tokens (RFC 6901).
fn split(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Calls `change` with every value that `pointer` leads to.
fn visit(value: &mut Value, pointer: &[String], change: &mut dyn FnMut(&mut Value)) {
    let Some((token, rest)) = pointer.split_first() else {
        return change(value);
    };
    match value {
        Value::Object(fields) if token == "*" => {
            for field in fields.values_mut() {
                visit(field, rest, change);
            }
        }
        Value::Object(fields) => {
            if let Some(field) = fields.get_mut(token) {
                visit(field, rest, change);
            }
        }
        Value::Array(items) if token == "*" => {
            for item in items {
                visit(item, rest, change);
            }
        }
        Value::Array(items) => {
            if let Some(item) = token.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                visit(item, rest, change);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Message, Part, Role};

    fn id(rules: &[NormaliseRule], part: Part) -> ContentId {
        let normaliser = Normaliser::new(rules).unwrap();
        normaliser
            .template(&Message::new(Role::Tool, vec![part]))
            .id
    }

    #[test]
    fn a_pattern_hides_what_it_matches() {
        let rules = [NormaliseRule::Pattern {
            pattern: r"run \d+".into(),
            replace: "run N".into(),
        }];
        assert_eq!(
            id(&rules, Part::text("run 7 ok")),
            id(&rules, Part::text("run 8 ok"))
        );
        assert_ne!(
            id(&rules, Part::text("run 7 ok")),
            id(&rules, Part::text("run 7 bad"))
        );
    }

    #[test]
    fn a_pointer_reaches_into_arguments_and_json_results() {
        let rules = [NormaliseRule::Pointer("/items/*/score".into())];
        let result =
            |score: u32| Part::tool_result(json!({"items": [{"score": score}]}).to_string());
        let call = |score: u32| Part::tool_call("t", json!({"items": [{"score": score, "k": 1}]}));
        assert_eq!(id(&rules, result(1)), id(&rules, result(2)));
        assert_eq!(id(&rules, call(1)), id(&rules, call(2)));
        assert_ne!(id(&[], result(1)), id(&[], result(2)));
    }

    #[test]
    fn lines_that_match_have_no_order_among_each_other() {
        let rules = [NormaliseRule::SortLines("^- ".into())];
        let same = |a: &str, b: &str| id(&rules, Part::text(a)) == id(&rules, Part::text(b));
        assert!(same("Use:\n- b\n- a\nNow.", "Use:\n- a\n- b\nNow."));
        // In whatever order the times in them would put them.
        let at = |first: &str, second: &str| format!("- 2026-11-{first} a\n- 2026-11-{second} b");
        assert!(same(&at("01", "02"), &at("02", "01")));
        assert!(!same("Use:\n- b\n- a\nNow.", "Use:\n- a\n- a\nNow."));
        assert!(
            !same("- a\nb\n- c", "- c\nb\n- a"),
            "another text lies between"
        );
        assert!(!same("a\nb", "b\na"));
    }

    #[test]
    fn a_sorted_array_has_no_order() {
        let rules = [NormaliseRule::Sort("/docs".into())];
        let result = |docs: &[&str]| Part::tool_result(json!({ "docs": docs }).to_string());
        assert_eq!(
            id(&rules, result(&["a", "b"])),
            id(&rules, result(&["b", "a"]))
        );
        assert_ne!(
            id(&rules, result(&["a", "b"])),
            id(&rules, result(&["b", "b"]))
        );
    }
}
