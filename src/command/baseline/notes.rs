//! Who does something, when, and on which commit.

use std::process::Command;

use crate::baseline::{Evidence, Provenance};
use crate::command::Context;

/// Returns who accepts now, and why.
pub(super) fn provenance(reason: &str, context: &Context) -> Provenance {
    let who = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"]
        .into_iter()
        .find_map(|name| context.var(name))
        .map(str::to_owned)
        .or_else(|| git(&["config", "user.name"], context))
        .or_else(|| context.var("USER").map(str::to_owned));
    Provenance {
        who: who.unwrap_or_else(|| "unknown".to_owned()),
        when: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        commit: commit(context),
        reason: reason.to_owned(),
        reviewed_by: None,
        replaces: None,
    }
}

/// Returns the commit that is checked out, `git:` and its id; `None` where there is none.
pub(in crate::command) fn commit(context: &Context) -> Option<String> {
    git(&["rev-parse", "--verify", "-q", "HEAD"], context).map(|id| format!("git:{id}"))
}

/// Returns who accepts now, and why, what then takes the place of `before`: who had looked at its recording has
/// looked at this one.
pub(super) fn replacing(before: Option<&Evidence>, reason: &str, context: &Context) -> Provenance {
    Provenance {
        replaces: before.map(Evidence::id),
        reviewed_by: before.and_then(|before| before.provenance.reviewed_by.clone()),
        ..provenance(reason, context)
    }
}

/// Returns what `git` answers; `None` where it is missing or this is no repository.
fn git(arguments: &[&str], context: &Context) -> Option<String> {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(&context.cwd)
        .env_clear();
    command.envs(
        context
            .env
            .iter()
            .filter(|(name, _value)| ["PATH", "HOME"].contains(&name.as_str())),
    );
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
