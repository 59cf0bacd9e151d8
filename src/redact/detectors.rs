//! The built-in detectors: one line each, by the prefixes and shapes that the issuers document.

/// How one kind of secret looks.
pub(super) struct Detector {
    /// The kind, as in the placeholder.
    pub(super) kind: &'static str,
    /// The pattern; a group named `secret` narrows it to that part.
    pub(super) pattern: &'static str,
}

const fn detector(kind: &'static str, pattern: &'static str) -> Detector {
    Detector { kind, pattern }
}

/// All detectors, the more specific ones first.
pub(super) const DETECTORS: [Detector; 29] = [
    // PEM, also with its line ends escaped inside JSON; to the end of the text where it is cut off.
    detector(
        "private-key",
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=:,\s\\-]*?-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]{16,})",
    ),
    detector(
        "jwt",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    detector("anthropic-key", r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
    detector("openrouter-key", r"\bsk-or-(?:v1-)?[A-Za-z0-9_-]{16,}"),
    detector("langfuse-key", r"\b[sp]k-lf-[A-Za-z0-9-]{16,}"),
    detector(
        "openai-key",
        r"\bsk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,}",
    ),
    detector(
        "stripe-key",
        r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/=]{24,}",
    ),
    detector("google-key", r"\bAIza[A-Za-z0-9_-]{35}"),
    detector(
        "google-oauth",
        r"\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{20,}",
    ),
    detector("groq-key", r"\bgsk_[A-Za-z0-9]{20,}"),
    detector("xai-key", r"\bxai-[A-Za-z0-9]{20,}"),
    detector("huggingface-token", r"\bhf_[A-Za-z0-9]{20,}"),
    detector("perplexity-key", r"\bpplx-[A-Za-z0-9]{20,}"),
    detector("replicate-token", r"\br8_[A-Za-z0-9]{20,}"),
    detector("langsmith-key", r"\blsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}"),
    detector(
        "github-token",
        r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}",
    ),
    detector(
        "gitlab-token",
        r"\bgl(?:pat|ptt|rt|dt|cbt)-[A-Za-z0-9_-]{20,}",
    ),
    detector(
        "slack-token",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[0-9]-[A-Za-z0-9-]{10,}",
    ),
    detector(
        "slack-webhook",
        r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}",
    ),
    detector("npm-token", r"\bnpm_[A-Za-z0-9]{36}"),
    detector("pypi-token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{20,}"),
    detector(
        "sendgrid-key",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ),
    detector("twilio-key", r"\bSK[0-9a-f]{32}\b"),
    detector("digitalocean-token", r"\bdo[opr]_v1_[a-f0-9]{64}"),
    detector("aws-key-id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    detector(
        "aws-secret-key",
        r"(?i)aws.{0,24}?(?:secret|session).{0,24}?(?:key|token)[^A-Za-z0-9+/]{1,8}(?P<secret>[A-Za-z0-9+/]{40,}={0,2})",
    ),
    detector(
        "bearer-token",
        r"(?i)\b(?:bearer|basic|authorization:\s*token)\s+(?P<secret>[A-Za-z0-9._~+/-]{16,}=*)",
    ),
    detector(
        "url-password",
        r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\x22'<>]+:(?P<secret>[^\s/@\x22'<>]{3,})@",
    ),
    // A name that says secret, then a value with a digit or in quotes: words and sentences stay.
    detector(
        "secret",
        r#"(?i)(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|private[_-]?key)\\{0,3}["']?\s{0,3}[:=]\s{0,3}(?:\\{0,3}["'](?P<secret>[^\s"'\\]{6,})|[A-Za-z_+/-]*[0-9][A-Za-z0-9_+/.=-]{7,})"#,
    ),
];
