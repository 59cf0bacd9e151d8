//! `rewind replay`: runs the agent again, recorded answers before the fork, live ones from it on.

mod outline;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use tokio::signal::unix::{SignalKind, signal};

use super::asked::agent_input;
use super::output::say;
use super::rules::{answer_from, for_imports, prices, real_tools, replay_rules, timing};
use super::{
    BackendOptions, CaptureOptions, CommandError, Context, WayOut, agent_config, agent_spec,
    check_live, demo, listener, load_config, redactor, set_up, store_dir, way_out,
};
use crate::agent::{AgentSpec, Ended, Environment, Routing, Stdio, explain_wanted_keys, harden};
use crate::command::rules::recorded_clock;
use crate::config::{Answer, Config};
use crate::exit::Exit;
use crate::model::{
    DivergenceKind, ForkPoint, ForkedFrom, Rung, Session, SessionId, Source, Timeline,
};
use crate::record::{Recorder, Sink, StoreSink};
use crate::replay::{
    AnswerFrom, Fork, Keys, Left, Plan, Recording, Replay, Rules, Timing, drive, resolve,
};
use crate::store::{Store, TimelineHead};
use crate::wire::Parser;
pub use outline::{ForkRow, Outline, text};

/// What was typed.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub struct ReplayOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// The fork point.
    pub from: String,
    /// The timeline that is replayed.
    pub timeline: String,
    /// Whether nothing may go live.
    pub offline: bool,
    /// Whether live calls are allowed although CI is set.
    pub live: bool,
    /// The label of the new timeline.
    pub label: Option<String>,
    /// When recorded answers are served; as configured where it is not given.
    pub timing: Option<Timing>,
    /// The worst match that is still served; as configured where it is not given.
    pub require: Option<Rung>,
    /// Whether to serve until Ctrl-C instead of running the agent.
    pub serve: bool,
    /// The address to listen on; as configured where it is not given.
    pub bind: Option<String>,
    /// What is captured beside what the configuration says.
    pub capture: CaptureOptions,
    /// Where live calls go.
    pub upstream: BackendOptions,
    /// The longest time that the agent may run.
    pub timeout: Option<Duration>,
    /// Whether to print JSON.
    pub json: bool,
    /// The agent of `[agents.NAME]`; the one that the recorded command fits where it is not given.
    pub agent: Option<String>,
    /// The agent's command; empty for the configured one.
    pub command: Vec<String>,
}

/// Replays a timeline and writes to `out` what came of it.
///
/// # Errors
/// Usage and configuration (exit 2), a store or an agent that can't be used.
pub async fn run(
    options: &ReplayOptions,
    context: &Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let store =
        Store::open(&store_dir(options.store.as_deref(), context)).map_err(CommandError::usage)?;
    let id = store
        .resolve(&options.session)
        .map_err(CommandError::usage)?;
    let session = store.load(id).map_err(CommandError::usage)?;
    let config = own_config(options, &session, context)?;
    let way_out = way_out(&options.upstream, &config, context)?;
    if !options.offline {
        check_live(&way_out, options.live, context)?;
    }
    if !way_out.secrets.is_empty() {
        harden();
    }
    let parent = parent(&session, &options.timeline)?;
    let address: ForkPoint = options.from.parse().map_err(CommandError::usage)?;
    let fork = resolve(&address, &parent).map_err(CommandError::usage)?;
    let fork = if options.offline { Fork::Never } else { fork };
    let how = How::choose(options, &config, context, &session)?;
    if let How::Run { spec, .. } = &how {
        set_up(&config, spec, err)
            .await
            .map_err(CommandError::usage)?;
    }
    if let Some(warning) = real_tools(&[&parent], &config, context)? {
        say(err, &format!("rewind: {warning}\n"));
    }
    let stored = Stored::begin(&store, id, options, &address, &parent)?;
    let recorder = stored.recorder(&config, &way_out)?;
    let plan = plan(
        options,
        &config,
        &way_out,
        (&parent, address, fork),
        stored.label.clone(),
    )?;
    let mut listen = listener(&config)?;
    if let Some(bind) = &options.bind {
        listen.bind = bind.parse().map_err(|_error| {
            CommandError::usage(format!("--bind {bind} is no address"))
                .help("write an IP address and a port, such as 127.0.0.1:8080")
        })?;
    }
    let replay = Replay::start(plan, recorder, listen)
        .await
        .map_err(CommandError::usage)?;
    let timeline = match &how {
        How::Run { spec, input } => {
            let driven = drive(replay, spec, input.as_deref(), std::future::pending()).await;
            let driven = driven.map_err(|error| {
                let note = spec.environment.explain_removed().unwrap_or_default();
                let error = CommandError::usage(error);
                if note.is_empty() {
                    error
                } else {
                    error.help(note)
                }
            })?;
            explain_failure(err, spec, &driven.ended);
            driven.finished.timeline
        }
        How::Serve => serve(replay, err).await?,
    };
    stored.finish(&timeline, err);
    let prices = prices(&config);
    let written = if options.json {
        Outline::new(&session, &parent, &timeline, &prices).json(out)
    } else {
        text(&session, &parent, &timeline, &prices, out)
    };
    if let Err(error) = written {
        tracing::debug!(%error, "the outline could not be written");
    }
    Ok(exit(&parent, &timeline))
}

/// Returns the configuration with the agent of the session in the default's place.
fn own_config(
    options: &ReplayOptions,
    session: &Session,
    context: &Context,
) -> Result<Config, CommandError> {
    let mut config = load_config(options.config.as_deref(), context)?;
    if config.path.is_none()
        && let Some(own) = demo::config_of(session, context)
    {
        config = load_config(Some(&own), context)?;
    } else if config.path.is_none()
        && session.source == Source::Demo
        && options.command.is_empty()
        && !options.serve
    {
        return Err(CommandError::usage(
            "the folder of the demo's agent is gone, so there is nothing to run",
        )
        .help("`rewind demo` writes it again; or name a command: rewind replay … -- CMD"));
    }
    options.capture.apply(&mut config);
    if let Source::Imported(_) = session.source {
        for_imports(&mut config);
    }
    agent_config(&config, options.agent.as_deref(), &session.command)
}

/// How the agent is run.
enum How {
    Run {
        spec: Box<AgentSpec>,
        input: Option<String>,
    },
    Serve,
}

impl How {
    fn choose(
        options: &ReplayOptions,
        config: &Config,
        context: &Context,
        session: &Session,
    ) -> Result<Self, CommandError> {
        let stdio = match config.agent.answer() {
            _ if options.json => Stdio::Capture {
                limit: STDOUT_LIMIT,
            },
            Answer::Stdout => Stdio::Tee {
                limit: STDOUT_LIMIT,
            },
            Answer::LastMessage | Answer::Response | Answer::File(_) => Stdio::Inherit,
        };
        if options.serve || (options.command.is_empty() && config.agent.words().is_empty()) {
            return Ok(Self::Serve);
        }
        let mut spec = agent_spec(config, &options.command, stdio, context);
        spec.timeout = options.timeout.or(spec.timeout);
        let mut input = agent_input(session, config)?;
        if options.command.is_empty() {
            let is_known = session.command == config.agent.words();
            if input.is_none() && !session.command.is_empty() && !is_known {
                return Err(CommandError::usage(format!(
                    "session `{}` was recorded with another command than `[agent] command`, so its \
                     input is not known",
                    session.name
                ))
                .help(format!(
                    "name the command: rewind replay … -- {}",
                    session.command.join(" ")
                )));
            }
        } else if !options.command.iter().any(|word| word.contains("{input}")) {
            // The command runs exactly as given; the input is there for those who want it.
            spec.environment
                .set(input.take().map(|input| ("REWIND_INPUT".to_owned(), input)));
        }
        Ok(Self::Run {
            spec: Box::new(spec),
            input,
        })
    }
}

/// The timeline being written to the store.
struct Stored {
    sink: Arc<StoreSink>,
    label: String,
}

impl Stored {
    fn begin(
        store: &Store,
        session: SessionId,
        options: &ReplayOptions,
        address: &ForkPoint,
        parent: &Timeline,
    ) -> Result<Self, CommandError> {
        let head = TimelineHead {
            label: options
                .label
                .clone()
                .unwrap_or_else(|| DEFAULT_LABEL.to_owned()),
            forked_from: Some(ForkedFrom {
                label: parent.label.clone(),
                address: address.to_string(),
                step: None,
            }),
            started_at: jiff::Timestamp::now(),
        };
        let writer = store
            .begin_timeline(session, &head)
            .map_err(CommandError::usage)?;
        let label = writer.label().to_owned();
        Ok(Self {
            sink: Arc::new(StoreSink::start(writer)),
            label,
        })
    }

    fn recorder(&self, config: &Config, way_out: &WayOut) -> Result<Arc<Recorder>, CommandError> {
        let redactor = redactor(config, way_out)?;
        let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
        let sink = Arc::clone(&self.sink) as Arc<dyn Sink>;
        Ok(Arc::new(Recorder::new(parser, redactor, sink)))
    }

    fn finish(&self, timeline: &Timeline, err: &mut dyn Write) {
        let failure = self
            .sink
            .close()
            .and_then(|writer| writer.finish(timeline).err());
        if let Some(failure) = failure {
            let failure = CommandError::usage(failure).message();
            say(
                err,
                &format!("rewind: warning: the timeline is not stored whole: {failure}\n"),
            );
        }
    }
}

fn plan(
    options: &ReplayOptions,
    config: &Config,
    way_out: &WayOut,
    (parent, address, fork): (&Arc<Timeline>, ForkPoint, Fork),
    label: String,
) -> Result<Plan, CommandError> {
    let configured = replay_rules(config);
    let rules = Rules {
        require: options.require.unwrap_or(configured.require),
        ..configured
    };
    let keys = Arc::new(Keys::new(&rules).map_err(CommandError::usage)?);
    let recording = Recording::new(parent, keys, jiff::Timestamp::now());
    let output = if options.serve {
        AnswerFrom::LastMessage { agent: None }
    } else {
        answer_from(config)
    };
    Ok(Plan {
        recording: Arc::new(recording),
        rules: Arc::new(rules),
        fork,
        address,
        label,
        backend: (!options.offline).then(|| Arc::clone(&way_out.backend)),
        timing: options
            .timing
            .unwrap_or_else(|| timing(config.replay.timing)),
        output,
        strict_keys: config.capture.strict_keys,
        clock: recorded_clock(config),
    })
}

fn parent(session: &Session, label: &str) -> Result<Arc<Timeline>, CommandError> {
    session
        .timeline(label)
        .map(|timeline| Arc::new(timeline.clone()))
        .ok_or_else(|| {
            let labels: Vec<&str> = session
                .timelines
                .iter()
                .map(|one| one.label.as_str())
                .collect();
            CommandError::usage(format!(
                "session `{}` has no timeline `{label}`",
                session.name
            ))
            .help(format!("its timelines are {}", labels.join(", ")))
        })
}

/// Prints the environment to export and serves until Ctrl-C.
async fn serve(replay: Replay, err: &mut dyn Write) -> Result<Timeline, CommandError> {
    let mut environment = Environment::default();
    replay.routing().apply(&mut environment);
    let mut text = String::from("# Start the agent in another terminal with this environment:\n");
    for (name, value) in &environment.variables {
        for piece in ["export ", name, "='", value, "'\n"] {
            text.push_str(piece);
        }
    }
    text.push_str("# Ctrl-C ends the replay and finishes the timeline.\n");
    say(err, &text);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::usage)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::usage)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(replay.finish(Left::default()).await.timeline)
}

fn explain_failure(err: &mut dyn Write, spec: &AgentSpec, ended: &Ended) {
    if ended.exit == 0 {
        return;
    }
    let keys = Routing::key_variables();
    let is_set = |name: &str| keys.contains(&name) || spec.environment.variables.contains_key(name);
    let log = String::from_utf8_lossy(&ended.stderr);
    let notes = [
        spec.environment.explain_removed(),
        explain_wanted_keys(&log, &is_set),
    ];
    for note in notes.into_iter().flatten() {
        say(err, &format!("rewind: {note}\n"));
    }
}

/// Returns 1 where something diverged or the exit status is another one than recorded.
fn exit(parent: &Timeline, timeline: &Timeline) -> Exit {
    let report = timeline.replay.clone().unwrap_or_default();
    let is_unmeasured = report
        .divergences
        .iter()
        .all(|divergence| match divergence.kind {
            // Behind the fork a tool that may not run halts the run; before it the agent went astray.
            DivergenceKind::Ambiguous | DivergenceKind::Mutating => true,
            DivergenceKind::History
            | DivergenceKind::Extra
            | DivergenceKind::Repeated
            | DivergenceKind::Treatment
            | DivergenceKind::Skipped
            | DivergenceKind::Exit
            | DivergenceKind::Answer
            | DivergenceKind::Printed
            | DivergenceKind::Tool => false,
        })
        && report.refused > 0;
    let other_exit = matches!(
        (parent.outcome.exit, timeline.outcome.exit),
        (Some(before), Some(now)) if before != now
    );
    if is_unmeasured {
        Exit::NotMeasured
    } else if !report.divergences.is_empty() || report.refused > 0 || other_exit {
        Exit::Fail
    } else {
        Exit::Pass
    }
}

/// The label of a fork that is given none.
const DEFAULT_LABEL: &str = "fork";

/// The most bytes of standard output that are kept as the final answer.
const STDOUT_LIMIT: usize = 4 << 20;
