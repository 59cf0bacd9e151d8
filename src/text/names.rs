//! Rules by name: patterns with `*`, of which the longest that fits counts.

use glob::Pattern;

/// Returns what is said of `name` by the longest of the patterns that fit it.
///
/// Rules that say nothing (`None`) are no rules. Of patterns of equal length the last counts.
pub fn longest_fitting<'a, T>(
    rules: impl IntoIterator<Item = (&'a Pattern, Option<T>)>,
    name: &str,
) -> Option<T> {
    rules
        .into_iter()
        .filter(|(pattern, _said)| pattern.matches(name))
        .filter_map(|(pattern, said)| Some((pattern.as_str().len(), said?)))
        .max_by_key(|(length, _said)| *length)
        .map(|(_length, said)| said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_no_rule_and_the_longest_of_the_others_counts() {
        let rules = [("*", Some(1)), ("get_*", Some(2)), ("get_it*", None)];
        let rules = rules.map(|(pattern, said)| (Pattern::new(pattern).unwrap(), said));
        let said = |name| longest_fitting(rules.iter().map(|(name, said)| (name, *said)), name);
        assert_eq!(said("get_it"), Some(2));
        assert_eq!(said("book"), Some(1));
        assert_eq!(longest_fitting::<u8>([], "book"), None);
    }
}
