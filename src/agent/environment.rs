//! Which variables an agent gets to see.
//!
//! An agent never sees credentials of the job that tests it. [`EnvRule::Listed`] lets through a
//! base list and what the configuration names; [`EnvRule::AllBut`] lets through everything but
//! credentials that are known as such. What was held back is listed, so that a failed run can say it.
//!
//! Variables of package managers often hold the credentials of a private registry. Those pass only
//! where the configuration names them.

use std::collections::BTreeMap;

use camino::Utf8Path;

/// Which variables of the outer environment an agent gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EnvRule {
    /// Those of the base list, and these; a name may end in `*`, and `NAME=value` sets one.
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
        let passes = |name: &str, value: &str| {
            let is_secret = any(&NEVER, name) || keys.contains(&name) || opens_github(name);
            match rule {
                EnvRule::AllBut => !is_secret && !any(&GITHUB, name),
                EnvRule::Listed(listed) => {
                    let is_named = listed.iter().any(|pattern| matches(pattern, name));
                    let is_base = any(&BASE, name) && !is_credential(name, value);
                    let is_base = is_base || any(&PROXIES, name);
                    !is_secret && (is_named || is_base)
                }
            }
        };
        let (variables, removed): (BTreeMap<_, _>, BTreeMap<_, _>) = outer
            .clone()
            .into_iter()
            .partition(|(name, value)| passes(name, value));
        let mut environment = Self {
            variables,
            removed: removed.into_keys().collect(),
        };
        if let EnvRule::Listed(listed) = rule {
            let fixed = listed.iter().filter_map(|entry| entry.split_once('='));
            let fixed = fixed.filter(|(name, _value)| !any(&NEVER, name));
            environment.set(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        environment
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

/// Returns whether the variable is a token of GitHub's, or leads to a file by which a step changes the job.
fn opens_github(name: &str) -> bool {
    let is_githubs = any(&GITHUB, name);
    is_githubs
        && (is_credential(name, "") || name.starts_with("ACTIONS_") || JOB_FILES.contains(&name))
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

/// Returns whether a variable holds a credential by its looks: by its name, or as an address with a
/// password in it.
pub fn is_credential(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // There may be several addresses.
    let mut authorities = value
        .split("://")
        .skip(1)
        .filter_map(|rest| rest.split(['/', '?', '#', ' ', ',', ';', '\n']).next());
    SECRET_WORDS.iter().any(|word| name.contains(word))
        || authorities.any(|authority| authority.contains('@'))
}

/// Words in the names of variables that hold credentials.
const SECRET_WORDS: [&str; 8] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "AUTH",
    "HTTP_BASIC",
    "_KEY",
];

/// The addresses of proxies: they pass even with a password, because without them there may be no network
/// at all.
pub(super) const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// What programs need to run at all, to find their libraries, and to reach the network.
const BASE: [&str; 55] = [
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
    "SYSTEMROOT",
];

/// Rewind's own keys, the judge's among them: never for the agent.
const NEVER: [&str; 2] = ["REWIND_*", "JUDGE_API_KEY"];

/// GitHub's variables: tokens, action inputs, and files through which a step can change the job.
const GITHUB: [&str; 5] = ["GITHUB_*", "GH_*", "ACTIONS_*", "INPUT_*", "RUNNER_*"];

/// Variables that hold the paths of files through which a step changes the job.
const JOB_FILES: [&str; 5] = [
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
];

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
    fn tokens_of_github_pass_by_no_list() {
        let outer: BTreeMap<_, _> = [
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_ENV",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "INPUT_TOKEN",
            "GITHUB_SHA",
        ]
        .map(|name| (name.to_owned(), "value".to_owned()))
        .into();
        let listed = [
            "GITHUB_*",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_ENV",
            "ACTIONS_*",
            "INPUT_*",
        ];
        let rule = EnvRule::Listed(listed.map(str::to_owned).into());
        let found = Environment::filtered(&outer, &rule, &[]);
        assert_eq!(names(&found), ["GITHUB_SHA"]);
    }

    #[test]
    fn credentials_of_a_private_registry_pass_only_where_they_are_named() {
        let outer: BTreeMap<_, _> = [
            ("PIP_INDEX_URL", "https://me:pw@pypi.internal/simple"),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://pypi.org/simple https://me:pw@pypi.internal/simple",
            ),
            ("PIP_CACHE_DIR", "/cache"),
            ("UV_INDEX_INTERNAL_PASSWORD", "pw"),
            ("POETRY_PYPI_TOKEN_INTERNAL", "pypi-x"),
            ("NPM_CONFIG_REGISTRY", "https://npm.internal/@scope/"),
            ("NPM_CONFIG__AUTH", "bWU6cHc="),
            ("npm_config_//npm.internal/:_authToken", "npm_x"),
            ("NODE_AUTH_TOKEN", "npm_y"),
            ("HTTPS_PROXY", "http://me:pw@proxy:3128"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let base = Environment::filtered(&outer, &EnvRule::Listed(Vec::new()), &[]);
        let plain = ["HTTPS_PROXY", "NPM_CONFIG_REGISTRY", "PIP_CACHE_DIR"];
        assert_eq!(names(&base), plain);
        let rule = EnvRule::Listed(vec!["UV_INDEX_*".into()]);
        let named = Environment::filtered(&outer, &rule, &[]);
        assert!(named.variables.contains_key("UV_INDEX_INTERNAL_PASSWORD"));
    }

    #[test]
    fn the_list_can_set_a_variable_but_none_of_rewinds() {
        let rule = EnvRule::Listed(vec![
            "SEARCH_API_KEY=placeholder".into(),
            "REWIND_INPUT=x".into(),
        ]);
        let found = Environment::filtered(&outer(), &rule, &[]);
        assert_eq!(found.variables["SEARCH_API_KEY"], "placeholder");
        assert!(!found.variables.contains_key("REWIND_INPUT"));
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
