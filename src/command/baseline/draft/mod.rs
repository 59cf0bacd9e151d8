//! Drafts a `baseline.toml` from the reference timeline: what the run did is what is asked for.

mod answer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::check::{DEFAULT_MAX_EQUAL, tool_uses};
use crate::command::rules::tool_rules;
use crate::config::Config;
use crate::model::{Effect, canonical_json};
use crate::model::{ForkPoint, Session, Status, Timeline, Usage};
use crate::redact::find_pseudonyms;
use crate::replay::Normaliser;

/// What a draft is made of.
pub(super) struct Draft<'a> {
    /// The recorded session.
    pub(super) session: &'a Session,
    /// The timeline that is held up as right.
    pub(super) reference: &'a Timeline,
    /// Whether it was named, so that the file has to name it, too.
    pub(super) is_named: bool,
    /// The fork points.
    pub(super) forks: &'a [ForkPoint],
    /// The fork points of nightly runs alone.
    pub(super) nightly_forks: &'a [ForkPoint],
    /// Free words.
    pub(super) tags: &'a [String],
    /// The recording, where it is not in the folder.
    pub(super) recording: Option<&'a str>,
    /// The command, where the configured one does not run this session.
    pub(super) command: Option<&'a [String]>,
    /// Recognises what changes on every run.
    pub(super) normaliser: &'a Normaliser,
    /// What is said of the tools.
    pub(super) config: &'a Config,
}

impl Draft<'_> {
    /// Returns the text of the file.
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        for part in [
            self.trajectory(),
            self.forbidden(),
            self.answer(),
            self.by_expected(),
            Some(self.no_error()),
            self.no_loop(),
            self.model(),
            Some(self.budget()),
        ]
        .into_iter()
        .flatten()
        {
            text.push('\n');
            text.push_str(&part);
        }
        text
    }

    fn head(&self) -> String {
        let mut text = String::from(
            "# Drafted by `rewind baseline create` from the recording; it is yours to change.\n\
             # docs/baselines.md and docs/checks.md say what can stand here.\n\n",
        );
        let mut line = |key: &str, value: String| {
            // Writing to a string can't fail.
            let _ok = writeln!(text, "{key} = {value}");
        };
        if let Some(input) = &self.session.input {
            line("input", quoted(input));
        }
        if let Some(expected) = &self.session.expected {
            line("expected", quoted(expected));
        }
        if let Some(command) = self.command {
            line("command", list(command.iter().map(String::as_str)));
        }
        if self.is_named {
            line("timeline", quoted(&self.reference.label));
        }
        if let Some(recording) = self.recording {
            line("recording", quoted(recording));
        }
        if !self.tags.is_empty() {
            line("tags", list(self.tags.iter().map(String::as_str)));
        }
        let listed = |forks: &[ForkPoint]| {
            let forks = forks.iter().map(|fork| {
                if let ForkPoint::Step(number) = fork {
                    number.to_string()
                } else {
                    quoted(&fork.to_string())
                }
            });
            forks.collect::<Vec<_>>().join(", ")
        };
        text.push_str(
            "# Where a live run begins; `auto` is the first request that a change affects.\n",
        );
        let _ok = writeln!(text, "forks = [{}]", listed(self.forks));
        if !self.nightly_forks.is_empty() {
            let forks = listed(self.nightly_forks);
            let why = "# Where `rewind gate --profile nightly` begins one, too.";
            let _ok = writeln!(text, "{why}\nnightly_forks = [{forks}]");
        }
        text
    }

    fn trajectory(&self) -> Option<String> {
        let uses = tool_uses(self.reference);
        if uses.is_empty() {
            return None;
        }
        let mut text = String::from(
            "# The recorded tool calls, in their order; further calls and left-out arguments are no fault.\n\
             [[check]]\nkind = \"trajectory\"\nmode = \"in_order\"\nargs = \"subset\"\n",
        );
        let mut volatile: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for one in &uses {
            let mut paths = BTreeSet::new();
            self.volatile(one.arguments, "", &mut paths);
            if !paths.is_empty() {
                volatile.entry(one.name).or_default().extend(paths);
            }
        }
        for (tool, paths) in volatile {
            let _ok = write!(
                text,
                "\n# These change on every run.\n[check.tools.{}]\nargs = \"subset\"\nignore = {}\n",
                key(tool),
                list(paths.iter().map(String::as_str)),
            );
        }
        Some(text)
    }

    /// Collects the paths of values that look as if they change on every run.
    fn volatile(&self, value: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let token = name.replace('~', "~0").replace('/', "~1");
                    self.volatile(field, &format!("{path}/{token}"), paths);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.volatile(item, &format!("{path}/*"), paths);
                }
            }
            Value::String(_) | Value::Number(_) => {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                if !path.is_empty() && self.is_volatile(&text) {
                    paths.insert(path.to_owned());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Returns whether a text is another one on every run; what stands for somebody's data is drawn by lot.
    fn is_volatile(&self, text: &str) -> bool {
        self.normaliser.text(text) != text || !find_pseudonyms(text).is_empty()
    }

    fn forbidden(&self) -> Option<String> {
        let used: BTreeSet<&str> = tool_uses(self.reference)
            .iter()
            .map(|one| one.name)
            .collect();
        let offered: BTreeSet<&str> = self
            .reference
            .model_steps()
            .flat_map(|(_step, call)| call.request.treatment.tools.iter())
            .map(|tool| tool.name.as_str())
            .collect();
        let unused = offered
            .iter()
            .filter(|name| !used.contains(*name) && self.is_mutating(name));
        let mut names: Vec<String> = unused.map(|name| glob::Pattern::escape(name)).collect();
        let configured = self.config.tools.iter();
        let configured = configured.filter(|(_name, entry)| entry.effect == Some(Effect::Mutating));
        let is_said_harmless = |pattern: &str| match tool_rules(self.config).configured(pattern) {
            Some(Effect::Pure | Effect::Read) => true,
            Some(Effect::Mutating) | None => false,
        };
        let patterns = DESTRUCTIVE
            .into_iter()
            .filter(|pattern| !is_said_harmless(pattern))
            .chain(configured.map(|(name, _entry)| name.as_str()));
        // A pattern must forbid nothing that the run did, nor what only reads.
        let is_harmless = |name: &str| used.contains(name) || !self.is_mutating(name);
        for pattern in patterns {
            let covers_harmless = glob::Pattern::new(pattern).is_ok_and(|pattern| {
                let mut known = used.iter().chain(&offered);
                known.any(|name| pattern.matches(name) && is_harmless(name))
            });
            let is_all = pattern.chars().all(|c| c == '*');
            if !covers_harmless && !is_all && !names.iter().any(|name| name == pattern) {
                names.push(pattern.to_owned());
            }
        }
        (!names.is_empty()).then(|| {
            format!(
                "# The run did without these, and what they do can't be undone.\n\
                 [[check]]\nkind = \"tools\"\nforbidden = {}\n",
                list(names.iter().map(String::as_str))
            )
        })
    }

    /// Returns whether a tool changes something: as configured, else as its name sounds.
    fn is_mutating(&self, name: &str) -> bool {
        match tool_rules(self.config).configured(name) {
            Some(Effect::Mutating) => true,
            Some(Effect::Pure | Effect::Read) => false,
            None => is_mutating(name),
        }
    }

    /// Returns the check by what the source of an import holds to be right; where no judge is named, it is
    /// only proposed.
    fn by_expected(&self) -> Option<String> {
        self.session.expected.as_deref()?;
        let check = [
            "[[check]]",
            "kind = \"judge\"",
            "evaluator = \"correctness\"",
        ];
        let (why, mark) = if self.config.judge.is_named() {
            ("# It says what is expected.", "")
        } else {
            (
                "# It says what is expected; take the marks away once there is a [judge].",
                "# ",
            )
        };
        let lines = check.map(|line| format!("{mark}{line}\n"));
        Some(format!("{why}\n{}", lines.concat()))
    }

    fn no_error(&self) -> String {
        let steps = &self.reference.steps;
        let has_error = steps.iter().any(|step| step.status != Status::Ok)
            || self.reference.outcome.exit.unwrap_or(0) != 0;
        let allow = if has_error {
            "# The recording has an error, too.\nallow_recorded = true\n"
        } else {
            ""
        };
        format!("# It ends well.\n[[check]]\nkind = \"no_error\"\n{allow}")
    }

    /// Allows as many equal calls as the run made, but never less than the check allows by itself.
    fn no_loop(&self) -> Option<String> {
        let uses = tool_uses(self.reference);
        let mut equal: BTreeMap<_, usize> = BTreeMap::new();
        for one in &uses {
            let call = (one.lane, one.name, canonical_json(one.arguments));
            *equal.entry(call).or_default() += 1;
        }
        let most = equal.into_values().max()?;
        let max = if most > DEFAULT_MAX_EQUAL {
            format!("max = {most}\n")
        } else {
            String::new()
        };
        Some(format!(
            "# No call again and again with the same arguments.\n[[check]]\nkind = \"loop\"\n{max}"
        ))
    }

    fn model(&self) -> Option<String> {
        let models: BTreeSet<&str> = self
            .reference
            .model_steps()
            .filter_map(|(_step, call)| call.request.treatment.model.as_deref())
            .collect();
        (!models.is_empty()).then(|| {
            let names: Vec<String> = models
                .iter()
                .map(|name| glob::Pattern::escape(name))
                .collect();
            format!(
                "# Another model is a change that somebody should want; shown, not gating.\n\
                 [[check]]\nkind = \"model\"\nexpect = {}\nseverity = \"warn\"\n",
                list(names.iter().map(String::as_str))
            )
        })
    }

    fn budget(&self) -> String {
        // A budget of tokens can be kept only where every call says how many it took.
        let usage = || {
            let calls = self.reference.model_steps();
            calls.map(|(_step, call)| call.response.usage)
        };
        let total: Usage = usage().flatten().sum();
        let tokens = if total.total() > 0 && usage().all(|usage| usage.is_some()) {
            "tokens = \"1.5x\"\n"
        } else {
            ""
        };
        format!(
            "# Half as much again as recorded is too much.\n[[check]]\nkind = \"budget\"\nsteps = \"1.5x\"\n{tokens}"
        )
    }
}

/// Tools that are forbidden wherever the recording has none of them.
const DESTRUCTIVE: [&str; 3] = ["delete_*", "drop_*", "remove_*"];

/// Words in the names of tools that change something.
const MUTATING: [&str; 26] = [
    "delete", "remove", "drop", "destroy", "purge", "wipe", "erase", "truncate", "send", "email",
    "post", "publish", "pay", "charge", "refund", "transfer", "buy", "order", "write", "update",
    "insert", "exec", "execute", "run", "shell", "deploy",
];

/// Returns whether a tool's name sounds as if it changed something.
fn is_mutating(name: &str) -> bool {
    let mut words = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            words.push('_');
        }
        was_lower = c.is_lowercase();
        words.extend(c.to_lowercase());
    }
    words
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| MUTATING.contains(&word))
}

/// Returns a text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests;
