//! The variables that lead an agent's traffic through Rewind, and keep its clients from side traffic.
//!
//! Every run of an agent gets the same ones, recorded or replayed, whatever keys the machine has: an
//! agent that looks at its environment must find the same twice. A key variable holds the run's
//! placeholder, since SDKs refuse to start without a key.

use super::Environment;
use crate::proxy::{Door, providers};
use crate::tools::TOOLS_PATH;

/// Where the run's listener is, and what opens it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Routing {
    /// The listener's base with the run token, such as `http://127.0.0.1:4321/r/TOKEN`.
    pub base: String,
    /// The key that clients are to send in place of the provider's.
    pub placeholder: String,
    /// The way to it as a forward proxy, where it is one.
    pub door: Option<Door>,
    /// The names of the MCP servers that have a place below the base.
    pub servers: Vec<String>,
    /// When the recording began, where the agent's clock is to go on from there.
    pub clock: Option<jiff::Timestamp>,
}

impl Routing {
    /// Returns the names of all variables that hold keys of known providers.
    pub fn key_variables() -> Vec<&'static str> {
        providers::KNOWN
            .iter()
            .flat_map(|known| known.key_variables.iter().copied())
            .collect()
    }

    /// Puts the routing into an environment.
    ///
    /// The first key variable of each provider is always set, its synonyms only where the outer
    /// environment had them.
    pub fn apply(&self, environment: &mut Environment) {
        for known in providers::KNOWN {
            let bases = known.base_environment(&self.base);
            environment.set(
                bases
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
            let keys: Vec<_> = known
                .key_variables
                .iter()
                .enumerate()
                .filter(|(index, name)| *index == 0 || environment.had(name))
                .map(|(_index, name)| ((*name).to_owned(), self.placeholder.clone()))
                .collect();
            environment.set(keys);
        }
        let servers = self.servers.iter();
        environment.set(
            servers.map(|name| (server_variable(name), format!("{}/p/mcp-{name}", self.base))),
        );
        if let Some(start) = self.clock {
            let start = start.as_nanosecond();
            let begun = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            let begun = i128::from(begun.tv_sec) * 1_000_000_000 + i128::from(begun.tv_nsec);
            environment.set([
                ("REWIND_CLOCK".to_owned(), format!("{start}:{begun}")),
                ("REWIND_SEED".to_owned(), start.to_string()),
            ]);
        }
        environment.set([(TOOLS.to_owned(), format!("{}{TOOLS_PATH}", self.base))]);
        for name in ["NO_PROXY", "no_proxy"] {
            let outer = environment.variables.get(name).cloned();
            environment.set([(name.to_owned(), without_proxy(outer.as_deref()))]);
        }
        environment.set_missing(QUIET.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

/// Returns the variable with the address of an MCP server: of `my-travel` it is `REWIND_MCP_MY_TRAVEL_URL`.
fn server_variable(name: &str) -> String {
    let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    format!("REWIND_MCP_{}_URL", name.to_ascii_uppercase())
}

/// Returns the hosts that are reached without a proxy, this machine among them.
fn without_proxy(outer: Option<&str>) -> String {
    let outer = outer.unwrap_or_default();
    let hosts = outer.split(',').map(str::trim).filter(|h| !h.is_empty());
    let mut all: Vec<&str> = hosts.collect();
    for host in LOOPBACK {
        if !all.contains(&host) {
            all.push(host);
        }
    }
    all.join(",")
}

/// Where the `rewind` packages ask before they run a tool.
const TOOLS: &str = "REWIND_TOOLS";

/// This machine, as clients name it.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// Switches against traffic that is no work of the agent; what the user set stays.
///
/// `LiteLLM` downloads a price list when imported; the OpenAI Agents SDK sends traces to OpenAI
/// whatever the base URL, which could only fail with a placeholder for a key; Claude Code puts a
/// value that changes with every request into its system prompt.
const QUIET: [(&str, &str); 3] = [
    ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
    ("OPENAI_AGENTS_DISABLE_TRACING", "1"),
    ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::agent::EnvRule;

    fn applied(outer: &[(&str, &str)]) -> Environment {
        let outer: BTreeMap<_, _> = outer
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let keys = Routing::key_variables();
        let mut environment = Environment::filtered(&outer, &EnvRule::AllBut, &keys);
        let routing = Routing {
            base: "http://127.0.0.1:9/r/t".into(),
            placeholder: "rewind-t".into(),
            door: None,
            servers: vec!["my-travel".to_owned()],
            clock: None,
        };
        routing.apply(&mut environment);
        environment
    }

    #[test]
    fn clients_are_led_to_the_listener_with_a_placeholder() {
        let found = applied(&[
            ("OPENAI_API_KEY", "sk-real"),
            ("OPENAI_BASE_URL", "https://elsewhere/v1"),
        ]);
        assert_eq!(
            found.variables["OPENAI_BASE_URL"],
            "http://127.0.0.1:9/r/t/v1"
        );
        assert_eq!(found.variables["OPENAI_API_KEY"], "rewind-t");
        // The same on a machine without any key.
        assert_eq!(applied(&[]).variables["OPENAI_API_KEY"], "rewind-t");
    }

    #[test]
    fn a_synonym_of_a_key_is_set_only_where_there_was_one() {
        assert!(!applied(&[]).variables.contains_key("GOOGLE_API_KEY"));
        let found = applied(&[("GOOGLE_API_KEY", "real")]);
        assert_eq!(found.variables["GOOGLE_API_KEY"], "rewind-t");
    }

    #[test]
    fn loopback_needs_no_proxy_and_the_users_switches_stay() {
        let found = applied(&[
            ("NO_PROXY", "internal, localhost"),
            ("OPENAI_AGENTS_DISABLE_TRACING", "0"),
        ]);
        let hosts = "internal,localhost,127.0.0.1,::1";
        assert_eq!(found.variables["NO_PROXY"], hosts);
        assert_eq!(found.variables["OPENAI_AGENTS_DISABLE_TRACING"], "0");
    }
}
