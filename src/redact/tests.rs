//! What is found, what is left alone, and that a second pass finds nothing.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let rules = RedactRules {
        patterns: vec![("order-number".into(), r"ORD-\d{6}".into())],
        values: vec!["correct horse battery".into(), "short".into()],
        ..RedactRules::default()
    };
    Redactor::new(&rules).unwrap()
});

fn redactor() -> &'static Redactor {
    &REDACTOR
}

#[test]
fn every_built_in_pattern_compiles() {
    assert!(Patterns::built_in().is_some());
    for detector in detectors::DETECTORS {
        let together = Patterns::new(vec![Pattern::from(detector)]);
        assert!(together.is_ok(), "{}", detector.kind);
    }
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
        ("tavily-key", format!("tvly-dev-{}", run(32))),
        ("telegram-token", format!("123456789:AA{}", run(33))),
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
            format!(r"one line\n{secret}\nanother"),
            format!(r"\u0022{secret}\u0022"),
            format!("?next=a%3D{secret}&x=1"),
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
        ("password=abc12345", "password=[redacted:secret]"),
        (
            "redis://:hunter22@host",
            "redis://:[redacted:url-password]@host",
        ),
        (
            r#"{"SecretAccessKey": "wJalrXUtnFEMIK7MDENGbPxRfiCY"}"#,
            r#"{"SecretAccessKey": "[redacted:secret]"}"#,
        ),
        (
            "curl -H 'Authorization: Basic YW5uOmh1bnRlcjIy' https://x",
            "curl -H 'Authorization: Basic [redacted:bearer-token]' https://x",
        ),
        (
            "grant_type=refresh&client_secret=Zx9Qw8Er7T&scope=a",
            "grant_type=refresh&client_secret=[redacted:secret]&scope=a",
        ),
        (
            "Set-Cookie: sid=8f3kQ29xZz; Path=/; HttpOnly",
            "Set-Cookie: [redacted:cookie]; HttpOnly",
        ),
        (
            r#"{"headers": "cookie: a=1234567890abc; b=2\nnext: x"}"#,
            r#"{"headers": "cookie: [redacted:cookie]\nnext: x"}"#,
        ),
        (
            "form-data; name=\"api_key\"\r\n\r\nhunter22\r\n--x",
            "form-data; name=\"api_key\"\r\n\r\n[redacted:form-field]\r\n--x",
        ),
        (
            r#"name=\"password\"\r\n\r\nhunter22\r\n"#,
            r#"name=\"password\"\r\n\r\n[redacted:form-field]\r\n"#,
        ),
        (
            "\"token\": \"aB3dE5gH7jK9mN1pQ2rS4tU6\"",
            "\"token\": \"[redacted:secret]\"",
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
        "Cookie: Chocolate chip, 250 g; a cookie = a small cake",
        "name=\"city\"\r\n\r\nOslo\r\n",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "api_key=\"<your key here>\"",
        "the basic responsibilities of a bearer of understanding-and-knowledge",
        "sk-learn-based-classification-pipelines",
        "password: password",
        "http://host:8080/a@b",
        r"http://host:80\nfoo@bar.com",
        "{\"token\": \" Hello\", \"logprob\": -0.1}",
        "token: 4f9c1d2e-aaaa-4bbb-8ccc-0123456789ab",
        "max_tokens=4096, next_page_token=aB3dE5gH7jK9mN1pQ2rS4tU6",
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
fn headers_that_hold_credentials_are_dropped_and_no_others() {
    let redactor = redactor();
    for name in [
        "private-token",
        "X-CSRF-Token",
        "x-authorization",
        "x-goog-api-key",
        "cookie",
    ] {
        assert_eq!(redactor.header(name, "v"), None, "{name}");
    }
    for name in ["x-ratelimit-remaining-tokens", "anthropic-version", "etag"] {
        assert_eq!(redactor.header(name, "v").as_deref(), Some("v"), "{name}");
    }
}

#[test]
fn the_end_of_a_secret_never_stays_behind() {
    let key = format!("sk-proj-{}", "aB3dE5gH".repeat(4));
    assert_eq!(
        redactor().text(&format!("password: \"{key}.and-the-rest\"")),
        "password: \"[redacted:openai-key]\""
    );
}

#[test]
fn a_private_key_that_is_cut_off_leaves_nested_json_whole() {
    let inner = json!({ "pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQ" });
    let nested = json!({ "arguments": inner.to_string() }).to_string();
    for text in [inner.to_string(), nested] {
        let clean = redactor().text(&text).into_owned();
        assert!(!clean.contains("MIIE"), "{clean}");
        assert!(serde_json::from_str::<Value>(&clean).is_ok(), "{clean}");
    }
}

#[test]
fn a_value_is_found_as_it_stands_in_json_too() {
    let rules = RedactRules {
        values: vec!["pass\"word\\1".into()],
        ..RedactRules::default()
    };
    let redactor = Redactor::new(&rules).unwrap();
    assert_eq!(redactor.text("is pass\"word\\1!"), "is [redacted:secret]!");
    assert_eq!(
        redactor.text(&json!(["pass\"word\\1"]).to_string()),
        "[\"[redacted:secret]\"]"
    );
}

#[test]
fn placeholders_are_never_taken_apart() {
    let rules = RedactRules {
        patterns: vec![
            ("all".into(), r"\]\[|x .*".into()),
            ("word".into(), "redacted|key".into()),
        ],
        ..RedactRules::default()
    };
    let redactor = Redactor::new(&rules).unwrap();
    let text = "redacted [redacted:openai-key][redacted:jwt] key x [redacted:jwt] y";
    let once = redactor.text(text).into_owned();
    assert_eq!(
        once,
        "[redacted:word] [redacted:openai-key][redacted:jwt] [redacted:word] [redacted:all][redacted:jwt][redacted:all]"
    );
    assert_eq!(redactor.text(&once), once);
}

#[test]
fn no_pattern_makes_other_languages_slow() {
    for detector in detectors::DETECTORS {
        let ascii = detector
            .pattern
            .replace(r"(?-u:\b", "")
            .replace(r"(?i-u:\b", "");
        assert!(!ascii.contains(r"\b"), "{}", detector.kind);
    }
}

#[test]
fn a_pattern_that_is_none_is_refused_by_name() {
    let rules = RedactRules {
        patterns: vec![("mine".into(), "(".into())],
        values: Vec::new(),
        ..RedactRules::default()
    };
    let error = Redactor::new(&rules).err().unwrap();
    assert!(error.to_string().contains("`mine`"));
    let rules = RedactRules {
        patterns: vec![("my ] name".into(), "a".into())],
        values: Vec::new(),
        ..RedactRules::default()
    };
    let error = Redactor::new(&rules).err().unwrap();
    assert!(error.to_string().contains("`my ] name`"));
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(
        text in "[ -~\\n]{0,80}",
        name in "(password|api_key=|token: \"|secret=|AWS secret key |Bearer |https://a:|)",
        which in 0_usize..19,
        tail in "[ -~]{0,40}",
    ) {
        let redactor = redactor();
        let secret = &secrets()[which].1;
        let once = redactor.text(&format!("{text}{name} {secret}{tail} {name}{secret}")).into_owned();
        prop_assert_eq!(redactor.text(&once).into_owned(), once.clone());
    }

    #[test]
    fn no_secret_outlives_its_neighbours_and_json_stays_json(
        before in "[ -~\\n]{0,40}",
        which in prop::collection::vec(0_usize..19, 1..4),
        after in "(| .*|\"[ -~]{0,20})",
    ) {
        let all = secrets();
        let planted: Vec<&str> = which.iter().map(|index| all[*index].1.as_str()).collect();
        let text = format!("{before} {}{after}", planted.join(" "));
        let mut value = json!({ "text": text, "arguments": json!({ "a": text }).to_string() });
        redactor().scrub(&mut value);
        let shown = value.to_string();
        for secret in planted {
            let marker = secret.lines().nth(1).unwrap_or(secret);
            prop_assert!(!shown.contains(marker), "{}", shown);
        }
        let inner = serde_json::from_str::<Value>(value["arguments"].as_str().unwrap());
        prop_assert!(inner.is_ok(), "{}", shown);
    }

    #[test]
    fn what_is_surely_clean_is_not_changed(
        text in "[ -!#-\\[\\]-~]{0,60}",
        name in "(password|apiKey|api_key|Access-Token|content|token|id_token)",
        place in "(password=|api_key: |token: |secret=|AWS secret key |Bearer |https://a:|)",
        which in prop::option::of(0_usize..19),
    ) {
        let redactor = Redactor::new(&RedactRules::default()).unwrap();
        let secret = which.map(|which| secrets()[which].1.replace('\n', " "));
        let mut value = json!({ name: format!("{text} {place}{}", secret.unwrap_or_default()), "n": 1 });
        let json = value.to_string();
        prop_assume!(!json.contains('\\'));
        let around = format!("data: {}\n\ndata: {json}\n\n", json!({ "content": "fine" }));
        let before = value.clone();
        redactor.scrub(&mut value);
        if redactor.is_surely_clean(&around) {
            prop_assert_eq!(value, before);
        }
    }
}

#[test]
fn ordinary_events_are_surely_clean() {
    let redactor = Redactor::new(&RedactRules::default()).unwrap();
    assert!(redactor.is_surely_clean("data: {\"content\":\"fine\"}\n\n"));
    assert!(!redactor.is_surely_clean("data: {\"api-Key\":\"fine\"}\n\n"));
}
