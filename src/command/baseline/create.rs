//! `rewind baseline create`: a baseline from a recorded session, with drafted checks, held to be stable.

use std::io::{self, Write};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::data::{self, personal_data};
use super::draft::Draft;
use super::place::{self, Aside};
use super::stability::{self, Stability};
use super::{Place, directory, notes, shown};
use crate::baseline::{
    Baseline, Definition, Evidence, Reference, read_session, recording_id, write_session,
};
use crate::check::CheckContext;
use crate::command::asked::agent_input;
use crate::command::gate::bare_case;
use crate::command::output::say;
use crate::command::rules::{for_imports, is_imported, prices, real_tools, replay_rules};
use crate::command::stored::{session, timeline};
use crate::command::{CommandError, Context, agent_config, load_config, set_up};
use crate::config::Config;
use crate::exit::Exit;
use crate::gate::{self, Case};
use crate::model::{Call, ForkPoint, Session, Status, Step, Timeline};
use crate::replay::{Fork, Keys, resolve};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct CreateOptions {
    /// Where the store, the configuration and the baselines are.
    pub place: Place,
    /// The session.
    pub session: String,
    /// The baseline's name.
    pub name: String,
    /// Fork points; the usual ones where there is none.
    pub from: Vec<String>,
    /// The timeline that is held up as right.
    pub reference: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// A folder for the recording that several baselines share.
    pub recording: Option<Utf8PathBuf>,
    /// How often the unchanged agent is replayed.
    pub stability: u32,
    /// Whether proposed rules are written and the replays repeated.
    pub fix: bool,
    /// Whether nothing is replayed.
    pub unverified: bool,
    /// Who has looked at the personal data in it.
    pub reviewed_by: Option<String>,
    /// Why, for the record.
    pub reason: Option<String>,
}

/// Makes the baseline and says on `out` what it holds.
///
/// # Errors
/// Usage: no such session, timeline or fork point; a name that is taken; personal data that nobody has
/// looked at. An agent that is not stable ends with exit 1, and nothing is written.
pub async fn create(
    options: &CreateOptions,
    context: &Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    place::check_name(&options.name)?;
    let mut config = load_config(options.place.config.as_deref(), context)?;
    let root = directory(options.place.baselines.as_deref(), &config, context);
    let target = root.join(&options.name);
    if target.exists() {
        return Err(place::exists(shown(&target, context)));
    }
    let mut session = session(options.place.store.as_deref(), &options.session, context)?;
    let own = agent_config(&config, None, &session.command)?;
    session.input = agent_input(&session, &own)?;
    // What was not picked is not committed.
    session.root_input = None;
    let session = session;
    let reference = reference(&session, options)?;
    if is_imported(reference) {
        for_imports(&mut config);
    }
    let forks = forks(options, reference)?;
    review(&session, options, out)?;
    let recording = shared_recording(&session, options, &target, context)?;
    let text = draft(
        &session,
        reference,
        &forks,
        options,
        &config,
        recording.as_deref(),
    )?;
    let aside = Aside::beside(&target)?;
    aside.write("baseline.toml", &text)?;
    let recorded_in = match &options.recording {
        Some(shared) => context.cwd.join(shared),
        None => aside.path().join("session"),
    };
    if !recorded_in.exists() {
        write_session(&session, &recorded_in).map_err(CommandError::usage)?;
    }
    let baseline = Baseline {
        name: options.name.clone(),
        dir: aside.path().to_owned(),
        definition: Definition::parse(&target.join("baseline.toml"), &text)
            .map_err(CommandError::usage)?,
    };
    let (case, own) = bare_case(&baseline, &session, &config, context)?;
    let case = Case {
        recording: recording_id(&recorded_in).map_err(CommandError::usage)?,
        ..case
    };
    if !options.unverified {
        set_up(&own, &case.agent, err)
            .await
            .map_err(CommandError::usage)?;
    }
    let Some((mut evidence, proof)) = verified(&case, options, &mut config, context, err).await?
    else {
        say(
            err,
            &format!("nothing was written; {}\n", next_step(options.fix)),
        );
        return Ok(Exit::Fail);
    };
    let reason = options.reason.as_deref().unwrap_or("created");
    evidence.provenance = notes::provenance(reason, context);
    evidence
        .provenance
        .reviewed_by
        .clone_from(&options.reviewed_by);
    evidence.write(aside.path()).map_err(CommandError::usage)?;
    let size = place::size(aside.path());
    aside.place(&target)?;
    let target = shown(&target, context);
    let written = summary(&case, target, &proof, out);
    warn(&case, target, size, err);
    crate::command::output::written(written)
}

fn next_step(fix: bool) -> &'static str {
    if fix {
        "there is no rule for this; make the agent give the same here, or use --unverified"
    } else {
        "add --fix to write proposed rules, or --unverified to keep it as it is"
    }
}

/// Replays the unchanged agent and returns the evidence, with a sentence on how it was proved; `None`
/// where it is not stable.
async fn verified(
    case: &Case,
    options: &CreateOptions,
    config: &mut Config,
    context: &Context,
    err: &mut dyn Write,
) -> Result<Option<(Evidence, String)>, CommandError> {
    let prices = prices(config);
    if options.unverified {
        let context = CheckContext {
            prices: &prices,
            ..CheckContext::new(&case.reference, &case.reference)
        };
        let evidence = gate::of_recording(case, &context);
        return Ok(Some((
            evidence,
            "not verified: nothing was replayed".to_owned(),
        )));
    }
    if let Some(warning) = real_tools(&[case.reference.as_ref()], config, context)? {
        say(err, &format!("rewind: {warning}\n"));
    }
    let times = options.stability.max(1);
    let stability = if options.fix {
        let mut added = Vec::new();
        let mut note = |rule: &super::rule::Rule| added.push(rule.to_toml());
        let stability = stability::fix(case, times, config, context, &mut note).await?;
        for rule in added {
            say(err, &format!("added to rewind.toml:\n\n{rule}\n"));
        }
        stability
    } else {
        stability::replay(case, times, config, context).await?
    };
    match stability {
        Stability::Unstable(unstable) => {
            drop(unstable.write(err));
            Ok(None)
        }
        Stability::Stable(runs) => {
            let evidence = gate::evidence(case, &runs, &prices, &gate::NoJudges);
            let evidence = evidence.ok_or_else(|| {
                CommandError::usage("the replays left no evidence; please report this")
            })?;
            let proof = format!("stable: {times} of {times} replays equal, at 0 tokens");
            Ok(Some((evidence, proof)))
        }
    }
}

/// Returns the timeline that is held up as right.
fn reference<'s>(
    session: &'s Session,
    options: &CreateOptions,
) -> Result<&'s Timeline, CommandError> {
    if let Some(label) = &options.reference {
        return timeline(session, label);
    }
    let empty = Baseline {
        name: options.name.clone(),
        dir: Utf8PathBuf::new(),
        definition: Definition::parse(Utf8Path::new("baseline.toml"), "")
            .map_err(CommandError::usage)?,
    };
    debug_assert_eq!(empty.definition.reference, Reference::Automatic);
    let found = gate::reference(session, &empty)
        .ok_or_else(|| CommandError::usage("this session has no timeline"))?;
    if found.steps.is_empty() {
        return Err(CommandError::usage(format!(
            "timeline `{}` of session `{}` has no steps, so there is nothing to hold an agent to",
            found.label, session.name
        )));
    }
    Ok(found)
}

/// Returns the fork points: those typed, else the reference's own or `last`, and `auto`.
fn forks(options: &CreateOptions, reference: &Timeline) -> Result<Vec<ForkPoint>, CommandError> {
    let mut forks = Vec::new();
    for text in &options.from {
        let point: ForkPoint = text.parse().map_err(CommandError::usage)?;
        resolve(&point, reference).map_err(CommandError::usage)?;
        if !forks.contains(&point) {
            forks.push(point);
        }
    }
    if forks.is_empty() {
        let own = reference.forked_from.as_ref();
        let own = own.and_then(|from| from.address.parse::<ForkPoint>().ok());
        let own =
            own.filter(|point| *point != ForkPoint::Auto && resolve(point, reference).is_ok());
        forks.push(own.unwrap_or(ForkPoint::Last));
        forks.push(ForkPoint::Auto);
    }
    Ok(forks)
}

/// Refuses personal data that nobody has looked at.
fn review(
    session: &Session,
    options: &CreateOptions,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let found = personal_data(session);
    if found.is_empty() {
        return Ok(());
    }
    let count = found.len();
    let shown = writeln!(out, "{count} text(s) look like personal data:")
        .and_then(|()| data::write(&found, out));
    crate::command::output::written(shown)?;
    if options.reviewed_by.is_some() {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "the recording holds {count} text(s) that look like personal data, and would be committed"
    ))
    .help(format!(
        "replace them (rewind session scrub {} --replace OLD=NEW), or say who has looked at them: --reviewed-by NAME",
        options.session
    )))
}

/// Returns how `baseline.toml` names a shared recording; checks that one that is there is this one.
fn shared_recording(
    session: &Session,
    options: &CreateOptions,
    target: &Utf8Path,
    context: &Context,
) -> Result<Option<String>, CommandError> {
    let Some(typed) = &options.recording else {
        return Ok(None);
    };
    let dir = context.cwd.join(typed);
    if dir.exists() {
        let known = read_session(&dir).map_err(CommandError::usage)?;
        if known.timelines != session.timelines {
            return Err(
                CommandError::usage(format!("{typed} holds another recording"))
                    .help("name an empty folder, or the session that is there"),
            );
        }
    }
    Ok(Some(relative(target, &dir)))
}

/// Returns the path from the folder `from` to `to`.
fn relative(from: &Utf8Path, to: &Utf8Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(same).map(|_part| "..");
    let down = to.iter().skip(same).map(camino::Utf8Component::as_str);
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Returns the fork points of nightly runs, where none was typed: the start, unless the others begin there.
fn nightly_forks(
    options: &CreateOptions,
    forks: &[ForkPoint],
    reference: &Timeline,
) -> Vec<ForkPoint> {
    let first = reference
        .model_steps()
        .next()
        .map(|(step, _call)| step.number);
    let is_first = |fork: &ForkPoint| match resolve(fork, reference) {
        Ok(Fork::At(step)) => first.is_none_or(|first| step <= first),
        Ok(Fork::Auto | Fork::Never) | Err(_) => false,
    };
    if options.from.is_empty() && !forks.iter().any(is_first) {
        vec![ForkPoint::Start]
    } else {
        Vec::new()
    }
}

fn draft(
    session: &Session,
    reference: &Timeline,
    forks: &[ForkPoint],
    options: &CreateOptions,
    config: &Config,
    recording: Option<&str>,
) -> Result<String, CommandError> {
    let keys = Keys::new(&replay_rules(config)).map_err(CommandError::usage)?;
    let configured = &config.agent.command;
    let is_configured = session.input.is_some()
        || (!configured.is_empty() && session.command.starts_with(configured));
    let command = Some(session.command.as_slice());
    let draft = Draft {
        session,
        reference,
        is_named: options.reference.is_some(),
        forks,
        nightly_forks: &nightly_forks(options, forks, reference),
        tags: &options.tags,
        recording,
        command: command.filter(|command| !is_configured && !command.is_empty()),
        normaliser: keys.normaliser(),
        config,
    };
    Ok(draft.text())
}

/// Says what a reviewer should know of a baseline that was written.
fn warn(case: &Case, target: &Utf8Path, size: u64, err: &mut dyn Write) {
    if let Some(fault) = fault(&case.reference) {
        say(
            err,
            &format!(
                "rewind: {fault} in this recording, and {target} takes that for right; was it meant? Else remove it with \
                 `rewind baseline rm {}`, and record again\n",
                case.baseline.name
            ),
        );
    }
    if size > place::LARGE_BASELINE {
        say(
            err,
            &format!(
                "rewind: {target} has {}; a reviewer can't read that much\n",
                place::bytes(size)
            ),
        );
    }
}

/// Returns what went wrong in the run that the baseline holds up as right; `None` where nothing did.
fn fault(reference: &Timeline) -> Option<String> {
    let is_bad = |(step, _call): &(&Step, &Arc<Call>)| {
        matches!(step.status, Status::Error | Status::Partial)
    };
    let exit = reference.outcome.exit.filter(|exit| *exit != 0);
    match (exit, reference.model_steps().filter(is_bad).count()) {
        (Some(exit), _) => Some(format!("the agent ended with status {exit}")),
        (None, 0) => None,
        (None, 1) => Some("a model call failed".to_owned()),
        (None, several) => Some(format!("{several} model calls failed")),
    }
}

fn summary(case: &Case, target: &Utf8Path, proof: &str, out: &mut dyn Write) -> io::Result<()> {
    let definition = &case.baseline.definition;
    let reference: &Arc<Timeline> = &case.reference;
    writeln!(out, "baseline {} written to {target}", case.baseline.name)?;
    let forks: Vec<String> = definition
        .forks
        .iter()
        .map(|fork| match resolve(fork, reference) {
            Ok(Fork::At(step)) => format!("{fork} (step {step})"),
            Ok(_) | Err(_) => fork.to_string(),
        })
        .collect();
    writeln!(
        out,
        "  reference: timeline {}, {} steps",
        reference.label,
        reference.steps.len()
    )?;
    writeln!(out, "  forks: {}", forks.join(", "))?;
    let checks: Vec<&str> = definition
        .checks
        .iter()
        .map(|check| check.id.as_str())
        .collect();
    writeln!(out, "  checks: {}", checks.join(", "))?;
    writeln!(out, "  {proof}")?;
    writeln!(
        out,
        "read {target}/baseline.toml, commit the folder, and run: rewind gate"
    )
}
