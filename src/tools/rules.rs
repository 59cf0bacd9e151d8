//! What is said of tools: what running them leaves behind, and whether a recorded result may stand in.

use crate::model::Effect;
use crate::text::longest_fitting;

/// What is said of the tools whose names fit a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRule {
    /// The pattern: a name that may hold `*`.
    pub name: glob::Pattern,
    /// What running one leaves behind; `None` leaves it to the boundary.
    pub effect: Option<Effect>,
    /// Whether a call behind the fork is served where it matches; `None` leaves it to the effect.
    pub serve: Option<bool>,
}

/// What is said of the tools of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ToolRules {
    /// The rules; of those that fit, the one with the longest name counts.
    pub rules: Vec<ToolRule>,
    /// Mutating tools that may run behind the fork, by their full names.
    pub allow: Vec<String>,
}

impl ToolRules {
    /// Returns what running `tool` leaves behind: as the configuration says, else as the boundary
    /// says; where nobody says anything, a change.
    pub fn effect(&self, tool: &str, said: Option<Effect>) -> Effect {
        self.configured(tool).or(said).unwrap_or(Effect::Mutating)
    }

    /// Returns what the configuration says that running `tool` leaves behind.
    pub fn configured(&self, tool: &str) -> Option<Effect> {
        self.longest(tool, |rule| rule.effect)
    }

    /// Returns whether a call behind the fork is served where it matches.
    ///
    /// Where nothing is said: not for what only reads, since the tail is to see the world as it is.
    pub fn is_served(&self, tool: &str, effect: Effect) -> bool {
        self.longest(tool, |rule| rule.serve)
            .unwrap_or(match effect {
                Effect::Pure | Effect::Mutating => true,
                Effect::Read => false,
            })
    }

    /// Returns whether `tool` may run behind the fork although it changes something.
    pub fn is_allowed(&self, tool: &str) -> bool {
        self.allow.iter().any(|name| name == tool)
    }

    /// Returns whether the configuration calls any tool mutating.
    pub fn name_mutating(&self) -> bool {
        let mut effects = self.rules.iter().map(|rule| rule.effect);
        effects.any(|effect| effect == Some(Effect::Mutating))
    }

    /// Returns whether a tool that was not asked about must not run: the configuration calls it mutating
    /// and does not allow it.
    pub fn withhold(&self, tool: &str) -> bool {
        self.configured(tool) == Some(Effect::Mutating) && !self.is_allowed(tool)
    }

    fn longest<T>(&self, tool: &str, said: impl Fn(&ToolRule) -> Option<T>) -> Option<T> {
        longest_fitting(self.rules.iter().map(|rule| (&rule.name, said(rule))), tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, effect: Option<Effect>, serve: Option<bool>) -> ToolRule {
        ToolRule {
            name: name.parse().unwrap(),
            effect,
            serve,
        }
    }

    #[test]
    fn the_configuration_outweighs_the_boundary_and_silence_is_a_change() {
        let rules = ToolRules {
            rules: vec![
                rule("*", None, Some(true)),
                rule("get_*", Some(Effect::Read), None),
                rule("get_*_once", Some(Effect::Mutating), None),
            ],
            allow: vec!["book".to_owned()],
        };
        assert_eq!(rules.effect("get_it", Some(Effect::Pure)), Effect::Read);
        assert_eq!(rules.effect("get_it_once", None), Effect::Mutating);
        assert_eq!(rules.effect("book", None), Effect::Mutating);
        assert_eq!(rules.effect("add", Some(Effect::Pure)), Effect::Pure);
        assert!(rules.is_served("get_it", Effect::Read));
        assert!(!ToolRules::default().is_served("get_it", Effect::Read));
        assert!(rules.is_allowed("book") && !rules.is_allowed("book_it"));
    }

    #[test]
    fn what_is_called_mutating_is_withheld_unless_its_full_name_is_allowed() {
        let rules = ToolRules {
            rules: vec![
                rule("*", Some(Effect::Mutating), None),
                rule("get_*", Some(Effect::Read), None),
                rule("get_rid_of", Some(Effect::Mutating), None),
            ],
            allow: vec!["send_mail".to_owned(), "pay_*".to_owned()],
        };
        for (tool, is_withheld) in [
            ("get_weather", false),
            ("get_rid_of", true),
            ("send_mail", false),
            ("send_post", true),
            ("pay_bill", true),
        ] {
            assert_eq!(rules.withhold(tool), is_withheld, "{tool}");
        }
        assert!(rules.name_mutating());
        assert!(!ToolRules::default().name_mutating() && !ToolRules::default().withhold("x"));
    }
}
