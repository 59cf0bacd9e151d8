//! Where spans go: from options and the variables of the OpenTelemetry specification.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

use super::scores::ScoreApi;

/// How a request is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `http/protobuf`.
    Protobuf,
    /// `http/json`.
    Json,
}

/// A backend.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where requests are posted.
    pub url: Url,
    /// How they are encoded.
    pub encoding: Encoding,
    /// What is sent along.
    pub headers: HeaderMap,
    /// How long a request may take.
    pub timeout: Duration,
    /// Whether bodies are compressed with gzip.
    pub is_compressed: bool,
}

/// Why there is no target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Nothing says where to send.
    #[error("no endpoint is named; use --endpoint URL or set OTEL_EXPORTER_OTLP_ENDPOINT")]
    NoEndpoint,
    /// An endpoint that is no URL of HTTP.
    #[error("`{0}` is no http or https URL")]
    Endpoint(String),
    /// A header that can't be sent.
    #[error("`{0}` is no header; write NAME=VALUE")]
    Header(String),
    /// A protocol that is not spoken.
    #[error("the protocol `{0}` is not spoken; use http/protobuf or http/json")]
    Protocol(String),
    /// Langfuse without its keys.
    #[error(
        "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are not set; Langfuse takes nothing without them"
    )]
    Keys,
}

/// Finds the backend.
///
/// `endpoint`, `protocol` and `headers` are what was typed; `variable` looks up a variable of the
/// environment that is set and not empty.
///
/// # Errors
/// There is no endpoint, or something of it is malformed.
pub fn target<'v>(
    endpoint: Option<&str>,
    protocol: Option<&str>,
    headers: &[String],
    variable: impl Fn(&str) -> Option<&'v str>,
) -> Result<Target, TargetError> {
    let of = |name: &str| {
        let traces = variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
        traces.or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
    };
    let url = match (endpoint, variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")) {
        (Some(typed), _) => below(parse(typed)?),
        // Taken as it is.
        (None, Some(whole)) => parse(whole)?,
        (None, None) => {
            let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT").ok_or(TargetError::NoEndpoint)?;
            below(parse(base)?)
        }
    };
    let encoding = match protocol.or_else(|| of("PROTOCOL")) {
        None | Some("http/protobuf") => Encoding::Protobuf,
        Some("http/json") => Encoding::Json,
        Some(other) => return Err(TargetError::Protocol(other.to_owned())),
    };
    let mut all = HeaderMap::new();
    for pair in of("HEADERS").unwrap_or_default().split(',') {
        if !pair.trim().is_empty() {
            add(&mut all, pair, true)?;
        }
    }
    for pair in headers {
        add(&mut all, pair, false)?;
    }
    if is_langfuse(&url) {
        langfuse(&mut all, &variable)?;
    }
    let timeout = of("TIMEOUT").and_then(|text| text.parse().ok());
    Ok(Target {
        url,
        encoding,
        headers: all,
        timeout: Duration::from_millis(timeout.unwrap_or(10_000)),
        is_compressed: of("COMPRESSION") == Some("gzip"),
    })
}

impl Target {
    /// Returns where scores are posted, and in whose way; `None` where that is not known.
    ///
    /// `api` is what was typed; else Langfuse and Phoenix are known by their addresses.
    pub fn scores(&self, api: Option<ScoreApi>) -> Option<(ScoreApi, Url)> {
        let known = || {
            let host = self.url.host_str().unwrap_or_default();
            let is_phoenix = host.contains("phoenix") || self.url.port() == Some(PHOENIX);
            let by_address = is_phoenix.then_some(ScoreApi::Phoenix);
            is_langfuse(&self.url)
                .then_some(ScoreApi::Langfuse)
                .or(by_address)
        };
        let api = api.or_else(known)?;
        let (spans, scores) = match api {
            ScoreApi::Langfuse => ("/otel/v1/traces", "/scores"),
            ScoreApi::Phoenix => ("/v1/traces", "/v1/span_annotations"),
        };
        let base = self.url.path().trim_end_matches('/').strip_suffix(spans)?;
        let mut url = self.url.clone();
        url.set_path(&format!("{base}{scores}"));
        url.set_query(None);
        Some((api, url))
    }
}

/// The port that Phoenix listens on.
const PHOENIX: u16 = 6006;

fn parse(text: &str) -> Result<Url, TargetError> {
    let url = Url::parse(text.trim()).ok();
    url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
        .ok_or_else(|| TargetError::Endpoint(text.to_owned()))
}

/// Returns the place for traces below a base; one that names it already stays.
fn below(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with("/v1/traces") {
        return url;
    }
    let is_bare = !path.contains("/api/public");
    let middle = if is_langfuse(&url) && is_bare {
        "/api/public/otel"
    } else {
        ""
    };
    url.set_path(&format!("{path}{middle}/v1/traces"));
    url
}

fn is_langfuse(url: &Url) -> bool {
    let by_host = url.host_str().is_some_and(|host| host.contains("langfuse"));
    by_host || url.path().contains("/api/public/otel")
}

/// Adds what Langfuse wants beside the spans.
fn langfuse<'v>(
    headers: &mut HeaderMap,
    variable: &impl Fn(&str) -> Option<&'v str>,
) -> Result<(), TargetError> {
    // Without it, what is sent shows up ten minutes late.
    let version = HeaderName::from_static("x-langfuse-ingestion-version");
    headers
        .entry(version)
        .or_insert(HeaderValue::from_static("4"));
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let keys = variable("LANGFUSE_PUBLIC_KEY").zip(variable("LANGFUSE_SECRET_KEY"));
    let (public, secret) = keys.ok_or(TargetError::Keys)?;
    let pair = STANDARD.encode(format!("{public}:{secret}"));
    let value = HeaderValue::from_str(&format!("Basic {pair}"));
    let mut value = value.map_err(|_error| TargetError::Keys)?;
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    Ok(())
}

fn add(headers: &mut HeaderMap, pair: &str, is_encoded: bool) -> Result<(), TargetError> {
    // Not the pair: its value may be a secret.
    let name = pair.split('=').next().unwrap_or_default().trim();
    let wrong = || TargetError::Header(name.to_owned());
    let (_name, value) = pair.split_once('=').ok_or_else(wrong)?;
    let decoded = if is_encoded {
        percent_decoded(value.trim())
    } else {
        value.trim().to_owned()
    };
    let name = HeaderName::try_from(name).map_err(|_error| wrong())?;
    let mut value = HeaderValue::try_from(decoded.as_str()).map_err(|_error| wrong())?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// Returns a text with `%20` and its like decoded.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(code) = code.filter(|_code| *first == b'%') {
            bytes.push(code);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
