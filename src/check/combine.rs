//! `kind = "not"`, `"any"`, `"all"`: checks made of checks.
//!
//! The logic has three values (Kleene's): a check that could not run is neither. Its negation is not
//! either, and `any` and `all` are decided only where those that ran decide them.

use toml::Spanned;
use toml::de::DeValue;

use super::registry::{ReadError, Table, count, read_nested};
use super::{Check, CheckContext, Finding, Judging, Outcome};

/// The check inside must fail.
#[derive(Debug)]
struct Not(Box<dyn Check>);

/// One of the checks inside must hold.
#[derive(Debug)]
struct Any(Vec<Box<dyn Check>>);

/// All checks inside must hold.
#[derive(Debug)]
struct All(Vec<Box<dyn Check>>);

/// Reads a negation from its table.
pub(super) fn read_not(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let inner = only_key(
        table,
        "not",
        "check",
        "{ kind = \"answer\", contains = \"…\" }",
    )?;
    Ok(Box::new(Not(read_nested(inner)?)))
}

/// Reads a choice from its table.
pub(super) fn read_any(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    Ok(Box::new(Any(read_list(table, "any")?)))
}

/// Reads a conjunction from its table.
pub(super) fn read_all(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    Ok(Box::new(All(read_list(table, "all")?)))
}

fn read_list(table: Table<'_>, kind: &str) -> Result<Vec<Box<dyn Check>>, ReadError> {
    let list = only_key(
        table,
        kind,
        "checks",
        "[{ kind = \"…\" }, { kind = \"…\" }]",
    )?;
    let span = list.span();
    let empty = || ReadError::new("`checks` must be a list of at least one check", Some(span));
    let DeValue::Array(tables) = list.into_inner() else {
        return Err(empty());
    };
    if tables.is_empty() {
        return Err(empty());
    }
    tables.into_iter().map(read_nested).collect()
}

/// Returns the value of the one key that the table must have.
fn only_key<'a>(
    table: Table<'a>,
    kind: &str,
    key: &str,
    example: &str,
) -> Result<Table<'a>, ReadError> {
    let span = table.span();
    let DeValue::Table(mut table) = table.into_inner() else {
        return Err(ReadError::new("a check is a table", Some(span)));
    };
    let value = table.remove(key);
    if let Some((other, _value)) = table.iter().next() {
        let message = format!("unknown field `{}`, expected `{key}`", other.get_ref());
        return Err(ReadError::new(message, Some(other.span())));
    }
    value.ok_or_else(|| {
        let message = format!("check `{kind}` needs `{key}`, such as {key} = {example}");
        ReadError::new(message, Some(span))
    })
}

impl Check for Not {
    fn kind(&self) -> &'static str {
        "not"
    }

    fn evaluators(&self) -> Vec<&Spanned<String>> {
        self.0.evaluators()
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        self.0.run_negated(context)
    }

    fn run_negated(&self, context: &CheckContext<'_>) -> Outcome {
        self.0.run(context)
    }

    fn judgings<'a>(&'a self, context: &CheckContext<'a>) -> Vec<Judging<'a>> {
        self.0.judgings(context)
    }
}

/// Returns the opposite of what a check of this kind found.
pub(super) fn negated(kind: &str, found: Outcome, context: &CheckContext<'_>) -> Outcome {
    match found {
        // What will come may yet make it hold or fail.
        Outcome::Passed { .. } | Outcome::Failed { .. } if !context.is_complete => {
            Outcome::incomplete()
        }
        Outcome::Passed { why } => {
            let finding = Finding::new(format!("check `{kind}` holds and must not: {why}"));
            Outcome::from_findings(vec![finding], "")
        }
        Outcome::Failed { findings, .. } => {
            let first = findings.first().map_or("", |first| &first.message);
            Outcome::passed(format!("as wanted, check `{kind}` does not hold: {first}"))
        }
        Outcome::NotRun { why } => Outcome::not_run(not_run(kind, &why)),
    }
}

/// Returns the evaluators that these ask.
fn of_all(checks: &[Box<dyn Check>]) -> Vec<&Spanned<String>> {
    checks.iter().flat_map(|check| check.evaluators()).collect()
}

fn not_run(kind: &str, why: &str) -> String {
    format!("check `{kind}` could not run: {why}")
}

/// One of these holds; `run` looks at one.
fn any_of<'a>(checks: &'a [Box<dyn Check>], run: impl Fn(&'a dyn Check) -> Outcome) -> Outcome {
    let mut findings = Vec::new();
    let mut open = None;
    let mut only_violations = true;
    for check in checks {
        let kind = check.kind();
        match run(check.as_ref()) {
            Outcome::Passed { why } => {
                return Outcome::passed(format!("check `{kind}` holds: {why}"));
            }
            Outcome::NotRun { why } => open = open.or(Some(not_run(kind, &why))),
            Outcome::Failed {
                findings: found,
                is_violation,
            } => {
                only_violations &= is_violation;
                findings.extend(found);
            }
        }
    }
    match open {
        Some(why) => Outcome::not_run(why),
        None => Outcome::Failed {
            findings,
            is_violation: only_violations,
        },
    }
}

/// All of these hold; `run` looks at one.
fn all_of<'a>(checks: &'a [Box<dyn Check>], run: impl Fn(&'a dyn Check) -> Outcome) -> Outcome {
    let mut findings = Vec::new();
    let mut open = None;
    let mut has_violation = false;
    for check in checks {
        match run(check.as_ref()) {
            Outcome::Passed { .. } => {}
            Outcome::NotRun { why } => open = open.or(Some(not_run(check.kind(), &why))),
            Outcome::Failed {
                findings: found,
                is_violation,
            } => {
                has_violation |= is_violation;
                findings.extend(found);
            }
        }
    }
    match open {
        _ if !findings.is_empty() => Outcome::Failed {
            findings,
            is_violation: has_violation,
        },
        Some(why) => Outcome::not_run(why),
        None => Outcome::passed(format!("{} hold", count(checks.len(), "check"))),
    }
}

/// Returns what judges are asked by any of these.
fn judgings_of<'a>(checks: &'a [Box<dyn Check>], context: &CheckContext<'a>) -> Vec<Judging<'a>> {
    let checks = checks.iter();
    checks.flat_map(|check| check.judgings(context)).collect()
}

impl Check for Any {
    fn kind(&self) -> &'static str {
        "any"
    }

    fn evaluators(&self) -> Vec<&Spanned<String>> {
        of_all(&self.0)
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        any_of(&self.0, |check| check.run(context))
    }

    fn run_negated(&self, context: &CheckContext<'_>) -> Outcome {
        all_of(&self.0, |check| check.run_negated(context))
    }

    fn judgings<'a>(&'a self, context: &CheckContext<'a>) -> Vec<Judging<'a>> {
        judgings_of(&self.0, context)
    }
}

impl Check for All {
    fn kind(&self) -> &'static str {
        "all"
    }

    fn evaluators(&self) -> Vec<&Spanned<String>> {
        of_all(&self.0)
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        all_of(&self.0, |check| check.run(context))
    }

    fn run_negated(&self, context: &CheckContext<'_>) -> Outcome {
        any_of(&self.0, |check| check.run_negated(context))
    }

    fn judgings<'a>(&'a self, context: &CheckContext<'a>) -> Vec<Judging<'a>> {
        judgings_of(&self.0, context)
    }

    fn assertions(&self, context: &CheckContext<'_>) -> usize {
        let inner = self.0.iter().map(|check| check.assertions(context));
        inner.sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::registry::tests::check;
    use super::*;
    use crate::lineage::testing::{research, timeline};

    /// A check that ends as it is told.
    #[derive(Debug, Clone)]
    struct Fixed(Option<bool>);

    impl Check for Fixed {
        fn kind(&self) -> &'static str {
            "fixed"
        }

        fn run(&self, _context: &CheckContext<'_>) -> Outcome {
            match self.0 {
                Some(true) => Outcome::passed("told so"),
                Some(false) => Outcome::from_findings(vec![Finding::new("told so")], ""),
                None => Outcome::not_run("told so"),
            }
        }
    }

    fn value(check: &dyn Check) -> Option<bool> {
        let main = timeline("main", vec![research()]);
        match check.run(&CheckContext::new(&main, &main)) {
            Outcome::Passed { .. } => Some(true),
            Outcome::Failed { findings, .. } => {
                assert!(!findings.is_empty());
                Some(false)
            }
            Outcome::NotRun { .. } => None,
        }
    }

    fn boxed(values: &[Option<bool>]) -> Vec<Box<dyn Check>> {
        let one = |value: &Option<bool>| Box::new(Fixed(*value)) as Box<dyn Check>;
        values.iter().map(one).collect()
    }

    proptest! {
        #[test]
        fn what_could_not_run_decides_nothing(
            values in prop::collection::vec(prop::option::of(any::<bool>()), 1..5),
        ) {
            let any = value(&Any(boxed(&values)));
            let all = value(&All(boxed(&values)));
            let has = |wanted| values.contains(&wanted);
            prop_assert_eq!(any, if has(Some(true)) { Some(true) } else if has(None) { None } else { Some(false) });
            prop_assert_eq!(all, if has(Some(false)) { Some(false) } else if has(None) { None } else { Some(true) });
            // De Morgan.
            let negated: Vec<Box<dyn Check>> = boxed(&values)
                .into_iter()
                .map(|check| Box::new(Not(check)) as Box<dyn Check>)
                .collect();
            prop_assert_eq!(value(&Not(Box::new(Any(boxed(&values))))), value(&All(negated)));
        }
    }

    #[test]
    fn a_violation_inside_all_is_one_and_a_negation_needs_the_whole_run() {
        let main = timeline("main", vec![research()]);
        let context = CheckContext::new(&main, &main);
        let both = check(
            "kind = 'all'\nchecks = [{ kind = 'no_error' }, { kind = 'tools', forbidden = ['web_*'] }]",
        );
        let Outcome::Failed {
            is_violation: true,
            findings,
        } = both.run(&context)
        else {
            panic!("it is no violation")
        };
        assert_eq!(findings.len(), 2);
        let not = check("kind = 'not'\ncheck = { kind = 'tools', forbidden = ['web_*'] }");
        assert!(matches!(not.run(&context), Outcome::Passed { .. }));
        let cut = CheckContext {
            is_complete: false,
            ..context
        };
        assert!(matches!(not.run(&cut), Outcome::NotRun { .. }));
        assert!(both.run(&cut).is_failed());
    }
}
