//! What checks of a run may see outside its timeline: the files that its agent wrote, and programs.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::runtime::Handle;

use crate::agent::{AgentSpec, Ending, Launch, RunDir, Stdio, launch};
use crate::baseline::KnownVerdict;
use crate::check::{FileError, Judged, Judging, KeptAnswer, Outside, Program, ProgramEnd};
use crate::model::ContentId;
use crate::redact::Redactor;

/// The surroundings of one run; programs run in the agent's directory, with its environment.
#[derive(Clone)]
pub struct Surroundings {
    /// The directory of the run and when it began; `None` where its files were not kept.
    run: Option<(Utf8PathBuf, SystemTime)>,
    /// Where the agent works.
    cwd: Utf8PathBuf,
    env: BTreeMap<String, String>,
    redactor: Arc<Redactor>,
    runtime: Handle,
    judges: Option<Arc<dyn Judges>>,
}

/// Scores what agents answered.
pub trait Judges: Send + Sync {
    /// Returns how the candidate was judged; `None` where there is nothing new to see.
    ///
    /// # Errors
    /// It was not measured; says why in one sentence.
    fn judge(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String>;

    /// Returns the verdicts that this score was made of; nothing where none may be kept.
    fn verdicts(&self, judging: &Judging<'_>) -> BTreeMap<ContentId, KnownVerdict>;

    /// Says that the run ends: nobody is asked any more.
    fn stop(&self) {}

    /// Returns what a judge sees of the candidate; `None` where it could not be judged again by that.
    fn answer(&self, judging: &Judging<'_>) -> Option<KeptAnswer>;
}

/// There is no judge.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJudges;

impl Judges for NoJudges {
    fn judge(&self, _judging: &Judging<'_>) -> Result<Option<Judged>, String> {
        Err("no judge can be asked here".to_owned())
    }

    fn verdicts(&self, _judging: &Judging<'_>) -> BTreeMap<ContentId, KnownVerdict> {
        BTreeMap::new()
    }

    fn answer(&self, _judging: &Judging<'_>) -> Option<KeptAnswer> {
        None
    }
}

impl Surroundings {
    /// Returns the surroundings of a run of this agent whose files were not kept; programs run on
    /// `runtime`.
    pub fn new(agent: &AgentSpec, redactor: Arc<Redactor>, runtime: Handle) -> Self {
        Self {
            run: None,
            cwd: agent.cwd.clone(),
            env: agent.environment.variables.clone(),
            redactor,
            runtime,
            judges: None,
        }
    }

    /// Returns the surroundings with this judge.
    #[must_use]
    pub fn with_judges(mut self, judges: Arc<dyn Judges>) -> Self {
        self.judges = Some(judges);
        self
    }

    /// Returns the surroundings with the directory of the run of this agent, which began then.
    #[must_use]
    pub fn of_run(mut self, agent: &AgentSpec, dir: &RunDir, begun: SystemTime) -> Self {
        let path = dir.path();
        self.cwd = agent.cwd_of(path);
        self.env
            .insert("REWIND_RUN_DIR".to_owned(), path.to_string());
        self.env
            .insert("TMPDIR".to_owned(), path.join("tmp").to_string());
        self.run = Some((path.to_owned(), begun));
        self
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of variables are nobody's business.
        f.debug_struct("Surroundings")
            .field("run", &self.run)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

impl Outside for Surroundings {
    fn file(&self, path: &Utf8Path) -> Result<Vec<u8>, FileError> {
        let Some((dir, begun)) = &self.run else {
            let why = "files of this run were not kept; only `rewind gate` sees them";
            return Err(FileError::Unreadable(why.to_owned()));
        };
        let content = match read(dir, path, None)? {
            Some(content) => content,
            // A file that was there before says nothing of this run.
            None => {
                read(&self.cwd, path, begun.checked_sub(CLOCK_STEP))?.ok_or(FileError::Missing)?
            }
        };
        Ok(self.redactor.bytes(&content).into_owned())
    }

    fn run(&self, program: &Program<'_>) -> Result<ProgramEnd, String> {
        let run = Launch {
            command: program.command.to_vec(),
            cwd: self.cwd.clone(),
            env: self.env.clone(),
            stdin: Some(program.stdin.to_owned()),
            stdio: Stdio::Capture {
                limit: STDOUT_LIMIT,
            },
            on_terminal: false,
            timeout: Some(program.timeout),
        };
        let ended = self
            .runtime
            .block_on(launch(run, std::future::pending()))
            .map_err(|error| error.to_string())?;
        match ended.ending {
            Ending::Own => {}
            Ending::TimedOut => {
                let limit = program.timeout.as_secs();
                return Err(format!("it ran longer than {limit} s and was ended"));
            }
            Ending::Cancelled | Ending::Interrupted => return Err("it was interrupted".to_owned()),
        }
        let redacted = |bytes: &[u8]| self.redactor.bytes(bytes).into_owned();
        Ok(ProgramEnd {
            status: ended.exit,
            stdout: redacted(&ended.stdout.unwrap_or_default()),
            stderr: redacted(&ended.stderr),
        })
    }

    fn judge(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String> {
        match &self.judges {
            Some(judges) => judges.judge(judging),
            None => Err("no judge can be asked here".to_owned()),
        }
    }
}

/// Returns the content of a file below `dir` that was written at `since` or later; `None` where there
/// is none.
fn read(
    dir: &Utf8Path,
    path: &Utf8Path,
    since: Option<SystemTime>,
) -> Result<Option<Vec<u8>>, FileError> {
    let name = path;
    // A link of the agent's must not lead to what Rewind can read and the agent can't, such as /proc/self.
    let places = (dir.canonicalize_utf8(), dir.join(path).canonicalize_utf8());
    let (Ok(dir), Ok(path)) = places else {
        return Ok(None);
    };
    if !path.starts_with(&dir) {
        let why = format!("`{name}` is a link that leads out of its directory");
        return Err(FileError::Unreadable(why));
    }
    let Ok(known) = fs::metadata(&path) else {
        return Ok(None);
    };
    // Opening a pipe would wait for its other end.
    if !known.is_file() {
        return Ok(None);
    }
    let is_old = |since| known.modified().is_ok_and(|modified| modified < since);
    if since.is_some_and(is_old) {
        return Ok(None);
    }
    let unreadable =
        |error: std::io::Error| FileError::Unreadable(format!("`{name}` can't be read: {error}"));
    let mut content = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    if content.len() as u64 > FILE_LIMIT {
        let why = format!("`{name}` is larger than 4 MB, which is more than a check reads");
        return Err(FileError::Unreadable(why));
    }
    Ok(Some(content))
}

/// The most bytes of a file that are read.
const FILE_LIMIT: u64 = 4 << 20;

/// The most bytes of a program's output that are kept.
const STDOUT_LIMIT: usize = 1 << 20;

/// By how much the clock of a file system may be behind.
const CLOCK_STEP: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Environment;
    use crate::redact::RedactRules;

    fn agent(cwd: &Utf8Path) -> AgentSpec {
        AgentSpec {
            command: vec!["agent".into()],
            cwd: cwd.to_owned(),
            environment: Environment {
                variables: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
                removed: Vec::new(),
            },
            stdio: Stdio::Capture { limit: 0 },
            ..AgentSpec::default()
        }
    }

    fn redactor() -> Arc<Redactor> {
        let rules = RedactRules {
            values: vec!["very-secret-value".into()],
            ..RedactRules::default()
        };
        Arc::new(Redactor::new(&rules).unwrap())
    }

    fn shell(
        surroundings: &Surroundings,
        script: &str,
        timeout: Duration,
    ) -> Result<ProgramEnd, String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        surroundings.run(&Program {
            command: &command,
            stdin: "input",
            timeout,
        })
    }

    #[test]
    fn files_of_this_run_are_found_and_no_others() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let cwd = tempfile::tempdir().unwrap();
        let cwd = Utf8Path::from_path(cwd.path()).unwrap();
        let run_dir = RunDir::create().unwrap();
        fs::write(cwd.join("old.md"), "from before").unwrap();
        let old = SystemTime::now() - Duration::from_mins(1);
        fs::File::options()
            .write(true)
            .open(cwd.join("old.md"))
            .unwrap()
            .set_modified(old)
            .unwrap();
        let surroundings = Surroundings::new(&agent(cwd), redactor(), runtime.handle().clone())
            .of_run(&agent(cwd), &run_dir, SystemTime::now());
        fs::write(cwd.join("new.md"), "written with very-secret-value").unwrap();
        fs::write(run_dir.path().join("old.md"), "own").unwrap();
        let file = |path: &str| surroundings.file(path.into());
        assert_eq!(file("old.md").unwrap(), b"own");
        fs::remove_file(run_dir.path().join("old.md")).unwrap();
        assert_eq!(file("old.md"), Err(FileError::Missing));
        let text = String::from_utf8(file("new.md").unwrap()).unwrap();
        assert!(!text.contains("very-secret-value"), "{text}");
        assert_eq!(file("tmp"), Err(FileError::Missing));
        fs::write(run_dir.path().join("big"), vec![b'x'; (4 << 20) + 1]).unwrap();
        assert!(matches!(file("big"), Err(FileError::Unreadable(_))));
        for (link, target) in [("env", "/proc/self/environ"), ("up", "..")] {
            std::os::unix::fs::symlink(target, run_dir.path().join(link)).unwrap();
        }
        for path in ["env", "up/etc/hostname"] {
            let found = file(path);
            assert!(found.is_err(), "{path}: {found:?}");
        }
        let unkept = Surroundings::new(&agent(cwd), redactor(), runtime.handle().clone());
        assert!(matches!(
            unkept.file("new.md".into()),
            Err(FileError::Unreadable(_))
        ));
    }

    #[test]
    fn programs_see_the_run_and_are_ended_with_all_they_started() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let run_dir = RunDir::create().unwrap();
        let surroundings = Surroundings::new(
            &agent("/".into()),
            redactor(),
            runtime.handle().clone(),
        )
        .of_run(&agent("/".into()), &run_dir, SystemTime::now());
        let long = Duration::from_mins(1);
        let end = shell(
            &surroundings,
            "cat; echo \" $REWIND_RUN_DIR\"; exit 3",
            long,
        )
        .unwrap();
        assert_eq!(end.status, 3);
        assert_eq!(
            String::from_utf8(end.stdout).unwrap(),
            format!("input {}\n", run_dir.path())
        );
        let end = shell(&surroundings, "echo very-secret-value >&2", long).unwrap();
        assert!(
            !String::from_utf8(end.stderr)
                .unwrap()
                .contains("very-secret-value")
        );
        let script = "sleep 1000 & echo $! > \"$REWIND_RUN_DIR/pid\"; wait";
        let error = shell(&surroundings, script, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error, "it ran longer than 1 s and was ended");
        let pid = fs::read_to_string(run_dir.path().join("pid")).unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        assert!(
            stat.is_err() || stat.unwrap().contains(") Z "),
            "it was left running"
        );
        let command = ["no-such-program-anywhere".to_owned()];
        let program = Program {
            command: &command,
            stdin: "",
            timeout: long,
        };
        assert!(
            surroundings
                .run(&program)
                .unwrap_err()
                .contains("no-such-program-anywhere")
        );
    }
}
