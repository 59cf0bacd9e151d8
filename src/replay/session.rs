//! One replay from its first socket to its finished timeline.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::conclude::{self, Ending};
use super::fork::Fork;
use super::matcher::Matcher;
use super::printed::printed;
use super::recording::Recording;
use super::responder::ReplayResponder;
use super::rules::Rules;
use super::serve::Timing;
use super::tools::ReplayingTools;
use crate::agent::Routing;
use crate::lineage;
use crate::mcp::McpHttp;
use crate::model::{ForkPoint, ForkedFrom, Outcome, Thread, Timeline};
use crate::proxy::{
    Backend, HttpBackend, Options, Proxy, ProxyError, Responder, Unread, Upstreams, placeholder_key,
};
use crate::record::{AncillaryTools, Recorder, StrictKeys};
use crate::tools::{HttpTools, ToolEndpoint, Tools};

/// How long the end of a replay waits for answers that are still being taken in.
const DRAIN: Duration = Duration::from_secs(30);

/// What is replayed, and how.
pub struct Plan {
    /// The recorded timeline.
    pub recording: Arc<Recording>,
    /// The rules.
    pub rules: Arc<Rules>,
    /// Where it goes live.
    pub fork: Fork,
    /// The fork point as it was asked for.
    pub address: ForkPoint,
    /// The label of the new timeline.
    pub label: String,
    /// Where live calls go; `None` lets nothing go live.
    pub backend: Option<Arc<dyn Backend>>,
    /// When recorded answers are served.
    pub timing: Timing,
    /// Where the final answer is read.
    pub output: AnswerFrom,
    /// Whether requests with a credential of the agent's own are refused.
    pub strict_keys: bool,
    /// Whether the agent's clock goes on from the start of the recording.
    pub clock: bool,
}

/// Where the final answer of a run is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerFrom {
    /// The last message of the conversation, of one agent only where it is named.
    LastMessage {
        /// The agent.
        agent: Option<String>,
    },
    /// Standard output.
    Stdout,
    /// A file that the agent writes.
    File(Utf8PathBuf),
}

/// What the run of the agent left behind.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// The exit status; `None` where it is unknown.
    pub exit: Option<i32>,
    /// Standard output, where it was captured.
    pub stdout: Option<Vec<u8>>,
    /// What else went wrong, in words.
    pub faults: Vec<String>,
}

/// What a replay became.
#[derive(Debug)]
pub struct Finished {
    /// The finished timeline.
    pub timeline: Timeline,
    /// The conversations of requests that were refused: not in the timeline, but they have happened.
    pub refused: Vec<Thread>,
    /// Whether standard output holds the final answer; `None` where that is not known, or where the
    /// answer is read elsewhere.
    pub printed: Option<bool>,
}

/// A replay under way: its listener is open.
pub struct Replay {
    plan: Plan,
    matcher: Arc<Matcher>,
    tools: Arc<ReplayingTools>,
    recorder: Arc<Recorder>,
    proxy: Proxy,
    placeholder: String,
    servers: Vec<String>,
    started_at: jiff::Timestamp,
}

impl Replay {
    /// Opens the listener of a replay.
    ///
    /// # Errors
    /// The listener can't be opened.
    pub async fn start(
        plan: Plan,
        recorder: Arc<Recorder>,
        options: Options,
    ) -> Result<Self, ProxyError> {
        recorder.reserve(plan.recording.timeline());
        let matcher = Arc::new(Matcher::new(
            Arc::clone(&plan.recording),
            Arc::clone(&plan.rules),
            plan.fork,
        ));
        let tools = Arc::new(ReplayingTools::new(
            Arc::clone(&matcher),
            Arc::clone(&recorder),
        ));
        let responder = ReplayResponder::new(
            Arc::clone(&matcher),
            Arc::clone(&recorder),
            plan.backend.clone(),
            plan.timing,
        );
        let placeholder = placeholder_key(&options.token);
        let mut responder: Arc<dyn Responder> = Arc::new(responder);
        if plan.strict_keys {
            responder = Arc::new(StrictKeys::new(responder));
        }
        let asked = AncillaryTools::replaying(
            Arc::clone(&tools) as Arc<dyn Tools>,
            Arc::clone(&recorder),
            Arc::clone(plan.recording.timeline()),
            plan.backend.is_some(),
        );
        let asked: Arc<dyn Tools> = Arc::new(asked);
        responder = Arc::new(ToolEndpoint::new(Arc::clone(&asked), responder));
        let (servers, outbound) = (options.servers.clone(), options.outbound.clone());
        let names = servers.keys().cloned().collect();
        if options.intercept.is_some() {
            let (asked, outbound) = (Arc::clone(&asked), outbound.clone());
            // Without a way out nothing is asked of it.
            let models = plan.backend.clone();
            let models = models.unwrap_or_else(|| Arc::new(HttpBackend::new(Upstreams::default())));
            responder = Arc::new(HttpTools::new(asked, outbound, models, responder));
        }
        responder = Arc::new(McpHttp::new(asked, outbound, servers, responder));
        let proxy = Proxy::start(options, responder).await?;
        // A fork that lives in the recorded time began when the recording did.
        let started_at = if plan.clock {
            plan.recording.timeline().started_at
        } else {
            jiff::Timestamp::now()
        };
        Ok(Self {
            plan,
            matcher,
            tools,
            recorder,
            proxy,
            placeholder,
            servers: names,
            started_at,
        })
    }

    /// Returns the listener.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Returns what is asked before a tool runs.
    pub fn tools(&self) -> Arc<dyn Tools> {
        Arc::clone(&self.tools) as Arc<dyn Tools>
    }

    /// Returns where the listener is, and the key that the agent is to send.
    pub fn routing(&self) -> Routing {
        Routing {
            base: self.proxy.base().to_owned(),
            placeholder: self.placeholder.clone(),
            door: self.proxy.door().cloned(),
            servers: self.servers.clone(),
            clock: self.plan.clock.then_some(self.started_at),
        }
    }

    /// Returns what went wrong with the hosts that the agent asked for, in sentences.
    pub(super) fn cut_off(&self) -> Vec<String> {
        let unread = self.proxy.unread().into_iter();
        let cut_off = unread.filter(|(_host, why)| matches!(why, Unread::CutOff(_)));
        cut_off.map(|(host, why)| why.sentence(&host)).collect()
    }

    /// Closes the listener and returns what the run became.
    pub async fn finish(self, left: Left) -> Finished {
        self.proxy.shutdown().await;
        // What the listener dropped is being taken in; a provider that hangs must not hold the end up.
        drop(tokio::time::timeout(DRAIN, self.recorder.drained()).await);
        let finished = self.recorder.finish();
        let parent = self.plan.recording.timeline();
        let steps = lineage::assemble_fork(&finished.calls, &finished.tools, parent);
        let answer = match &self.plan.output {
            AnswerFrom::LastMessage { agent } => lineage::final_answer(&steps, agent.as_deref()),
            AnswerFrom::Stdout => left
                .stdout
                .as_deref()
                .map(|bytes| self.recorder.clean(String::from_utf8_lossy(bytes).trim())),
            AnswerFrom::File(path) => {
                let text = tokio::fs::read_to_string(path).await.ok();
                text.map(|text| self.recorder.clean(&text))
            }
        };
        let printed = printed(
            &self.plan.output,
            answer.as_deref(),
            left.stdout.as_deref(),
            |text| self.recorder.clean(text),
        );
        let report = conclude::conclude(
            &self.matcher,
            self.tools.end(),
            &Ending {
                exit: left.exit,
                answer: answer.clone(),
            },
        );
        let first_live = match self.plan.fork {
            _ if report.live == 0 => None,
            Fork::At(first_live) => Some(first_live),
            Fork::Auto | Fork::Never => lineage::first_unserved(&finished.calls, parent),
        };
        let faults = left.faults.iter().map(|fault| self.recorder.clean(fault));
        let faults = faults.chain(finished.faults).collect();
        let timeline = Timeline {
            label: self.plan.label,
            forked_from: Some(ForkedFrom {
                label: parent.label.clone(),
                address: self.plan.address.to_string(),
                step: first_live,
            }),
            started_at: self.started_at,
            is_complete: true,
            steps,
            ancillary: finished.ancillary,
            outcome: Outcome {
                exit: left.exit,
                answer,
                faults,
            },
            replay: Some(report),
        };
        Finished {
            timeline,
            refused: self.matcher.refused(),
            printed,
        }
    }
}
