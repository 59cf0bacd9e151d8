//! What is to be done with the hosts that an agent asks for by the forward proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use crate::text::longest_fitting;

/// What happens to requests for a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostRule {
    /// They are opened, recorded and replayed.
    Record,
    /// They pass untouched and unseen.
    Pass,
    /// They are refused.
    Block,
}

/// How the forward proxy of a run treats what comes to it.
#[derive(Clone, Debug, Default)]
pub struct Interception {
    /// Rules by host; of those that fit, the one with the longest pattern counts.
    pub rules: Vec<(glob::Pattern, HostRule)>,
    /// Model providers by host and port, such as `api.openai.com:443`.
    pub providers: BTreeMap<String, String>,
    /// The way to hosts that are no model provider.
    pub outbound: Outbound,
    /// Whether a host whose client has refused the run's certificate passes unread from then on.
    pub passes_pinned: bool,
    /// Whether programs on the JVM are led to it: they have no way to name the token, and are known by their user.
    pub admits_jvm: bool,
}

/// Why nothing was recorded of a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unread {
    /// A rule says that it passes.
    Rule,
    /// Its client has refused the run's certificate; it passed from then on.
    Pinned,
    /// It was cut off, for this reason.
    CutOff(String),
}

impl Unread {
    /// Returns a sentence on it.
    pub fn sentence(&self, host: &str) -> String {
        match self {
            Self::Rule => format!("{host} passed unread, as [capture.hosts] says"),
            Self::Pinned => format!(
                "{host} passed unread: its client refuses the certificate of the run. A replay cuts it off, \
                 unless [capture.hosts] says \"{host}\" = \"pass\""
            ),
            Self::CutOff(why) => format!(
                "{host} was cut off: {why}. \"{host}\" = \"pass\" in [capture.hosts] lets it through unread"
            ),
        }
    }
}

/// How hosts are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbound {
    /// Certificates in PEM that are trusted beside the system's.
    pub ca: Option<String>,
    /// Addresses of hosts that are not looked up.
    pub resolve: BTreeMap<String, SocketAddr>,
}

impl Interception {
    /// Returns what happens to requests for a host: they are recorded where no rule says otherwise.
    pub(super) fn rule(&self, host: &str) -> HostRule {
        let rules = self.rules.iter();
        let rules = rules.map(|(pattern, rule)| (pattern, Some(*rule)));
        longest_fitting(rules, host).unwrap_or(HostRule::Record)
    }

    /// Returns the model provider that is reached at a host and port.
    pub(super) fn provider(&self, host: &str, port: u16) -> Option<&str> {
        self.providers
            .get(&format!("{host}:{port}"))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_counts_and_everything_else_is_recorded() {
        let pattern = |text: &str| glob::Pattern::new(text).unwrap();
        let rules = Interception {
            rules: vec![
                (pattern("*.example.com"), HostRule::Block),
                (pattern("api.example.com"), HostRule::Pass),
            ],
            ..Interception::default()
        };
        assert_eq!(rules.rule("api.example.com"), HostRule::Pass);
        assert_eq!(rules.rule("x.example.com"), HostRule::Block);
        assert_eq!(rules.rule("example.org"), HostRule::Record);
    }
}
