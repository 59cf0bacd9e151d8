//! The built-in detectors: one line each, by the prefixes and shapes that the issuers document.
//!
//! Word boundaries are ASCII ones: with Unicode ones the automaton gives up on any text that is not
//! English, and is five hundred times slower there.

/// How one kind of secret looks.
#[derive(Clone, Copy)]
pub(super) struct Detector {
    /// The kind, as in the placeholder.
    pub(super) kind: &'static str,
    /// The pattern; a group named `secret` narrows it to that part.
    pub(super) pattern: &'static str,
    /// Where it may begin.
    pub(super) start: Start,
    /// What else has to hold of what it found.
    pub(super) proof: Proof,
}

/// Where a pattern may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Anywhere: the pattern brings its own context.
    Anywhere,
    /// At a word boundary, also behind an escape such as `\n`, `\u0022` or `%3D`, whose last letter
    /// would else pass for a part of the word.
    Word,
}

/// What else has to hold of a text that has the shape of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing: the shape is proof enough.
    Shape,
    /// It holds a digit, or letters of both cases: `sk-learn-based-pipelines` is no key.
    Random,
    /// As `Random`, and it is no UUID: those are ids more often than secrets.
    RandomNoUuid,
}

/// What may stand before a [`Start::Word`] pattern.
pub(super) const WORD_START: &str =
    r"(?:(?-u:\b)|\\[nrtbfv]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2})";

/// A detector of keys that begin with their issuer's prefix.
const fn key(kind: &'static str, pattern: &'static str) -> Detector {
    Detector {
        kind,
        pattern,
        start: Start::Word,
        proof: Proof::Random,
    }
}

/// A detector whose pattern is proof enough.
const fn shape(kind: &'static str, start: Start, pattern: &'static str) -> Detector {
    Detector {
        kind,
        pattern,
        start,
        proof: Proof::Shape,
    }
}

/// A detector that knows a secret by what stands around it.
const fn context(kind: &'static str, proof: Proof, pattern: &'static str) -> Detector {
    Detector {
        kind,
        pattern,
        start: Start::Anywhere,
        proof,
    }
}

/// All detectors; where two hit the same place, the first one names it.
#[rustfmt::skip]
pub(super) const DETECTORS: &[Detector] = &[
    // PEM, also with its line ends escaped inside JSON; to the end of the key where it is cut off.
    shape("private-key", Start::Anywhere, r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:[A-Za-z0-9+/=:,.() \t\r\n-]|\\+[nrt])*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:[A-Za-z0-9+/= \t\r\n]|\\+[nr]){16,})"),
    shape("jwt", Start::Word, r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),

    // Model providers and the tools that agents call.
    key("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{16,}"),
    key("openrouter-key", r"sk-or-(?:v1-)?[A-Za-z0-9_-]{16,}"),
    key("langfuse-key", r"[sp]k-lf-[A-Za-z0-9-]{16,}"),
    key("openai-key", r"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,}"),
    key("google-key", r"AIza[A-Za-z0-9_-]{35}"),
    key("google-oauth", r"(?:ya29\.|GOCSPX-|1//0)[A-Za-z0-9_-]{20,}"),
    key("groq-key", r"gsk_[A-Za-z0-9]{20,}"),
    key("xai-key", r"xai-[A-Za-z0-9]{20,}"),
    key("huggingface-token", r"hf_[A-Za-z0-9]{20,}"),
    key("perplexity-key", r"pplx-[A-Za-z0-9]{20,}"),
    key("replicate-token", r"r8_[A-Za-z0-9]{20,}"),
    key("nvidia-key", r"nvapi-[A-Za-z0-9_-]{20,}"),
    key("cerebras-key", r"csk-[A-Za-z0-9]{20,}"),
    key("fireworks-key", r"fw_[A-Za-z0-9]{20,}"),
    key("tavily-key", r"tvly-[A-Za-z0-9-]{20,}"),
    key("firecrawl-key", r"fc-[0-9a-f]{32}(?-u:\b)"),
    key("pinecone-key", r"pcsk_[A-Za-z0-9_]{20,}"),
    key("e2b-key", r"e2b_[0-9a-f]{32,}"),
    key("langsmith-key", r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}"),

    // Clouds, code hosting, registries.
    shape("aws-key-id", Start::Word, r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?-u:\b)"),
    context("aws-secret-key", Proof::Random, r"(?i-u:aws[ -~]{0,24}?(?:secret|session)[ -~]{0,24}?(?:key|token))[^A-Za-z0-9+/]{1,8}(?P<secret>[A-Za-z0-9+/]{40,}={0,2})"),
    key("github-token", r"(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
    key("gitlab-token", r"gl(?:pat|ptt|rt|dt|cbt|soat|oas)-[A-Za-z0-9_-]{20,}"),
    key("digitalocean-token", r"do[opr]_v1_[a-f0-9]{64}"),
    key("databricks-token", r"dapi[0-9a-f]{32}"),
    key("vault-token", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    key("grafana-token", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{24,}"),
    key("npm-token", r"npm_[A-Za-z0-9]{36}"),
    key("pypi-token", r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{20,}"),

    // Messages, payments, documents.
    key("slack-token", r"(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})"),
    shape("slack-webhook", Start::Anywhere, r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
    shape("telegram-token", Start::Word, r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    key("stripe-key", r"(?:(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,})"),
    key("shopify-token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    key("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    key("twilio-key", r"SK[0-9a-f]{32}(?-u:\b)"),
    key("notion-token", r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})"),
    key("linear-key", r"lin_api_[A-Za-z0-9]{32,}"),

    // Whatever stands where a credential stands.
    context("bearer-token", Proof::Random, r"(?i-u:\b(?:bearer|basic|authorization:[ \t]*token)[ \t\r\n]+)(?P<secret>[A-Za-z0-9._~+/-]{16,}=*)"),
    // Pairs, as a browser sends them: prose about biscuits has none.
    context("cookie", Proof::Random, r#"(?i-u:\bcookie\\{0,3}["']?[ \t]{0,3}[:=][ \t]{0,3}\\{0,3}["']?)(?P<secret>[A-Za-z0-9_.-]+=[^\s;,"'\\]{8,}(?:;[ \t]?[A-Za-z0-9_.-]+=[^\s;,"'\\]*)*)"#),
    // A field of a form in several parts: its name, an empty line, its value.
    context("form-field", Proof::Shape, r#"(?i-u:name=\\{0,3}"(?:password|passwd|secret|client[_-]?secret|token|(?:access|auth|refresh|session|id)[_-]?token|(?:x[_-]?)?api[_-]?key|private[_-]?key)\\{0,3}")(?:\r?\n|\\{1,3}r\\{1,3}n|\\{1,3}n){2}(?P<secret>[^\s"'\\]{4,})"#),
    context("url-password", Proof::Shape, r"[a-zA-Z0-9+.-]{2}://[^\s/:@\x22'<>\\]*:(?P<secret>[^\s/@\x22'<>\\]{3,})@"),
    // A name that says secret, then a value in quotes, or one that looks random.
    context("secret", Proof::Shape, r#"(?i-u:(?:password|passwd|secret|api[_-]?key|(?:access|auth|refresh|session|bearer|id)[_-]?token|private[_-]?key|(?:secret[_-]?)?access[_-]?key))\\{0,3}["']?[ \t]{0,3}[:=][ \t]{0,3}\\{0,3}["'](?P<secret>[^\s"'\\]{6,})"#),
    context("secret", Proof::Random, r"(?i-u:(?:password|passwd|secret|api[_-]?key|(?:access|auth|refresh|session|bearer|id)[_-]?token|private[_-]?key|(?:secret[_-]?)?access[_-]?key))[ \t]{0,3}[:=][ \t]{0,3}(?P<secret>[A-Za-z0-9_+/.=!#%^*~-]{8,})"),
    context("secret", Proof::RandomNoUuid, r#"(?i-u:\btoken)\\{0,3}["']?[ \t]{0,3}[:=][ \t]{0,3}(?:\\{0,3}["'])?(?P<secret>[A-Za-z0-9_+/.=-]{20,})"#),
];
