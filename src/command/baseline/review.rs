//! `rewind baseline review`: what a gate run left to be accepted, against what was accepted.

use std::io::{self, BufRead as _, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::accept::{Pending, accept_one, pending};
use super::{Place, directory};
use crate::baseline::{Evidence, ForkEvidence, Said};
use crate::command::output::written;
use crate::command::{CommandError, Context, load_config};
use crate::exit::Exit;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct ReviewOptions {
    /// Where the configuration and the baselines are.
    pub place: Place,
    /// The directory that a gate run wrote.
    pub from: Utf8PathBuf,
}

/// Prints each pending baseline; on a terminal asks what to do with it.
///
/// # Errors
/// There is nothing to review, or a file can't be read or written.
pub fn review(
    options: &ReviewOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.place.config.as_deref(), context)?;
    let root = directory(options.place.baselines.as_deref(), &config, context);
    let all = pending(&context.cwd.join(&options.from), &root)?;
    if all.is_empty() {
        return written(writeln!(out, "nothing is pending in {}", options.from));
    }
    let asks = context.stdin_is_terminal && context.stdout_is_terminal;
    for one in &all {
        let known = Evidence::read(&one.baseline).map_err(CommandError::usage)?;
        written(print(one, known.as_ref(), out))?;
        if asks && decide(one, context, out)? == Wish::Quit {
            break;
        }
    }
    if !asks {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let from = from(&options.from);
        written(writeln!(
            out,
            "\naccept: rewind baseline accept {}{from} --reason \"…\"",
            names.join(" ")
        ))?;
    }
    Ok(Exit::Pass)
}

fn from(typed: &Utf8Path) -> String {
    if typed == "rewind-report" {
        String::new()
    } else {
        format!(" --from {typed}")
    }
}

/// What somebody wants to be done with what is pending.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Accept,
    Forget,
    Skip,
    Quit,
}

/// Asks until there is an answer that can be understood; the end of the input is a wish to quit.
fn ask(name: &str, out: &mut dyn Write) -> Result<Wish, CommandError> {
    loop {
        let question = format!("accept {name}? [y]es, [n]o and forget it, [s]kip, [q]uit: ");
        written(write!(out, "{question}").and_then(|()| out.flush()))?;
        let mut answer = String::new();
        let read = io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(CommandError::usage)?;
        if read == 0 {
            written(writeln!(out))?;
            return Ok(Wish::Quit);
        }
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Wish::Accept),
            "n" | "no" => return Ok(Wish::Forget),
            "" | "s" | "skip" => return Ok(Wish::Skip),
            "q" | "quit" => return Ok(Wish::Quit),
            _ => {}
        }
    }
}

fn decide(one: &Pending, context: &Context, out: &mut dyn Write) -> Result<Wish, CommandError> {
    let wish = ask(&one.name, out)?;
    match wish {
        Wish::Accept => {
            accept_one(one, "reviewed", false, context)?;
            written(writeln!(out, "accepted"))?;
        }
        Wish::Forget => {
            one.forget()?;
            written(writeln!(out, "forgotten"))?;
        }
        Wish::Skip | Wish::Quit => {}
    }
    Ok(wish)
}

/// Returns what is different in what is pending, as text.
pub(super) fn difference(one: &Pending, known: Option<&Evidence>) -> String {
    let mut text = Vec::new();
    // A vector takes everything.
    drop(print(one, known, &mut text));
    String::from_utf8_lossy(&text).into_owned()
}

fn print(one: &Pending, known: Option<&Evidence>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", one.name)?;
    if let Some(known) = known.filter(|known| known.trajectory != one.evidence.trajectory) {
        writeln!(
            out,
            "  it made other tool calls than were accepted on {}",
            known.provenance.when
        )?;
    }
    if one.has_session() {
        writeln!(
            out,
            "  a live run is there, too; --rerecord makes it the recording"
        )?;
    }
    let nothing = ForkEvidence::default();
    for (fork, now) in &one.evidence.forks {
        let before = known
            .and_then(|known| known.forks.get(fork))
            .unwrap_or(&nothing);
        for (id, check) in &now.checks {
            let old = before
                .checks
                .get(id)
                .map_or(&[][..], |check| check.results.as_slice());
            writeln!(
                out,
                "  {fork} {id}: {} -> {}",
                marks(old),
                marks(&check.results)
            )?;
        }
        let tokens = |fork: &ForkEvidence| {
            let last = fork.samples.last();
            last.map_or_else(
                || "none".to_owned(),
                |last| (last.input_tokens + last.output_tokens).to_string(),
            )
        };
        writeln!(
            out,
            "  {fork} tokens: {} -> {}",
            tokens(before),
            tokens(now)
        )?;
    }
    Ok(())
}

/// Returns what a check said of each sample, one letter each.
fn marks(results: &[Said]) -> String {
    if results.is_empty() {
        return "none".to_owned();
    }
    let word = |said: &Said| match said {
        Said::Passed => "passed",
        Said::Failed => "failed",
        Said::NotRun => "not run",
    };
    results.iter().map(word).collect::<Vec<_>>().join(", ")
}
