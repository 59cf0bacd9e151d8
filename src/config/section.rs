//! The sections of `rewind.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use camino::Utf8PathBuf;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::agent::{Agent, AgentName};
use super::judge::Judge;
use super::value::{
    Glob, Pattern, Period, Personal, address, alpha, cap, control, dollars, http_url, jobs, limit,
    maybe_dollars, pointers, share,
};
use crate::model::{Effect, SampleRange};
use crate::proxy::HostRule;
use crate::redact::is_placeholder_name;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the file stands; `None` where there is none.
    #[serde(skip)]
    pub path: Option<Utf8PathBuf>,
    /// The directory that relative paths start from.
    #[serde(skip)]
    pub root: Utf8PathBuf,
    /// The directory of what judges read, where that is another one than [`Self::root`].
    #[serde(skip)]
    pub judges: Option<Utf8PathBuf>,
    /// `[agent]`: how the agent under test is run.
    pub agent: Agent,
    /// `[agents.NAME]`: further agents, by name.
    pub agents: BTreeMap<AgentName, Agent>,
    /// `[capture]`: the loopback listener.
    pub capture: Capture,
    /// `[upstream]`: where model calls go.
    pub upstream: Upstreams,
    /// `[mcp.NAME]`: MCP servers that the agent reaches over HTTP, by their names.
    pub mcp: BTreeMap<String, McpEntry>,
    /// `[replay]`: what may differ from the recording.
    pub replay: Replay,
    /// `[tools."NAME"]`: what the agent's tools do, by name; a name may hold `*`.
    pub tools: BTreeMap<Glob, ToolEntry>,
    /// `[redact]`: what is taken out of recordings beside the built-in secrets.
    pub redact: Redact,
    /// `[gate]`: how baselines are gated.
    pub gate: Gate,
    /// `[judge]`: the model that scores answers.
    #[serde(deserialize_with = "super::judge::section")]
    pub judge: Judge,
    /// `[report]`: what stands in the reports.
    pub report: Report,
    /// `[prices."MODEL"]`: prices that are missing in the built-in table, or differ from it.
    pub prices: BTreeMap<String, PriceRow>,
}

/// `[capture]`: the loopback listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the file"
)]
pub struct Capture {
    /// The address to listen on; `127.0.0.1:0` where it is not set.
    #[serde(deserialize_with = "address")]
    pub bind: Option<String>,
    /// The address that the agent is given, where it reaches the listener by another one.
    pub advertise: Option<String>,
    /// Whether requests with a credential of the agent's own are refused.
    pub strict_keys: bool,
    /// Whether it is a forward proxy, too: all HTTP requests of the agent are captured.
    pub proxy: bool,
    /// Whether programs on the JVM are captured by the forward proxy.
    pub jvm: bool,
    /// Whether the tools of known frameworks are wrapped without a line of the agent changing.
    pub auto_tools: bool,
    /// `[capture.hosts]`: what happens to requests for a host that come by the forward proxy.
    pub hosts: BTreeMap<Glob, HostRule>,
    /// Certificates in PEM that are trusted beside the system's, for hosts that are no model provider.
    pub upstream_ca: Option<Utf8PathBuf>,
    /// `[capture.resolve]`: the addresses of hosts that are not looked up.
    pub resolve: BTreeMap<String, SocketAddr>,
}

/// `[mcp.NAME]`: an MCP server that the agent reaches over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `url`, such as `[mcp.travel]`"
)]
pub struct McpEntry {
    /// The URL of its endpoint, such as `https://mcp.example.com/mcp`.
    pub url: String,
}

/// `[upstream]`: where model calls go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstreams {
    /// A rules file: the scripted model answers instead of a provider.
    pub scripted: Option<Utf8PathBuf>,
    /// `[upstream.NAME]`, by the provider's name.
    pub providers: BTreeMap<String, UpstreamEntry>,
}

/// `[upstream.NAME]`: one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `url`, such as `[upstream.openai]`"
)]
pub struct UpstreamEntry {
    /// The base URL, such as `https://api.openai.com/v1`.
    #[serde(deserialize_with = "http_url")]
    pub url: Option<String>,
    /// The variable that holds the key.
    pub key_env: Option<String>,
    /// Further endpoints that get the key, such as `POST /v1/images/generations`.
    pub allow: Vec<String>,
    /// The longest time to wait for the first byte of an answer; of several, the longest counts.
    #[serde(deserialize_with = "limit")]
    pub timeout: Option<Period>,
}

impl<'de> Deserialize<'de> for Upstreams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UpstreamsVisitor)
    }
}

struct UpstreamsVisitor;

impl<'de> Visitor<'de> for UpstreamsVisitor {
    type Value = Upstreams;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with `scripted = \"FILE\"` or a table for each provider")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Upstreams, A::Error> {
        let mut upstreams = Upstreams::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "scripted" {
                upstreams.scripted = Some(map.next_value()?);
            } else {
                upstreams.providers.insert(name, map.next_value()?);
            }
        }
        Ok(upstreams)
    }
}

/// `[replay]`: what may differ from the recording.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Replay {
    /// What happens when the agent leaves the recorded path before the fork.
    pub on_divergence: OnDivergence,
    /// The worst match that is still served.
    pub require: Require,
    /// The parts of the treatment that may differ; all where it is not set.
    pub treatment: Option<Vec<TreatmentPart>>,
    /// Pointers into the treatment that are not compared: `/settings/seed`, `/tools/NAME`, `/system`,
    /// `/model`.
    #[serde(deserialize_with = "pointers")]
    pub ignore: Vec<String>,
    /// When recorded answers are served.
    pub timing: Timing,
    /// What the agent's clock says.
    pub clock: Clock,
    /// What a request gets that comes more often than recorded.
    pub exhausted: Exhausted,
    /// Tools whose results may differ from the recorded ones.
    #[expect(
        clippy::zero_sized_map_values,
        reason = "more ways to compare a result may follow"
    )]
    pub tool_results: BTreeMap<String, ToolResult>,
    /// Tools that may run for real where `CI` is set; a name may hold `*`. A mutating tool has to be
    /// named in full, everywhere.
    pub allow_tools: Vec<Glob>,
    /// `[[replay.normalise]]`: what else changes on every run though nothing happened.
    pub normalise: Vec<Normalise>,
}

/// What happens when the agent leaves the recorded path before the fork.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDivergence {
    /// The fork moves to that request.
    #[default]
    Move,
    /// The request is refused.
    Halt,
}

/// What the agent's clock says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The time.
    #[default]
    Real,
    /// In a replay the time of the recording, and what was drawn by lot is drawn again.
    Recorded,
}

/// The worst match that is still served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Require {
    /// Equal requests only.
    Exact,
    /// Equal but for volatile values.
    Normalised,
    /// Equal but for the treatment.
    #[default]
    Drift,
}

/// A part of the treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreatmentPart {
    /// System and developer prompts.
    System,
    /// Tool definitions.
    Tools,
    /// The model.
    Model,
    /// Sampling parameters and all other settings.
    Settings,
}

/// When recorded answers are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// At once.
    #[default]
    Instant,
    /// With the recorded delays.
    Recorded,
}

/// What a request gets that comes more often than recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exhausted {
    /// It is a miss.
    #[default]
    Miss,
    /// The last recorded answer again.
    RepeatLast,
}

/// How a tool's results are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolResult {
    /// They may differ from the recorded ones.
    Recorded,
}

/// `[[replay.normalise]]`: one of `pattern` (with `replace`), `pointer`, `sort`, `sort_lines`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawNormalise")]
pub enum Normalise {
    /// Text that matches is replaced.
    Pattern {
        /// The regular expression.
        pattern: String,
        /// What stands in its place; may refer to groups as `$1`.
        replace: String,
    },
    /// The value at this JSON pointer is not compared, in tool arguments and JSON tool results.
    Pointer(String),
    /// The array at this JSON pointer has no order.
    Sort(String),
    /// Lines of a text that match this regular expression and follow each other have no order.
    SortLines(String),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct RawNormalise {
    pattern: Option<Pattern>,
    replace: Option<String>,
    pointer: Option<String>,
    sort: Option<String>,
    sort_lines: Option<Pattern>,
}

impl TryFrom<RawNormalise> for Normalise {
    type Error = &'static str;

    fn try_from(raw: RawNormalise) -> Result<Self, &'static str> {
        let is_pointer = |text: &str| text.is_empty() || text.starts_with('/');
        if let Some(Pattern(lines)) = raw.sort_lines {
            let others = (&raw.pattern, &raw.replace, &raw.pointer, &raw.sort);
            return match others {
                (None, None, None, None) => Ok(Self::SortLines(lines)),
                _ => Err(ONE_OF),
            };
        }
        match (raw.pattern, raw.replace, raw.pointer, raw.sort) {
            (Some(Pattern(pattern)), replace, None, None) => {
                let replace = replace.unwrap_or_else(|| "<ignored>".to_owned());
                Ok(Self::Pattern { pattern, replace })
            }
            (None, None, Some(pointer), None) if is_pointer(&pointer) => Ok(Self::Pointer(pointer)),
            (None, None, None, Some(sort)) if is_pointer(&sort) => Ok(Self::Sort(sort)),
            (None, None, Some(_), None) | (None, None, None, Some(_)) => {
                Err("a JSON pointer begins with `/`")
            }
            _ => Err(ONE_OF),
        }
    }
}

/// What a rule is that is none.
const ONE_OF: &str =
    "a rule has one of `pattern` (with `replace`), `pointer`, `sort` or `sort_lines`";

/// `[tools."NAME"]`: what a tool of the agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `effect` or `serve`")]
pub struct ToolEntry {
    /// What running it leaves behind.
    pub effect: Option<Effect>,
    /// Whether a call behind the fork is served where it matches a recorded one.
    pub serve: Option<bool>,
}

/// `[redact]`: what is taken out of recordings beside the built-in secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Redact {
    /// `[[redact.pattern]]`.
    pub pattern: Vec<RedactPattern>,
    /// Which personal data is replaced by pseudonyms.
    pub personal: Personal,
}

/// `[[redact.pattern]]`: one kind of text that is replaced by `[redacted:NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `name` and `regex`")]
pub struct RedactPattern {
    /// The name in the placeholder: letters, digits, `-`, `_` and `.`.
    #[serde(deserialize_with = "placeholder_name")]
    pub name: String,
    /// The regular expression.
    pub regex: Pattern,
}

fn placeholder_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if is_placeholder_name(&name) {
        Ok(name)
    } else {
        Err(D::Error::custom(
            "the name stands in `[redacted:NAME]`: use 1 to 48 letters, digits, `-`, `_` or `.`",
        ))
    }
}

/// `[gate]`: how baselines are gated.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Gate {
    /// Whether tails run live; on a terminal with a key by default, never with `CI` set.
    pub mode: Option<Mode>,
    /// The directory of the baselines; `baselines` where it is not set.
    pub baselines: Option<Utf8PathBuf>,
    /// How many agents run at once; the number of cores where it is not set.
    #[serde(deserialize_with = "jobs")]
    pub jobs: Option<usize>,
    /// The share of gating forks that must be measured, 0 to 1; 0.95 where it is not set.
    #[serde(deserialize_with = "share")]
    pub min_coverage: Option<f64>,
    /// Whether a failure makes the exit code 1; true where it is not set.
    pub enforce: Option<bool>,
    /// How likely a false alarm may be in a run; 0.05 where it is not set.
    #[serde(deserialize_with = "alpha")]
    pub alpha: Option<f64>,
    /// By how much a share or a mean score must be worse to count; 0.1 where it is not set.
    #[serde(deserialize_with = "share")]
    pub margin: Option<f64>,
    /// How many unchanged forks run live as a control; 2 where it is not set.
    #[serde(deserialize_with = "control")]
    pub aa: Option<u32>,
    /// From how many to how many samples of a fork run live; 3 to 12 where it is not set, 1 with a
    /// scripted model.
    pub samples: Option<SampleRange>,
    /// Where live answers are kept for the next run; nowhere where it is not set.
    pub cache_dir: Option<Utf8PathBuf>,
    /// The most dollars that the live calls of a run may cost; 2.00 where it is not set.
    #[serde(deserialize_with = "cap")]
    pub max_usd: Option<f64>,
    /// The most tokens that the live calls of a run may use; no limit where it is not set.
    pub max_tokens: Option<u64>,
}

/// `[report]`: what stands in the reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Report {
    /// How much of what agents and models wrote; none in CI and full elsewhere where it is not set.
    pub content: Option<crate::report::Content>,
    /// The history of runs that the report looks back on; none where it is not set.
    pub history: Option<Utf8PathBuf>,
}

/// Whether tails run live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing goes live.
    Offline,
    /// What the change affects goes live.
    Live,
}

/// `[prices."MODEL"]`: dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `input` and `output`")]
pub struct PriceRow {
    /// Input tokens.
    #[serde(deserialize_with = "dollars")]
    pub input: f64,
    /// Input tokens read from the cache; as `input` where it is not set.
    #[serde(default, deserialize_with = "maybe_dollars")]
    pub cached_input: Option<f64>,
    /// Input tokens written to the cache; as `input` where it is not set.
    #[serde(default, deserialize_with = "maybe_dollars")]
    pub cache_write: Option<f64>,
    /// Output tokens.
    #[serde(deserialize_with = "dollars")]
    pub output: f64,
}
