//! Reads a Python literal, since some SDKs write down the arguments of a tool as Python shows them.

use serde_json::{Map, Number, Value};

/// Returns the value of a literal: a dictionary, list, tuple, text, number, `True`, `False`, `None`.
/// `None` for anything else, also for what is valid JSON and no literal.
pub(crate) fn read(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[', '(']) || text.len() > MAX_BYTES {
        return None;
    }
    let mut reader = Reader {
        rest: text.chars().peekable(),
    };
    let value = reader.value(0)?;
    reader.space();
    reader.rest.peek().is_none().then_some(value)
}

/// Longer ones are left as text.
const MAX_BYTES: usize = 1 << 20;

/// Deeper ones are left as text.
const MAX_DEPTH: usize = 64;

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        match *self.rest.peek()? {
            '{' => self.dictionary(depth),
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '\'' | '"' => self.text().map(Value::String),
            _ => self.word(),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        self.rest.next();
        let mut fields = Map::new();
        loop {
            self.space();
            if self.rest.next_if_eq(&'}').is_some() {
                return Some(Value::Object(fields));
            }
            let key = match self.value(depth.saturating_add(1))? {
                Value::String(key) => key,
                other @ (Value::Number(_) | Value::Bool(_)) => other.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            self.space();
            self.rest.next_if_eq(&':')?;
            let value = self.value(depth.saturating_add(1))?;
            fields.insert(key, value);
            self.space();
            if self.rest.next_if_eq(&',').is_none() {
                self.rest.next_if_eq(&'}')?;
                return Some(Value::Object(fields));
            }
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Value> {
        self.rest.next();
        let mut items = Vec::new();
        loop {
            self.space();
            if self.rest.next_if_eq(&end).is_some() {
                return Some(Value::Array(items));
            }
            items.push(self.value(depth.saturating_add(1))?);
            self.space();
            if self.rest.next_if_eq(&',').is_none() {
                self.rest.next_if_eq(&end)?;
                return Some(Value::Array(items));
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.next()?;
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let digits = match self.rest.next()? {
            'n' => return Some('\n'),
            't' => return Some('\t'),
            'r' => return Some('\r'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            other => return Some(other),
        };
        let mut code = 0_u32;
        for _digit in 0..digits {
            let digit = self.rest.next()?.to_digit(16)?;
            code = code.checked_mul(16)?.checked_add(digit)?;
        }
        char::from_u32(code)
    }

    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        let is_part = |c: &char| c.is_ascii_alphanumeric() || "+-._".contains(*c);
        while let Some(c) = self.rest.next_if(is_part) {
            word.push(c);
        }
        match word.as_str() {
            "True" | "true" => Some(Value::Bool(true)),
            "False" | "false" => Some(Value::Bool(false)),
            "None" | "null" => Some(Value::Null),
            number => number.parse::<Number>().ok().map(Value::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_shows_is_read() {
        let text = r#"{'query': 'heat "pumps"', "it's": [1, -2.5, True, None], 'n': ('a',), 'u': 'caf\xe9\n'}"#;
        assert_eq!(
            read(text),
            Some(json!({
                "query": "heat \"pumps\"", "it's": [1, -2.5, true, null], "n": ["a"], "u": "café\n",
            }))
        );
    }

    #[test]
    fn anything_else_is_left_alone() {
        for text in [
            "",
            "query",
            "{'a': f()}",
            "{'a'",
            "[1, 2",
            "{'a': 1} and more",
            "{[1]: 2}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"[".repeat(100_000)), None);
    }
}
