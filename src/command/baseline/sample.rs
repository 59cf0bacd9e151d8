//! `rewind baseline sample`: live runs of the unchanged agent become accepted evidence.
//!
//! One accepted run says little of an agent that fails now and then: a test against it can't tell a change
//! from chance. Some more make it one that can.

use std::io::{self, Write};
use std::sync::Arc;

use super::{Place, all, directory, named, notes, shown};
use crate::agent::harden;
use crate::baseline::Evidence;
use crate::command::gate::{GateOptions, Profile, Teller, caps, case, runner, until_interrupted};
use crate::command::judging::{Kept, RunJudge};
use crate::command::output::{say, written};
use crate::command::rules::{prices, real_tools};
use crate::command::{
    BackendOptions, CommandError, Context, WayOut, load_config, redactor, set_up, way_out,
};
use crate::config::Config;
use crate::exit::Exit;
use crate::gate::{Case, ForkRun, Judges, Resampled, evidence};
use crate::model::{ForkPoint, SampleRange};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct SampleOptions {
    /// Where the configuration and the baselines are.
    pub place: Place,
    /// The baseline.
    pub name: String,
    /// How many samples of each fork, from 1 to [`SampleRange::MOST`].
    pub number: u32,
    /// Whether the model may be asked.
    pub live: bool,
    /// The forks; all of the baseline but `auto` where none is named.
    pub from: Vec<String>,
    /// How many agents run at once.
    pub jobs: Option<usize>,
    /// The most dollars for live calls; as configured where it is not given.
    pub max_usd: Option<f64>,
    /// Why.
    pub reason: Option<String>,
    /// Where live calls go.
    pub upstream: BackendOptions,
}

/// Runs the unchanged agent live, and adds what it came to, to what was accepted.
///
/// # Errors
/// Usage: no leave to go live, a fork that the baseline does not have, an agent that changed, evidence of
/// another recording. Exit 3 where a sample was not measured or the agent can't be run; those that were are added.
pub async fn sample(
    options: &SampleOptions,
    context: &Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.place.config.as_deref(), context)?;
    let root = directory(options.place.baselines.as_deref(), &config, context);
    let baselines = all(&root)?;
    let baseline = named(&baselines, &options.name, &root)?;
    let way_out = way_out(&options.upstream, &config, context)?;
    if !options.live && !way_out.is_scripted {
        return Err(
            CommandError::usage("samples ask the model, which costs money").help(
                "add --live; --max-usd limits what they cost, and they are estimated before the first call",
            ),
        );
    }
    if !way_out.secrets.is_empty() {
        harden();
    }
    let (mut case, config) = case(baseline, &config, context)?;
    let name = &baseline.name;
    comparable(&case)?;
    case.baseline.definition.add_nightly_forks();
    let forks = forks(&options.from, &case)?;
    case.samples = SampleRange::new(options.number, options.number);
    let typed = GateOptions {
        live: true,
        // Evidence is made of what the model says now.
        profile: Profile::Nightly,
        jobs: options.jobs,
        max_usd: options.max_usd,
        upstream: options.upstream.clone(),
        ..GateOptions::default()
    };
    if let Some(warning) = real_tools(&[case.reference.as_ref()], &config, context)? {
        say(err, &format!("rewind: {warning}\n"));
    }
    set_up(&config, &case.agent, err)
        .await
        .map_err(|error| CommandError::usage(error).exit(Exit::NotMeasured))?;
    let caps = caps(&typed, &config, way_out.is_scripted);
    let judge = judge(&case, &typed, &config, context, &way_out)?;
    let runner = runner(&typed, caps, &config, context, &way_out, &judge)?;
    let is_terminal = context.stderr_is_terminal && !context.is_ci();
    let teller = Teller::new(&mut *err, caps, is_terminal, way_out.is_scripted);
    let resampling = Box::pin(runner.resample(&case, &forks, &teller));
    let runs = match until_interrupted(&runner, resampling).await {
        Resampled::Taken(runs) => runs,
        Resampled::NotRun(why) => {
            let why = format!("no sample of baseline `{name}` was taken: {why}");
            return Err(CommandError::usage(why).exit(Exit::NotMeasured));
        }
        Resampled::Changed(why) => {
            return Err(CommandError::usage(format!(
                "the agent is not as it was recorded for baseline `{name}`: {why}"
            ))
            .help("samples are evidence of the agent that was accepted: take them with its code, or accept the change first"));
        }
    };
    // That took its time: what was accepted meanwhile stays.
    case.accepted = Evidence::read(&baseline.dir).map_err(CommandError::usage)?;
    comparable(&case)?;
    let added = added(&case, &runs, &config, judge.as_ref()).map(|mut evidence| {
        let reason = options.reason.as_deref().unwrap_or("sampled");
        evidence.provenance = notes::replacing(case.accepted.as_ref(), reason, context);
        evidence
    });
    if let Some(evidence) = &added {
        evidence.write(&baseline.dir).map_err(CommandError::usage)?;
    }
    written(summary(&runs, added.as_ref(), options.number, out))?;
    if added.is_some() {
        let folder = shown(&baseline.dir, context);
        written(writeln!(
            out,
            "commit {folder}/accepted.json: rewind gate compares with it"
        ))?;
    }
    let is_measured = |run: &ForkRun| run.evidence.candidate().total() == options.number;
    Ok(if runs.iter().all(is_measured) {
        Exit::Pass
    } else {
        Exit::NotMeasured
    })
}

/// Returns the judge, with its verdicts that were accepted.
///
/// # Errors
/// Usage: redaction rules that can't be used.
fn judge(
    case: &Case,
    typed: &GateOptions,
    config: &Config,
    context: &Context,
    way_out: &WayOut,
) -> Result<Arc<RunJudge>, CommandError> {
    let redactor = redactor(config, way_out)?;
    let kept = Kept::of(std::slice::from_ref(case), None, redactor, false);
    let (live, offline) = (typed.live, typed.offline);
    Ok(RunJudge::of_run(config, live, offline, context, kept))
}

/// Refuses accepted evidence that nothing can be added to.
fn comparable(case: &Case) -> Result<(), CommandError> {
    if case.accepted.is_none() || case.comparable().is_some() {
        return Ok(());
    }
    let name = &case.baseline.name;
    Err(CommandError::usage(format!(
        "the accepted evidence of baseline `{name}` is of another recording or agent, so nothing can be added to it"
    ))
    .help(format!("run rewind gate, then `rewind baseline accept {name}`: that renews it")))
}

/// Returns what was accepted with these samples added; `None` where none was measured.
///
/// Nobody has looked at them, so what the agent is known to do and to print stays as it was accepted.
fn added(case: &Case, runs: &[ForkRun], config: &Config, judges: &dyn Judges) -> Option<Evidence> {
    if runs.iter().all(|run| run.evidence.candidate().total() == 0) {
        return None;
    }
    let mut evidence = evidence(case, runs, &prices(config), judges)?;
    if let Some(known) = case.comparable() {
        evidence.trajectory = known.trajectory;
        evidence.printed = known.printed;
    }
    Some(evidence)
}

/// Returns the forks to sample: those named, else all of the baseline that go live by themselves.
fn forks(typed: &[String], case: &Case) -> Result<Vec<ForkPoint>, CommandError> {
    let known = &case.baseline.definition.forks;
    let explicit = || known.iter().filter(|fork| **fork != ForkPoint::Auto);
    let names: Vec<String> = explicit().map(ToString::to_string).collect();
    let add = "name one in `forks` or `nightly_forks` of its baseline.toml first";
    let help = match names.as_slice() {
        [] => add.to_owned(),
        names => format!("it has {}; {add}", names.join(", ")),
    };
    let mut forks = Vec::new();
    for text in typed {
        let fork = text.parse::<ForkPoint>().map_err(CommandError::usage)?;
        if !names.contains(&fork.to_string()) {
            return Err(CommandError::usage(format!(
                "baseline `{}` has no fork `{text}` that goes live",
                case.baseline.name
            ))
            .help(help));
        }
        if !forks.contains(&fork) {
            forks.push(fork);
        }
    }
    if typed.is_empty() {
        forks.extend(explicit().cloned());
    }
    if forks.is_empty() {
        return Err(CommandError::usage(format!(
            "baseline `{}` has no fork to sample: `auto` goes live only where something changed",
            case.baseline.name
        ))
        .help(help));
    }
    Ok(forks)
}

/// Says what was added of each fork.
fn summary(
    runs: &[ForkRun],
    after: Option<&Evidence>,
    number: u32,
    out: &mut dyn Write,
) -> io::Result<()> {
    for run in runs {
        let ForkRun { evidence, .. } = run;
        let seen = evidence.candidate();
        let known = after.and_then(|after| after.forks.get(&evidence.fork));
        let all = known.map_or(0, |known| known.telling().count());
        writeln!(
            out,
            "{}@{}: {} of {number} samples measured, {} passed, {} failed; {all} accepted in all",
            evidence.baseline,
            evidence.fork,
            seen.total(),
            seen.passed,
            seen.failed,
        )?;
        let faults = evidence.samples.iter().filter_map(|one| one.fault.as_ref());
        let unmeasured = faults.map(|fault| fault.message.as_str()).next();
        if let Some(why) = unmeasured {
            writeln!(out, "  not measured: {why}")?;
        }
    }
    Ok(())
}
