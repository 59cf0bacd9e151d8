//! What a text must be like.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::place::Subject;
use super::similarity::Method;
use crate::check::Finding;
use crate::check::arguments::ArgumentRule;
use crate::check::schema::Schema;

/// What a text must be like; every rule that is given must hold.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) equals: Option<String>,
    pub(super) contains: Vec<String>,
    pub(super) not_contains: Vec<String>,
    pub(super) regex: Option<Regex>,
    pub(super) ignore_case: bool,
    pub(super) schema: Option<Schema>,
    pub(super) picked: Option<Picked>,
    /// A number that must stand in the text, and its tolerance.
    pub(super) number: Option<(f64, f64)>,
    pub(super) similarity: Option<Similarity>,
}

/// What a `JSONPath` selects, and the value that all of it must have.
#[derive(Debug)]
pub(super) struct Picked {
    /// The path as written and as read; `None` for the whole document.
    pub(super) path: Option<(String, JsonPath)>,
    /// The value; `None` where it is enough that something is selected.
    pub(super) value: Option<Value>,
    /// How values are compared.
    pub(super) rule: ArgumentRule,
}

/// How alike the text must be to another.
#[derive(Debug)]
pub(super) struct Similarity {
    /// The other text; that of the recording where it is `None`.
    pub(super) to: Option<String>,
    pub(super) method: Method,
    pub(super) min: f64,
}

/// Returns the text of the same place in the recording, or why there is none.
pub(super) type Recorded<'a> = &'a dyn Fn() -> Result<String, String>;

impl Rules {
    /// Returns the number of rules.
    pub(super) fn count(&self) -> usize {
        let single = [
            self.equals.is_some(),
            self.regex.is_some(),
            self.schema.is_some(),
            self.picked.is_some(),
            self.number.is_some(),
            self.similarity.is_some(),
        ];
        let single = single.into_iter().filter(|is_given| *is_given).count();
        single + self.contains.len() + self.not_contains.len()
    }

    /// Returns what breaks a rule, and why a rule could not be applied.
    pub(super) fn findings(
        &self,
        subject: &Subject,
        recorded: Recorded<'_>,
    ) -> (Vec<Finding>, Option<String>) {
        let mut findings = self.texts(subject);
        findings.extend(self.document(subject));
        if let Some((wanted, tolerance)) = self.number {
            findings.extend(number(subject, wanted, tolerance));
        }
        let alike = self
            .similarity
            .as_ref()
            .map(|similarity| similarity.finding(subject, recorded));
        match alike {
            Some(Ok(found)) => findings.extend(found),
            Some(Err(why)) => return (findings, Some(why)),
            None => {}
        }
        (findings, None)
    }

    fn texts(&self, subject: &Subject) -> Vec<Finding> {
        let Subject { what, text, .. } = subject;
        let folded = self.fold(text.trim());
        let mut findings = Vec::new();
        if let Some(expected) = &self.equals
            && self.fold(expected.trim()) != folded
        {
            let message = format!("{what} is not the expected one");
            findings.push(Finding::new(message).values(expected, text));
        }
        let missing = self
            .contains
            .iter()
            .filter(|wanted| !folded.contains(&self.fold(wanted)));
        findings.extend(missing.map(|wanted| {
            Finding::new(format!("{what} lacks an expected text")).values(wanted, text)
        }));
        let unwanted = self
            .not_contains
            .iter()
            .filter(|unwanted| folded.contains(&self.fold(unwanted)));
        findings.extend(unwanted.map(|unwanted| {
            Finding::new(format!("{what} has an unwanted text"))
                .values(format!("not: {unwanted}"), text)
        }));
        if let Some(regex) = &self.regex
            && !regex.is_match(text.trim())
        {
            let message = format!("{what} does not match the regular expression");
            findings.push(Finding::new(message).values(regex.as_str(), text));
        }
        findings
    }

    /// Returns what is wrong with a text that has to be JSON and is not, so that nothing can be said of
    /// what stands in it.
    pub(super) fn unreadable(&self, subject: &Subject) -> Option<Finding> {
        let is_json = || serde_json::from_str::<Value>(unfenced(&subject.text)).is_ok();
        (self.picked.is_some() && !is_json()).then(|| no_json(subject))
    }

    /// Applies the rules that need JSON.
    fn document(&self, subject: &Subject) -> Vec<Finding> {
        if self.schema.is_none() && self.picked.is_none() {
            return Vec::new();
        }
        let Ok(value) = serde_json::from_str::<Value>(unfenced(&subject.text)) else {
            return vec![no_json(subject)];
        };
        let mut findings = Vec::new();
        if let Some(schema) = &self.schema {
            findings.extend(schema.findings(&subject.what, &value));
        }
        if let Some(picked) = &self.picked {
            findings.extend(picked.findings(&subject.what, &value));
        }
        findings
    }

    fn fold(&self, text: &str) -> String {
        if self.ignore_case {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    }
}

impl Picked {
    fn findings(&self, what: &str, document: &Value) -> Vec<Finding> {
        let (place, nodes) = match &self.path {
            Some((text, path)) => (format!(" at {text}"), path.query(document).all()),
            None => (String::new(), vec![document]),
        };
        let expected = self.value.as_ref().map(Value::to_string);
        if nodes.is_empty() {
            let message = format!("{what} has nothing{place}");
            let expected = expected.unwrap_or_default();
            return vec![Finding::new(message).values(expected, document.to_string())];
        }
        let Some(value) = &self.value else {
            return Vec::new();
        };
        let other = nodes
            .into_iter()
            .find(|node| !self.rule.differences(value, node).is_empty());
        let finding = other.map(|node| {
            Finding::new(format!("{what} has another value{place}"))
                .values(expected.unwrap_or_default(), node.to_string())
        });
        finding.into_iter().collect()
    }
}

impl Similarity {
    fn finding(
        &self,
        subject: &Subject,
        recorded: Recorded<'_>,
    ) -> Result<Option<Finding>, String> {
        let other = match &self.to {
            Some(text) => text.clone(),
            None => recorded()?,
        };
        let what = &subject.what;
        let likeness = self
            .method
            .likeness(&other, &subject.text)
            .ok_or_else(|| format!("{what} is too long to be compared by edits; use token_f1"))?;
        if likeness + 1e-9 >= self.min {
            return Ok(None);
        }
        let name = self.method.as_str();
        let whom = if self.to.is_some() {
            "expected text"
        } else {
            "recorded one"
        };
        let message = format!(
            "{what} is {likeness:.2} like the {whom} ({name}), wanted is at least {:.2}",
            self.min
        );
        Ok(Some(Finding::new(message).values(other, &subject.text)))
    }
}

fn no_json(subject: &Subject) -> Finding {
    Finding::new(format!("{} is not valid JSON", subject.what)).values("JSON", &subject.text)
}

/// Looks for a number in the text.
fn number(subject: &Subject, wanted: f64, tolerance: f64) -> Option<Finding> {
    let Subject { what, text, .. } = subject;
    // The slack keeps 0.3 within 0.1 of 0.2.
    let slack = tolerance + wanted.abs().max(1.0) * 1e-12;
    let is_there = numbers(text).any(|number| (number - wanted).abs() <= slack);
    (!is_there).then(|| {
        let wanted = if tolerance > 0.0 {
            format!("{wanted} ± {tolerance}")
        } else {
            wanted.to_string()
        };
        Finding::new(format!("{what} lacks the expected number")).values(wanted, text)
    })
}

/// Returns the numbers in a text; commas may part thousands.
fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let found = NUMBER.iter().flat_map(|regex| regex.find_iter(text));
    found.filter_map(|found| {
        let before = text
            .get(..found.start())
            .and_then(|text| text.chars().last());
        let digits = found.as_str().replace(',', "").replace('−', "-");
        // In `2020-21` and `gpt-4` it is a hyphen.
        let is_hyphen = before.is_some_and(char::is_alphanumeric);
        let digits = if is_hyphen {
            digits.trim_start_matches('-')
        } else {
            &digits
        };
        digits.parse().ok()
    })
}

static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[-−]?(?:\d{1,3}(?:,\d{3})+\b|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?").ok()
});

/// Returns what stands in the one Markdown fence that the text consists of, else the text.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = || {
        let rest = text.strip_prefix("```")?.strip_suffix("```")?;
        let (_language, body) = rest.split_once('\n')?;
        (!body.contains("```")).then_some(body)
    };
    inside().unwrap_or(text)
}
