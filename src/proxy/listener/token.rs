//! The run token: random, in the path of the base URL, compared without telling how much was right.

use uuid::Uuid;

/// Returns a fresh token: 32 hexadecimal digits with more than 120 random bits behind them.
pub fn random_token() -> String {
    // Two version 7 ids hold 74 random bits each; the hash spreads them and hides their time.
    let mut hasher = blake3::Hasher::new();
    hasher.update(Uuid::now_v7().as_bytes());
    hasher.update(Uuid::now_v7().as_bytes());
    hasher.finalize().to_hex().chars().take(32).collect()
}

/// Returns the key that the agent gets in place of the provider's.
pub fn placeholder_key(token: &str) -> String {
    format!("rewind-{token}")
}

/// Returns whether both are the same, in a time that depends on their lengths only.
pub(super) fn is_same(given: &str, expected: &str) -> bool {
    let pairs = given.bytes().zip(expected.bytes());
    let difference = pairs.fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == expected.len() && std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, two) = (random_token(), random_token());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
        assert!(one.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn only_equal_texts_are_the_same() {
        assert!(is_same("abc", "abc"));
        for other in ["", "ab", "abd", "abcd", "Abc"] {
            assert!(!is_same(other, "abc"), "{other}");
        }
    }
}
