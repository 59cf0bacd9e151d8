//! What is found, what is left alone, and that a second pass finds nothing.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let rules = RedactRules {
        patterns: vec![("order-number".into(), r"ORD-\d{6}".into())],
        values: vec!["correct horse battery".into(), "short".into()],
    };
    Redactor::new(&rules).unwrap()
});

fn redactor() -> &'static Redactor {
    &REDACTOR
}

#[test]
fn every_built_in_pattern_compiles() {
    assert!(
        redactor()
            .patterns
            .iter()
            .all(|pattern| pattern.regex().is_some())
    );
}

/// Returns examples that are put together here, so that no scanner takes this file for a leak.
fn secrets() -> Vec<(&'static str, String)> {
    let run = |n: usize| {
        "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC"
            .chars()
            .cycle()
            .take(n)
            .collect::<String>()
    };
    vec![
        ("openai-key", format!("sk-proj-{}", run(40))),
        ("openai-key", format!("sk-{}", run(48))),
        ("anthropic-key", format!("sk-ant-api03-{}", run(60))),
        ("google-key", format!("AIza{}", run(35))),
        ("groq-key", format!("gsk_{}", run(40))),
        ("huggingface-token", format!("hf_{}", run(30))),
        ("github-token", format!("ghp_{}", run(36))),
        ("github-token", format!("github_pat_{}", run(60))),
        ("gitlab-token", format!("glpat-{}", run(20))),
        ("slack-token", format!("xoxb-{}", run(40))),
        ("stripe-key", format!("sk_live_{}", run(24))),
        ("npm-token", format!("npm_{}", run(36))),
        ("aws-key-id", format!("AKIA{}", "ABCDEFGHIJKLMNOP")),
        ("jwt", format!("eyJ{0}.eyJ{0}.{0}", run(20))),
        ("order-number", "ORD-123456".to_owned()),
        ("secret", "correct horse battery".to_owned()),
        (
            "private-key",
            format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
                run(64)
            ),
        ),
    ]
}

#[test]
fn every_kind_is_replaced_wherever_it_stands() {
    let redactor = redactor();
    for (kind, secret) in secrets() {
        let escaped = json!({ "args": json!({ "k": secret }).to_string() }).to_string();
        for text in [
            secret.clone(),
            format!("the key is {secret}."),
            format!("KEY={secret}\nnext"),
            format!("\"{secret}\""),
            escaped,
        ] {
            let clean = redactor.text(&text);
            let marker = secret.lines().nth(1).unwrap_or(&secret);
            assert!(!clean.contains(marker), "{kind} in {text:?}: {clean}");
            assert!(clean.contains("[redacted:"), "{kind} in {text:?}: {clean}");
        }
        assert!(
            redactor.text(&secret).contains(kind),
            "{kind}: {}",
            redactor.text(&secret)
        );
    }
}

#[test]
fn secrets_in_context_are_replaced_and_their_context_stays() {
    let redactor = redactor();
    let cases = [
        (
            "Authorization: Bearer abcdefghijklmnop1234",
            "Authorization: Bearer [redacted:bearer-token]",
        ),
        (
            "postgres://ann:hunter2@db/x",
            "postgres://ann:[redacted:url-password]@db/x",
        ),
        ("password = 'open sesame'", "password = 'open sesame'"),
        (
            "password: \"sesame-open\"",
            "password: \"[redacted:secret]\"",
        ),
    ];
    for (text, clean) in cases {
        assert_eq!(redactor.text(text), clean, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    let redactor = redactor();
    for text in [
        "4f9c1d2e-aaaa-4bbb-8ccc-0123456789ab",
        "rewind-0123456789abcdef0123",
        "api_key=${OPENAI_API_KEY}",
        "Reset your password: click the link",
        "The secret: patience and time",
        "sk-learn is a library, task-oriented-dialogue-systems too",
        "password: [redacted:secret]",
        "Bearer tokens are used",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "api_key=\"<your key here>\"",
    ] {
        assert_eq!(redactor.text(text), text);
    }
}

#[test]
fn json_stays_json_and_secret_fields_are_emptied() {
    let redactor = redactor();
    let key = format!("sk-{}", "abc123DEF456".repeat(4));
    let mut value = json!({
        "messages": [{"content": format!("use {key} please")}],
        "arguments": format!("{{\"token\":\"{key}\"}}"),
        "password": "p",
        "count": 3,
    });
    redactor.scrub(&mut value);
    let text = value.to_string();
    assert!(!text.contains(&key), "{text}");
    let inner: Value = serde_json::from_str(value["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(inner["token"], "[redacted:openai-key]");
    assert_eq!(value["password"], "[redacted:field]");
    assert_eq!(value["count"], 3);
}

#[test]
fn headers_paths_and_binary_bodies_are_covered() {
    let redactor = redactor();
    assert_eq!(redactor.header("Authorization", "x"), None);
    assert_eq!(redactor.header("x-api-key", "x"), None);
    assert_eq!(
        redactor.header("content-type", "text/plain").as_deref(),
        Some("text/plain")
    );
    assert_eq!(
        redactor.path_and_query("/v1/models?key=abc&page=2"),
        "/v1/models?key=[redacted:query-value]&page=2"
    );
    let key = format!("sk-{}", "abc123DEF456".repeat(4));
    let body = [b"\xff\x00", key.as_bytes(), b"\xfe"].concat();
    let clean = redactor.bytes(&body);
    assert!(
        !clean
            .windows(key.len())
            .any(|window| window == key.as_bytes())
    );
}

#[test]
fn a_pattern_that_is_none_is_refused_by_name() {
    let rules = RedactRules {
        patterns: vec![("mine".into(), "(".into())],
        values: Vec::new(),
    };
    let error = Redactor::new(&rules).err().unwrap();
    assert!(error.to_string().contains("`mine`"));
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(
        text in "[ -~\\n]{0,80}",
        which in 0_usize..17,
        tail in "[ -~]{0,40}",
    ) {
        let redactor = redactor();
        let secret = &secrets()[which].1;
        let once = redactor.text(&format!("{text} {secret} {tail}")).into_owned();
        prop_assert_eq!(redactor.text(&once).into_owned(), once.clone());
    }
}
