//! Which variables an agent gets to see.
//!
//! An agent never sees credentials of the job that tests it. [`EnvRule::Listed`] lets through a
//! base list and what the configuration names; [`EnvRule::AllBut`] lets through everything but
//! credentials that are known as such. What was held back is listed, so that a failed run can say it.

use std::collections::BTreeMap;

use camino::Utf8Path;

/// Which variables of the outer environment an agent gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EnvRule {
    /// Those of the base list, and these; a name may end in `*`.
    Listed(Vec<String>),
    /// All but GitHub's, the judge's, and the provider keys.
    AllBut,
}

/// The environment of one run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Environment {
    /// The variables that the agent gets.
    pub variables: BTreeMap<String, String>,
    /// The names of those that were held back, sorted.
    pub removed: Vec<String>,
}

impl Environment {
    /// Returns what `rule` lets through of `outer`; `keys` are the names of the provider keys.
    pub fn filtered(outer: &BTreeMap<String, String>, rule: &EnvRule, keys: &[&str]) -> Self {
        let passes = |name: &str| {
            let is_secret = any(&NEVER, name) || keys.contains(&name);
            match rule {
                EnvRule::AllBut => !is_secret && !any(&GITHUB, name),
                EnvRule::Listed(listed) => {
                    let is_named = listed.iter().any(|pattern| matches(pattern, name));
                    !is_secret && (is_named || any(&BASE, name))
                }
            }
        };
        let (variables, removed): (BTreeMap<_, _>, BTreeMap<_, _>) = outer
            .clone()
            .into_iter()
            .partition(|(name, _value)| passes(name));
        Self {
            variables,
            removed: removed.into_keys().collect(),
        }
    }

    /// Sets variables, whatever they were.
    pub fn set(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            self.removed.retain(|removed| *removed != name);
            self.variables.insert(name, value);
        }
    }

    /// Sets variables that have no value yet.
    pub fn set_missing(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            self.variables.entry(name).or_insert(value);
        }
    }

    /// Returns whether the outer environment had this variable.
    pub fn had(&self, name: &str) -> bool {
        self.variables.contains_key(name) || self.removed.iter().any(|removed| removed == name)
    }

    /// Gives the run its own directories: `REWIND_RUN_DIR`, and `TMPDIR` in it.
    pub fn set_run_dir(&mut self, run_dir: &Utf8Path) {
        self.set([
            ("REWIND_RUN_DIR".to_owned(), run_dir.to_string()),
            ("TMPDIR".to_owned(), run_dir.join("tmp").to_string()),
        ]);
    }

    /// Returns one sentence on what was held back, for a run that failed; `None` for nothing.
    pub fn explain_removed(&self) -> Option<String> {
        (!self.removed.is_empty()).then(|| {
            format!(
                "the agent did not get these variables: {}; add the ones it needs to `[agent] env` in rewind.toml",
                self.removed.join(", ")
            )
        })
    }
}

fn any(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Returns whether `name` is `pattern`, or begins with it up to its final `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// What programs need to run at all, to find their libraries, and to reach the network.
const BASE: [&str; 61] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "CI",
    "TZ",
    "TERM",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "XDG_*",
    "EDITOR",
    // Languages and their package managers.
    "VIRTUAL_ENV",
    "CONDA_*",
    "PYTHON*",
    "PYENV_*",
    "UV_*",
    "PIP_*",
    "POETRY_*",
    "NODE_*",
    "NVM_*",
    "NPM_CONFIG_*",
    "npm_config_*",
    "BUN_*",
    "DENO_*",
    "VOLTA_*",
    "PNPM_HOME",
    "JAVA_HOME",
    "JDK_HOME",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "GEM_*",
    "RBENV_*",
    "DOTNET_*",
    "ASDF_*",
    "MISE_*",
    "NIX_*",
    // Libraries and the network.
    "LD_LIBRARY_PATH",
    "DYLD_*",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "SYSTEMROOT",
];

/// Rewind's own keys, the judge's among them: never for the agent.
const NEVER: [&str; 2] = ["REWIND_*", "JUDGE_API_KEY"];

/// GitHub's variables: tokens, action inputs, and files through which a step can change the job.
const GITHUB: [&str; 5] = ["GITHUB_*", "GH_*", "ACTIONS_*", "INPUT_*", "RUNNER_*"];

#[cfg(test)]
mod tests {
    use super::*;

    fn outer() -> BTreeMap<String, String> {
        [
            "PATH",
            "LC_ALL",
            "GITHUB_TOKEN",
            "ACTIONS_RUNTIME_TOKEN",
            "OPENAI_API_KEY",
            "REWIND_JUDGE_KEY",
            "DATABASE_URL",
            "APP_MODE",
        ]
        .map(|name| (name.to_owned(), "value".to_owned()))
        .into()
    }

    fn names(environment: &Environment) -> Vec<&str> {
        environment.variables.keys().map(String::as_str).collect()
    }

    #[test]
    fn credentials_of_the_job_never_reach_the_agent() {
        let found = Environment::filtered(&outer(), &EnvRule::AllBut, &["OPENAI_API_KEY"]);
        assert_eq!(
            names(&found),
            ["APP_MODE", "DATABASE_URL", "LC_ALL", "PATH"]
        );
    }

    #[test]
    fn the_list_lets_through_the_base_and_what_it_names() {
        let rule = EnvRule::Listed(vec!["APP_*".into(), "OPENAI_API_KEY".into()]);
        let found = Environment::filtered(&outer(), &rule, &["OPENAI_API_KEY"]);
        assert_eq!(names(&found), ["APP_MODE", "LC_ALL", "PATH"]);
        let sentence = found.explain_removed().unwrap();
        assert!(sentence.contains("DATABASE_URL"), "{sentence}");
    }

    #[test]
    fn a_variable_that_is_set_again_was_not_held_back() {
        let mut found = Environment::filtered(&outer(), &EnvRule::AllBut, &["OPENAI_API_KEY"]);
        found.set([("OPENAI_API_KEY".to_owned(), "placeholder".to_owned())]);
        assert!(!found.removed.contains(&"OPENAI_API_KEY".to_owned()));
        found.set_missing([("PATH".to_owned(), "other".to_owned())]);
        assert_eq!(found.variables["PATH"], "value");
    }
}
