//! `kind = "tools"`: tools that must be used, tools that may never be, how often, with which arguments,
//! in which order.

mod order;

use std::collections::BTreeMap;

use glob::Pattern;
use serde::Deserialize;
use toml::Spanned;

use super::registry::{ReadError, Table, count, keys, patterns};
use super::schema::Schema;
use super::tool_use::{ToolUse, further_uses, refused_messages, tool_uses};
use super::{Check, CheckContext, Finding, Outcome};
use order::Order;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    required: Vec<Spanned<String>>,
    #[serde(default)]
    forbidden: Vec<Spanned<String>>,
    #[serde(default)]
    counts: BTreeMap<String, Spanned<RawCount>>,
    #[serde(default)]
    arguments: BTreeMap<String, Spanned<toml::Value>>,
    #[serde(default)]
    order: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a count such as 2 or { min = 1, max = 3 }"
)]
enum RawCount {
    Exact(u64),
    Range { min: Option<u64>, max: Option<u64> },
}

/// How often tools of a name may be called.
#[derive(Debug)]
struct Count {
    pattern: Pattern,
    min: u64,
    max: Option<u64>,
}

/// What must hold of the tool calls of a run; names are globs.
#[derive(Debug)]
struct Tools {
    required: Vec<Pattern>,
    forbidden: Vec<Pattern>,
    counts: Vec<Count>,
    arguments: Vec<(Pattern, Schema)>,
    order: Vec<Order>,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let tools = Tools {
        required: patterns(&raw.required)?,
        forbidden: patterns(&raw.forbidden)?,
        counts: raw
            .counts
            .into_iter()
            .map(read_count)
            .collect::<Result<_, _>>()?,
        arguments: raw
            .arguments
            .into_iter()
            .map(read_schema)
            .collect::<Result<_, _>>()?,
        order: raw
            .order
            .iter()
            .map(Order::read)
            .collect::<Result<_, _>>()?,
    };
    if tools.size() == 0 {
        return Err(ReadError::new(
            "a `tools` check needs `required`, `forbidden`, `counts`, `arguments` or `order`",
            None,
        ));
    }
    Ok(Box::new(tools))
}

fn read_count((name, raw): (String, Spanned<RawCount>)) -> Result<Count, ReadError> {
    let span = raw.span();
    let pattern = pattern(name, &span)?;
    let (min, max) = match raw.into_inner() {
        RawCount::Exact(number) => (number, Some(number)),
        RawCount::Range {
            min: None,
            max: None,
        } => {
            let message = format!("the count of `{pattern}` needs `min` or `max`");
            return Err(ReadError::new(message, Some(span)));
        }
        RawCount::Range { min, max } => (min.unwrap_or(0), max),
    };
    if max.is_some_and(|max| max < min) {
        let message = format!("the count of `{pattern}` has a `max` below its `min`");
        return Err(ReadError::new(message, Some(span)));
    }
    Ok(Count { pattern, min, max })
}

fn read_schema(
    (name, raw): (String, Spanned<toml::Value>),
) -> Result<(Pattern, Schema), ReadError> {
    let pattern = pattern(name, &raw.span())?;
    Ok((pattern, Schema::read(raw)?))
}

fn pattern(name: String, span: &std::ops::Range<usize>) -> Result<Pattern, ReadError> {
    let patterns = patterns(&[Spanned::new(span.clone(), name)])?;
    let first = patterns.into_iter().next();
    first.ok_or_else(|| ReadError::new("a tool needs a name", Some(span.clone())))
}

impl Check for Tools {
    fn kind(&self) -> &'static str {
        "tools"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        let mut uses = tool_uses(context.candidate);
        let refused = refused_messages(context);
        let further = further_uses(&refused, &uses);
        uses.extend(further);
        let mut findings = self.forbidden(&uses);
        let is_violation = !findings.is_empty();
        findings.extend(self.counts.iter().filter_map(|count| count.above(&uses)));
        findings.extend(self.arguments(&uses));
        findings.extend(self.order.iter().flat_map(|order| order.findings(&uses)));
        if findings.is_empty() && !context.is_complete {
            return Outcome::incomplete();
        }
        if context.is_complete {
            findings.extend(self.missing(&uses));
            findings.extend(self.counts.iter().filter_map(|count| count.below(&uses)));
        }
        if findings.is_empty() {
            return Outcome::passed(format!("looked at {}", count(uses.len(), "tool call")));
        }
        Outcome::Failed {
            findings,
            is_violation,
        }
    }

    fn assertions(&self, _context: &CheckContext<'_>) -> usize {
        self.size()
    }
}

impl Tools {
    fn size(&self) -> usize {
        self.required.len()
            + self.forbidden.len()
            + self.counts.len()
            + self.arguments.len()
            + self.order.len()
    }

    fn forbidden(&self, uses: &[ToolUse<'_>]) -> Vec<Finding> {
        let found = uses.iter().filter_map(|one| {
            let pattern = self
                .forbidden
                .iter()
                .find(|pattern| pattern.matches(one.name))?;
            let message = if pattern.as_str() == one.name {
                format!("forbidden tool `{}` was called", one.name)
            } else {
                format!("tool `{}` was called, which `{pattern}` forbids", one.name)
            };
            Some(
                Finding::new(message)
                    .values("", one.arguments.to_string())
                    .step(one.step),
            )
        });
        found.collect()
    }

    fn missing<'a>(&'a self, uses: &'a [ToolUse<'_>]) -> impl Iterator<Item = Finding> + 'a {
        self.required
            .iter()
            .filter(|pattern| !uses.iter().any(|one| pattern.matches(one.name)))
            .map(|pattern| Finding::new(format!("required tool `{pattern}` was never called")))
    }

    fn arguments(&self, uses: &[ToolUse<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for one in uses {
            let what = format!("a call of tool `{}`", one.name);
            for (pattern, schema) in &self.arguments {
                if !pattern.matches(one.name) {
                    continue;
                }
                let broken = schema.findings(&what, one.arguments);
                if one.arguments.is_string() && !broken.is_empty() {
                    let finding =
                        Finding::new(format!("{what} has arguments that are not valid JSON"))
                            .values("JSON", one.arguments.as_str().unwrap_or_default());
                    findings.push(finding.step(one.step));
                    continue;
                }
                findings.extend(broken.into_iter().map(|finding| finding.step(one.step)));
            }
        }
        findings
    }
}

impl Count {
    /// Returns a finding where there are more calls than allowed, at the first of them.
    fn above(&self, uses: &[ToolUse<'_>]) -> Option<Finding> {
        let max = self.max?;
        let calls = self.calls(uses);
        let first = calls.get(usize::try_from(max).ok()?)?;
        let is = if max > 1 { "are" } else { "is" };
        let times = count(calls.len(), "time");
        let message = format!(
            "tool `{}` was called {times}, allowed {is} {max}",
            self.pattern
        );
        Some(
            Finding::new(message)
                .values(format!("at most {max}"), calls.len().to_string())
                .step(first.step),
        )
    }

    /// Returns a finding where there are fewer calls than wanted.
    fn below(&self, uses: &[ToolUse<'_>]) -> Option<Finding> {
        let number = self.calls(uses).len();
        if u64::try_from(number).unwrap_or(u64::MAX) >= self.min {
            return None;
        }
        let message = format!(
            "tool `{}` was called {}, wanted are at least {}",
            self.pattern,
            count(number, "time"),
            self.min
        );
        Some(Finding::new(message).values(format!("at least {}", self.min), number.to_string()))
    }

    fn calls<'u, 'a>(&self, uses: &'u [ToolUse<'a>]) -> Vec<&'u ToolUse<'a>> {
        uses.iter()
            .filter(|one| self.pattern.matches(one.name))
            .collect()
    }
}

#[cfg(test)]
mod tests;
