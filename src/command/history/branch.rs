//! The history on a branch of its own: read and added to through git, without touching what is checked out.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};

use crate::command::{CommandError, Context};
use crate::history::{Added, Entry, with_entry};

/// A branch that holds a history.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    context: &'a Context,
    name: &'a str,
    remote: &'a str,
    file: &'a str,
}

/// What the branch ends with.
struct Tip {
    commit: String,
    text: String,
}

/// Git that did not do what was asked.
#[derive(Debug, thiserror::Error)]
enum GitError {
    #[error("git can't be run; is it installed?")]
    Run(#[source] io::Error),
    #[error("git {what} failed: {said}")]
    Failed { what: String, said: String },
}

impl<'a> Branch<'a> {
    /// Returns the branch of this name in a remote of the repository around the working directory.
    ///
    /// # Errors
    /// Usage: a name that git would take for an option, or that is none.
    pub(super) fn new(
        context: &'a Context,
        (remote, name): (&'a str, &'a str),
        file: &'a Utf8Path,
    ) -> Result<Self, CommandError> {
        let is_name = |text: &str| !text.is_empty() && !text.starts_with('-');
        let file = file.file_name().filter(|file| is_name(file));
        match file {
            Some(file) if is_name(name) && is_name(remote) => Ok(Self {
                context,
                name,
                remote,
                file,
            }),
            Some(_) | None => Err(CommandError::usage(
                "this is no name of a branch, a remote or a file",
            )),
        }
    }

    /// Returns the name of the file in it.
    pub(super) fn file(&self) -> &str {
        self.file
    }

    /// Returns the text of the history; `None` where there is no such branch yet.
    ///
    /// # Errors
    /// Git fails.
    pub(super) fn read(&self) -> Result<Option<String>, CommandError> {
        let tip = self.tip().map_err(failed)?;
        Ok(tip.map(|tip| tip.text))
    }

    /// Adds a run to the branch, or makes the branch. Where somebody else adds at the same time it is tried again on top of that.
    ///
    /// # Errors
    /// Git fails, or a line of the history is no run.
    pub(super) fn add(&self, entry: &Entry) -> Result<Added, CommandError> {
        let mut tries = 0;
        loop {
            let tip = self.tip().map_err(failed)?;
            let (commit, text) = match &tip {
                Some(tip) => (tip.commit.as_str(), tip.text.as_str()),
                None => ("", ""),
            };
            let shown = Utf8PathBuf::from(format!("{}:{}", self.name, self.file));
            let Some(text) = with_entry(text, entry, &shown).map_err(CommandError::usage)? else {
                return Ok(Added::Known);
            };
            let made = self.commit(commit, &text, entry).map_err(failed)?;
            let Err(error) = self.push(commit, &made) else {
                return Ok(Added::New);
            };
            tries += 1;
            let now = self.tip().map_err(failed)?;
            let has_moved = now.as_ref().map_or("", |tip| &tip.commit) != commit;
            if !has_moved || tries == TRIES {
                return Err(failed(error));
            }
        }
    }

    fn tip(&self) -> Result<Option<Tip>, GitError> {
        let name = format!("refs/heads/{}", self.name);
        let listed = self.git(&["ls-remote", self.remote, &name], None)?;
        if listed.is_empty() {
            return Ok(None);
        }
        let from = format!("+{name}:{KEPT}");
        let mut fetch = vec!["fetch", "--quiet", "--no-tags"];
        if self.text(&["rev-parse", "--is-shallow-repository"], None)? == "true" {
            fetch.extend(["--depth", "1"]);
        }
        fetch.extend([self.remote, &from]);
        self.git(&fetch, None)?;
        let commit = self.text(&["rev-parse", "--verify", KEPT], None)?;
        let listed = self.git(&["ls-tree", "--name-only", &commit, "--", self.file], None)?;
        let text = if listed.is_empty() {
            String::new()
        } else {
            let at = format!("{commit}:{}", self.file);
            let bytes = self.git(&["cat-file", "blob", &at], None)?;
            String::from_utf8(bytes).map_err(|error| GitError::Failed {
                what: "cat-file".to_owned(),
                said: error.to_string(),
            })?
        };
        Ok(Some(Tip { commit, text }))
    }

    /// Makes a commit on top of another one, or of nothing; what else the branch holds stays.
    fn commit(&self, onto: &str, text: &str, entry: &Entry) -> Result<String, GitError> {
        let blob = self.text(&["hash-object", "-w", "--stdin"], Some(text))?;
        let known = if onto.is_empty() {
            String::new()
        } else {
            self.text(&["ls-tree", onto], None)?
        };
        let own = format!("\t{}", self.file);
        let mut tree: Vec<&str> = known.lines().filter(|line| !line.ends_with(&own)).collect();
        let line = format!("100644 blob {blob}{own}");
        tree.push(&line);
        let tree = self.text(&["mktree"], Some(&format!("{}\n", tree.join("\n"))))?;
        let mut commit = vec!["commit-tree", &tree];
        if !onto.is_empty() {
            commit.extend(["-p", onto]);
        }
        let when = entry.started_at.strftime("%Y-%m-%d %H:%M UTC");
        let message = format!("history: the run of {when}\n");
        self.text(&commit, Some(&message))
    }

    /// Lets the branch end with a commit, where it still ends as it did.
    fn push(&self, was: &str, commit: &str) -> Result<(), GitError> {
        let lease = format!("--force-with-lease=refs/heads/{}:{was}", self.name);
        let to = format!("{commit}:refs/heads/{}", self.name);
        self.git(&["push", "--quiet", &lease, self.remote, &to], None)
            .map(drop)
    }

    fn text(&self, arguments: &[&str], input: Option<&str>) -> Result<String, GitError> {
        let bytes = self.git(arguments, input)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn git(&self, arguments: &[&str], input: Option<&str>) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.context.cwd).args(arguments);
        command.env("GIT_TERMINAL_PROMPT", "0").envs(self.author());
        command.envs(credentials(self.context));
        let Output {
            status,
            stdout,
            stderr,
        } = output(command, input).map_err(GitError::Run)?;
        if status.success() {
            return Ok(stdout);
        }
        Err(GitError::Failed {
            what: arguments.first().copied().unwrap_or_default().to_owned(),
            said: String::from_utf8_lossy(&stderr).trim().to_owned(),
        })
    }

    /// Returns who commits: in a job of GitHub its bot, else the program, unless the environment says it.
    fn author(&self) -> Vec<(String, String)> {
        let is_job = self.context.var("GITHUB_ACTIONS") == Some("true");
        let (name, email) = if is_job { BOT } else { PROGRAM };
        let of = |who: &str, what: &str| format!("GIT_{who}_{what}");
        let pairs = ["AUTHOR", "COMMITTER"].into_iter().flat_map(|who| {
            [
                (of(who, "NAME"), name.to_owned()),
                (of(who, "EMAIL"), email.to_owned()),
            ]
        });
        pairs
            .filter(|(variable, _value)| self.context.var(variable).is_none())
            .collect()
    }
}

/// Returns the variables by which git says to GitHub's server who it is: the token never stands on a command line or in a file.
/// What a checkout left in the configuration counts for nothing then.
fn credentials(context: &Context) -> Vec<(String, String)> {
    let is_job = context.var("GITHUB_ACTIONS") == Some("true");
    let Some(token) = context.var("GITHUB_TOKEN").filter(|_token| is_job) else {
        return Vec::new();
    };
    let server = context.var("GITHUB_SERVER_URL");
    let server = server.unwrap_or("https://github.com").trim_end_matches('/');
    let basic = STANDARD.encode(format!("x-access-token:{token}"));
    let header = format!("AUTHORIZATION: basic {basic}");
    let mut variables = vec![("GIT_CONFIG_COUNT".to_owned(), "2".to_owned())];
    for (nth, value) in [String::new(), header].into_iter().enumerate() {
        let key = format!("http.{server}/.extraheader");
        variables.push((format!("GIT_CONFIG_KEY_{nth}"), key));
        variables.push((format!("GIT_CONFIG_VALUE_{nth}"), value));
    }
    variables
}

fn output(mut command: Command, input: Option<&str>) -> io::Result<Output> {
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(input.as_bytes())?;
    }
    child.wait_with_output()
}

fn failed(error: GitError) -> CommandError {
    CommandError::usage(error).help(
        "the branch is read and written through git in this checkout; on GitHub the job needs `contents: write` and GITHUB_TOKEN",
    )
}

/// Where the fetched branch is kept.
const KEPT: &str = "refs/rewind/history";

/// How often a run is added on top of what others added.
const TRIES: u32 = 5;

const BOT: (&str, &str) = (
    "github-actions[bot]",
    "41898282+github-actions[bot]@users.noreply.github.com",
);

const PROGRAM: (&str, &str) = ("rewind", "rewind@localhost");
