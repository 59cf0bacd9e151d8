//! Under which conditions a run is made, and where its baselines are defined.

use std::collections::BTreeSet;
use std::fs;

use camino::Utf8Path;

use super::Profile;
use crate::baseline::{Baseline, Baselines};
use crate::check::Severity;
use crate::command::Context;
use crate::config::Config;
use crate::model::{ContentId, Timeline};
use crate::report::{Conditions, ForkReport, Place};

/// Returns the conditions of a run of these baselines, before they are shared out.
pub(super) fn conditions(
    baselines: &Baselines,
    config: &Config,
    (profile, is_live): (Profile, bool),
    context: &Context,
) -> Conditions {
    let text = config.path.as_ref().and_then(|path| fs::read(path).ok());
    let mode: &[u8] = match (is_live, profile) {
        (true, Profile::Pr) => b"live",
        (false, Profile::Pr) => b"offline",
        (true, Profile::Nightly) => b"live, nightly",
        (false, Profile::Nightly) => b"offline, nightly",
    };
    let name = match profile {
        Profile::Pr => "pr",
        Profile::Nightly => "nightly",
    };
    let config = ContentId::of_parts([text.unwrap_or_default().as_slice(), mode]);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for baseline in baselines {
        parts.push(baseline.name.clone().into_bytes());
        let recording = baseline.recording_dir();
        let files = [baseline.dir.join("baseline.toml")].into_iter().chain(
            ["session.toml", "messages.jsonl", "steps.jsonl"].map(|name| recording.join(name)),
        );
        parts.extend(files.map(|path| fs::read(path).unwrap_or_default()));
    }
    Conditions {
        commit: commit(context),
        config: config.to_string(),
        baselines: ContentId::of_parts(parts.iter().map(Vec::as_slice)).to_string(),
        reference: reference(context),
        profile: Some(name.to_owned()),
    }
}

/// Returns the branch or other ref that a CI system names.
fn reference(context: &Context) -> Option<String> {
    let names = [
        "GITHUB_REF",
        "CI_COMMIT_REF_NAME",
        "BUILDKITE_BRANCH",
        "CIRCLE_BRANCH",
        "BITBUCKET_BRANCH",
        "GIT_BRANCH",
    ];
    let mut values = names.into_iter().filter_map(|name| context.var(name));
    values
        .find(|name| name.len() <= 250 && !name.contains(char::is_control))
        .map(str::to_owned)
}

/// Returns the models that answered the live calls of some runs; of those that were served, where there is no live one.
pub(super) fn models(timelines: &[Option<Timeline>]) -> Vec<String> {
    let of_calls = |is_live: bool| -> BTreeSet<String> {
        let calls = timelines.iter().flatten().flat_map(Timeline::model_steps);
        calls
            .filter(|(_step, call)| call.served.is_none() == is_live)
            .filter_map(|(_step, call)| call.response.model.clone())
            .collect()
    };
    let live = of_calls(true);
    let models = if live.is_empty() {
        of_calls(false)
    } else {
        live
    };
    models.into_iter().collect()
}

/// Returns the commit that a CI system names.
fn commit(context: &Context) -> Option<String> {
    let names = [
        "GITHUB_SHA",
        "CI_COMMIT_SHA",
        "BUILDKITE_COMMIT",
        "CIRCLE_SHA1",
        "BITBUCKET_COMMIT",
        "GIT_COMMIT",
    ];
    let is_hash =
        |text: &&str| (7..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
    let mut values = names.into_iter().filter_map(|name| context.var(name));
    values.find(is_hash).map(str::to_owned)
}

/// Returns where a baseline is defined: the line of the check that failed first, else the first.
pub(super) fn place(baseline: &Baseline, fork: &ForkReport, config: &Config) -> Option<Place> {
    let path = baseline.dir.join("baseline.toml");
    let failed = fork
        .evidence
        .samples
        .iter()
        .flat_map(|sample| &sample.checks)
        .filter(|check| check.severity == Severity::Gate && check.outcome.is_failed())
        .find_map(|failed| {
            let mut checks = baseline.definition.checks.iter();
            checks.position(|check| check.id == failed.id)
        });
    let line = failed.and_then(|nth| {
        let text = fs::read_to_string(&path).ok()?;
        let mut heads = text.lines().enumerate().filter(|(_line, text)| {
            text.split('#').next().unwrap_or_default().trim() == "[[check]]"
        });
        let (line, _text) = heads.nth(nth)?;
        u32::try_from(line + 1).ok()
    });
    let root = repository(&baseline.dir, &config.root);
    let file = path.strip_prefix(root).ok()?.to_string();
    Some(Place {
        file,
        line: line.unwrap_or(1),
    })
}

/// Returns the folder of the repository that holds this one, else that of the configuration.
pub(super) fn repository<'p>(dir: &'p Utf8Path, config: &'p Utf8Path) -> &'p Utf8Path {
    dir.ancestors()
        .find(|dir| dir.join(".git").exists())
        .unwrap_or(config)
}
