//! Finds in an agent's last words the key that it could not start without.

use std::collections::BTreeSet;

/// Returns one sentence on the key variables that `log`, the end of what a failed agent wrote, asks for
/// and that it does not get; `None` where it asks for none. `is_set` tells which variables it has.
pub fn explain_wanted_keys(log: &str, is_set: &dyn Fn(&str) -> bool) -> Option<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let names: BTreeSet<&str> = log
        .split(|c: char| !is_part(c))
        .filter(|word| {
            ENDINGS
                .iter()
                .any(|ending| word.ends_with(ending) && word.len() > ending.len())
        })
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()) && word.len() <= LONGEST)
        .filter(|word| !is_set(word))
        .collect();
    let first = names.first()?;
    let all: Vec<&str> = names.iter().copied().take(MOST).collect();
    Some(format!(
        "the agent asks for {}, which it does not get: where the variable only has to be there, write \
         `env = [\"{first}=placeholder\"]` into [agent] in rewind.toml; where it is needed, `env = [\"{first}\"]`, \
         and set it",
        all.join(", ")
    ))
}

/// How the names of variables with keys end.
const ENDINGS: [&str; 4] = ["_KEY", "_TOKEN", "_SECRET", "_PASSWORD"];

/// The longest name, and the most names.
const LONGEST: usize = 64;
const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_in_the_last_words_is_named_unless_it_is_there() {
        let log = "Traceback\n  os.environ['SEARCH_API_KEY']\nKeyError: 'SEARCH_API_KEY'\nOPENAI_API_KEY is set\n";
        let sentence = explain_wanted_keys(log, &|name| name == "OPENAI_API_KEY").unwrap();
        assert!(
            sentence.contains("asks for SEARCH_API_KEY, which"),
            "{sentence}"
        );
        assert!(
            sentence.contains("SEARCH_API_KEY=placeholder"),
            "{sentence}"
        );
        for fine in ["", "no _KEY", "my_key KeyError", "TOKEN"] {
            assert_eq!(explain_wanted_keys(fine, &|_name| false), None, "{fine}");
        }
    }
}
