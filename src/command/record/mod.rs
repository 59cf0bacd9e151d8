//! `rewind record`: runs an agent and keeps what crosses its boundary.
//!
//! The agent's exit status is Rewind's own; 125 stands for a failure of Rewind before the agent ran,
//! 126 and 127 for a command that can't be run. What goes wrong with the recording while the agent
//! runs never changes its status: the faults are kept with the session and printed at the end.

mod name;
mod summary;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;

use super::rules::tool_rules;
use super::{
    BackendOptions, CaptureOptions, CommandError, Context, agent_config, agent_spec, check_live,
    listener, load_config, redactor, set_up, store_dir, way_out,
};
use crate::agent::{AgentSpec, Ended, Ending, Routing, RunDir, Stdio, harden};
use crate::command::rules::recorded_clock;
use crate::config::{Answer, Config};
use crate::exit::Exit;
use crate::lineage;
use crate::mcp::McpHttp;
use crate::model::{Outcome, SessionId, Source, Timeline};
use crate::proxy::{Backend, Proxy, Responder, placeholder_key};
use crate::record::{
    AncillaryTools, RecordResponder, Recorder, RecordingTools, Sink, StoreSink, StrictKeys,
};
use crate::redact::Redactor;
use crate::store::{SessionHead, Store, StoreError, TimelineHead};
use crate::tools::{HttpTools, ToolEndpoint, Tools};
use crate::wire::Parser;
use summary::Summary;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct RecordOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session's name; found from the agent where it is not given.
    pub name: Option<String>,
    /// What is captured beside what the configuration says.
    pub capture: CaptureOptions,
    /// Where live calls go.
    pub upstream: BackendOptions,
    /// Whether live calls are allowed although CI is set.
    pub live: bool,
    /// The longest time that the agent may run.
    pub timeout: Option<Duration>,
    /// The agent of `[agents.NAME]`; the one that the command fits where it is not given.
    pub agent: Option<String>,
    /// What the configured agent is asked; several are the turns of a conversation.
    pub input: Vec<String>,
    /// The agent's command and arguments; empty for the configured one.
    pub command: Vec<String>,
}

/// Runs the agent, records it, and writes to `err` what came of it.
///
/// # Errors
/// Usage and configuration (exit 2); everything that kept the agent from running (exit 125 to 127).
pub async fn run(
    options: &RecordOptions,
    context: &Context,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let mut config = load_config(options.config.as_deref(), context)?;
    options.capture.apply(&mut config);
    let config = agent_config(&config, options.agent.as_deref(), &options.command)?;
    let input = input(options, &config)?;
    let way_out = way_out(&options.upstream, &config, context)?;
    check_live(&way_out, options.live, context)?;
    if !way_out.secrets.is_empty() {
        harden();
    }
    let redactor = redactor(&config, &way_out)?;
    let spec = spec(options, &config, context);
    set_up(&config, &spec, err).await.map_err(own_failure)?;
    let store = Store::open(&store_dir(options.store.as_deref(), context)).map_err(own_failure)?;
    let head = head(options, &config, input.as_deref(), &redactor);
    let recording = Recording::begin(&store, &head, redactor).map_err(own_failure)?;
    let ran = recording
        .run(&spec, &config, input.as_deref(), way_out.backend)
        .await;
    let (ended, took) = match ran {
        Ok(ran) => ran,
        Err(error) => {
            // Nothing was run, so there is nothing to keep.
            recording.discard(&store, head.id);
            return Err(error);
        }
    };
    let finished = recording.finish(&ended, &spec, &config);
    let summary = Summary {
        head: &head,
        timeline: &finished.timeline,
        took,
        unstored: finished.unstored.as_deref(),
        notices: &finished.notices,
        removed: spec.environment.explain_removed(),
        lacks_input: options.command.is_empty() && input.is_none() && ended.exit != 0,
    };
    if let Err(error) = summary.write(err) {
        tracing::debug!(%error, "the summary could not be written");
    }
    Ok(Exit::Agent(u8::try_from(ended.exit).unwrap_or(OWN_FAILURE)))
}

fn spec(options: &RecordOptions, config: &Config, context: &Context) -> AgentSpec {
    let stdio = match config.agent.answer() {
        Answer::Stdout => Stdio::Tee {
            limit: STDOUT_LIMIT,
        },
        Answer::LastMessage | Answer::Response | Answer::File(_) => Stdio::Inherit,
    };
    let spec = agent_spec(config, &options.command, stdio, context);
    AgentSpec {
        timeout: options.timeout.or(spec.timeout),
        ..spec
    }
}

/// Returns what the configured agent is asked; `None` for a command that was typed whole.
fn input(options: &RecordOptions, config: &Config) -> Result<Option<String>, CommandError> {
    if !options.command.is_empty() {
        return Ok(None);
    }
    if config.agent.words().is_empty() {
        if let Some(choices) = config.choices() {
            return Err(CommandError::usage("there is no default agent to run")
                .help(format!("name one with --agent: {choices}")));
        }
        let once = match &config.path {
            Some(path) => format!("in {path}, as command = [\"python3\", \"agent.py\"] in [agent]"),
            None => "in rewind.toml; `rewind init` makes one".to_owned(),
        };
        return Err(CommandError::usage("there is no agent to run").help(format!(
            "write its command behind `--`, as in `rewind record -- python3 agent.py \"a question\"`, or \
             once and for all {once}",
        )));
    }
    match options.input.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        turns if config.agent.takes_turns() => {
            Ok(Some(serde_json::to_string(turns).map_err(own_failure)?))
        }
        _ => Err(CommandError::usage(
            "this agent takes one input: several turns need `serve`, `entry`, or `input = \"json-stdin\"`",
        )),
    }
}

fn head(
    options: &RecordOptions,
    config: &Config,
    input: Option<&str>,
    redactor: &Redactor,
) -> SessionHead {
    let clean = |text: &String| redactor.text(text).into_owned();
    let command = if options.command.is_empty() {
        config.agent.words()
    } else {
        &options.command
    };
    let name = options
        .name
        .clone()
        .or_else(|| config.agent.name.clone())
        .unwrap_or_else(|| name::of_command(command));
    SessionHead {
        id: SessionId::generate(),
        name,
        recorded_at: jiff::Timestamp::now(),
        source: Source::Recorded,
        command: command.iter().map(clean).collect(),
        input: input
            .map(str::to_owned)
            .or_else(|| name::input(&options.command, &config.agent.command))
            .as_ref()
            .map(clean),
        root_input: None,
        expected: None,
        trace: None,
    }
}

/// A session being recorded.
struct Recording {
    recorder: Arc<Recorder>,
    redactor: Arc<Redactor>,
    sink: Arc<StoreSink>,
    started_at: jiff::Timestamp,
}

/// A session that was recorded.
struct Finished {
    timeline: Timeline,
    unstored: Option<String>,
    notices: Vec<String>,
}

impl Recording {
    fn begin(
        store: &Store,
        head: &SessionHead,
        redactor: Arc<Redactor>,
    ) -> Result<Self, StoreError> {
        let started_at = jiff::Timestamp::now();
        store.begin_session(head)?;
        let writer = store.begin_timeline(
            head.id,
            &TimelineHead {
                label: MAIN.to_owned(),
                forked_from: None,
                started_at,
            },
        )?;
        let sink = Arc::new(StoreSink::start(writer));
        let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
        let kept = Arc::clone(&sink) as Arc<dyn Sink>;
        let recorder = Arc::new(Recorder::new(parser, Arc::clone(&redactor), kept));
        Ok(Self {
            recorder,
            redactor,
            sink,
            started_at,
        })
    }

    /// Runs the agent to its end, and waits for the answers under way then.
    async fn run(
        &self,
        spec: &AgentSpec,
        config: &Config,
        input: Option<&str>,
        backend: Arc<dyn Backend>,
    ) -> Result<(Ended, Duration), CommandError> {
        let mut options = listener(config)?;
        if let Some(interception) = &mut options.intercept {
            interception.passes_pinned = true;
        }
        let placeholder = placeholder_key(&options.token);
        let recorder = Arc::clone(&self.recorder);
        let mut responder: Arc<dyn Responder> =
            Arc::new(RecordResponder::new(recorder, Arc::clone(&backend)));
        if config.capture.strict_keys {
            responder = Arc::new(StrictKeys::new(responder));
        }
        let tools = RecordingTools::new(Arc::clone(&self.recorder), tool_rules(config));
        let recorder = Arc::clone(&self.recorder);
        let tools = AncillaryTools::recording(Arc::new(tools), recorder);
        let tools: Arc<dyn Tools> = Arc::new(tools);
        responder = Arc::new(ToolEndpoint::new(Arc::clone(&tools), responder));
        let outbound = options.outbound.clone();
        if options.intercept.is_some() {
            let (tools, outbound) = (Arc::clone(&tools), outbound.clone());
            responder = Arc::new(HttpTools::new(tools, outbound, backend, responder));
        }
        let servers = options.servers.clone();
        let names = servers.keys().cloned().collect();
        responder = Arc::new(McpHttp::new(tools, outbound, servers, responder));
        let proxy = Proxy::start(options, responder)
            .await
            .map_err(own_failure)?;
        let routing = Routing {
            base: proxy.base().to_owned(),
            placeholder,
            door: proxy.door().cloned(),
            servers: names,
            clock: recorded_clock(config).then_some(self.started_at),
        };
        let run_dir = RunDir::create().map_err(own_failure)?;
        let begun = Instant::now();
        let ended = spec
            .execute(input, &routing, &run_dir, std::future::pending())
            .await;
        let ended = ended.map_err(|error| {
            let status = error.status();
            CommandError::usage(error).exit(Exit::Agent(status))
        })?;
        let took = begun.elapsed();
        for (host, why) in proxy.unread() {
            self.recorder.notice(why.sentence(&host));
        }
        proxy.shutdown().await;
        if tokio::time::timeout(DRAIN, self.recorder.drained())
            .await
            .is_err()
        {
            self.recorder
                .fault("calls were still under way when the run ended; they are not recorded");
        }
        Ok((ended, took))
    }

    /// Makes the timeline and stores it.
    fn finish(self, ended: &Ended, spec: &AgentSpec, config: &Config) -> Finished {
        let recorded = self.recorder.finish();
        let steps = lineage::assemble(&recorded.calls, &recorded.tools);
        let answer = match config.agent.answer() {
            Answer::LastMessage => {
                lineage::final_answer(&steps, config.agent.output_agent.as_deref())
            }
            Answer::Stdout | Answer::Response | Answer::File(_) => ended
                .stdout
                .as_deref()
                .map(|bytes| self.clean(&String::from_utf8_lossy(bytes))),
        };
        let ending = ending_fault(ended.ending, spec.timeout);
        let timeline = Timeline {
            label: MAIN.to_owned(),
            forked_from: None,
            started_at: self.started_at,
            is_complete: true,
            steps,
            ancillary: recorded.ancillary,
            outcome: Outcome {
                exit: Some(ended.exit),
                answer,
                faults: ending
                    .into_iter()
                    .chain(ended.faults.iter().map(|fault| self.clean(fault)))
                    .chain(recorded.faults)
                    .collect(),
            },
            replay: None,
        };
        let unstored = match self.sink.close() {
            Some(writer) => writer
                .finish(&timeline)
                .err()
                .map(|error| error.to_string()),
            None => Some("the thread that writes the store has failed".to_owned()),
        };
        Finished {
            timeline,
            unstored,
            notices: recorded.notices,
        }
    }

    fn clean(&self, text: &str) -> String {
        self.redactor.text(text.trim()).into_owned()
    }

    fn discard(&self, store: &Store, id: SessionId) {
        drop(self.sink.close());
        if let Err(error) = store.remove(id) {
            tracing::warn!("the empty session could not be removed: {error}");
        }
    }
}

fn ending_fault(ending: Ending, timeout: Option<Duration>) -> Option<String> {
    match ending {
        Ending::Own => None,
        Ending::TimedOut => {
            let seconds = timeout.map_or(0.0, |timeout| timeout.as_secs_f64());
            Some(format!(
                "the agent ran longer than {seconds} s and was ended"
            ))
        }
        Ending::Cancelled => Some("the run was cancelled".to_owned()),
        Ending::Interrupted => Some("the run was interrupted by a signal".to_owned()),
    }
}

fn own_failure(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
    CommandError::usage(error).exit(Exit::Agent(OWN_FAILURE))
}

/// The label of a recorded timeline.
const MAIN: &str = "main";

/// The exit status for a failure of Rewind itself.
const OWN_FAILURE: u8 = 125;

/// How long answers under way may take after the end of the agent and its listener.
const DRAIN: Duration = Duration::from_secs(30);

/// The most bytes of standard output that are kept as the final answer.
const STDOUT_LIMIT: usize = 4 << 20;
