//! Hands what was typed to the command that answers.

use std::io::Write;
use std::time::Duration;

use camino::Utf8Path;
use clap::CommandFactory as _;
use tokio::runtime::{Builder, Runtime};

use super::args::{Args, Assert, Command, Global, Replay, Require, Session, Timing, Upstream};
use super::report_args::{Content, Format, Only, Profile};
use crate::command::assert::{self, AssertOptions};
use crate::command::demo::{self, DemoOptions};
use crate::command::diff::{self, DiffOptions};
use crate::command::gate::{self, GateOptions};
use crate::command::init::{self, InitOptions};
use crate::command::mcp::{self, McpOptions};
use crate::command::merge::{self, MergeOptions};
use crate::command::record::{self, RecordOptions};
use crate::command::replay::{self, ReplayOptions};
use crate::command::report::{self, ReportOptions};
use crate::command::scripted::{self, ScriptedOptions};
use crate::command::selftest::{self, SelfTestOptions};
use crate::command::session;
use crate::command::share::{self, ShareOptions};
use crate::command::show::{self, ShowOptions};
use crate::command::verify::{self, VerifyOptions};
use crate::command::{BackendOptions, CaptureOptions, CommandError, Context};
use crate::config::Period;
use crate::exit::Exit;
use crate::model::Rung;

/// Runs the command.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each command, without logic"
)]
pub(super) fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let mut out = anstream::stdout();
    match args.command {
        Command::Completions(options) => {
            clap_complete::generate(options.shell, &mut Args::command(), "rewind", &mut out);
            Ok(Exit::Pass)
        }
        Command::Record(typed) => {
            let options = RecordOptions {
                store: args.global.store,
                config: args.global.config,
                name: typed.name,
                capture: capture(&typed.capture),
                upstream: backend(typed.upstream),
                live: typed.live,
                timeout: timeout(typed.timeout.as_deref())?,
                agent: typed.agent,
                input: typed.input,
                command: typed.command,
            };
            let mut err = anstream::stderr();
            runtime()?.block_on(record::run(&options, context, &mut err))
        }
        Command::Sessions(typed) => {
            session::list(args.global.store.as_deref(), typed.json, context, &mut out)
        }
        Command::Session(typed) => {
            run_session(args.global.store.as_deref(), typed, context, &mut out)
        }
        Command::Import(typed) => {
            super::import::run(typed, args.global, context, &runtime()?, &mut out)
        }
        Command::Replay(typed) => {
            let options = replay_options(args.global, typed)?;
            let (mut out, mut err) = (anstream::stdout(), anstream::stderr());
            runtime()?.block_on(replay::run(&options, context, &mut out, &mut err))
        }
        Command::Scripted(typed) => {
            let options = ScriptedOptions {
                file: typed.file,
                addr: typed.addr,
                log: typed.log,
            };
            runtime()?.block_on(scripted::run(&options, &mut out))
        }
        Command::Mcp(typed) => {
            let options = McpOptions {
                name: typed.name,
                command: typed.command,
            };
            let runtime = runtime()?;
            let ended = runtime.block_on(mcp::run(&options, context));
            // A read of standard input may go on for ever.
            runtime.shutdown_background();
            ended
        }
        Command::Gate(typed) => {
            let options = GateOptions {
                config: args.global.config,
                filter: typed.filter,
                only_failed: matches!(typed.only, Some(Only::Failed)),
                shard: typed.shard,
                fail_fast: typed.fail_fast,
                base: typed.base,
                cache_dir: typed.cache_dir,
                fresh: typed.fresh,
                samples: typed.samples,
                max_usd: typed.max_usd,
                max_tokens: typed.max_tokens,
                content: typed.content.map(content),
                profile: match typed.profile {
                    Profile::Pr => gate::Profile::Pr,
                    Profile::Nightly => gate::Profile::Nightly,
                },
                changed_since: typed.changed_since,
                policy_from: typed.policy_from,
                trusted: typed.trusted,
                baselines: typed.baselines,
                out: typed.out,
                history: typed.history,
                offline: typed.offline,
                live: typed.live,
                allow_needs_live: typed.allow_needs_live,
                jobs: typed.jobs,
                capture: capture(&typed.capture),
                upstream: backend(typed.upstream),
                json: typed.json,
            };
            let mut err = anstream::stderr();
            runtime()?.block_on(gate::run(&options, context, &mut out, &mut err))
        }
        Command::Eval(typed) => super::eval::run(
            typed,
            args.global.store,
            args.global.config,
            context,
            &runtime()?,
            &mut out,
        ),
        Command::Export(typed) => {
            super::export::run(typed, args.global.store, context, &runtime()?, &mut out)
        }
        Command::Github(typed) => {
            super::github::run(typed, args.global.config, context, &runtime()?, &mut out)
        }
        Command::Baseline(typed) => super::baseline::run(
            typed,
            args.global.store,
            args.global.config,
            context,
            &runtime()?,
            &mut out,
        ),
        Command::Report(typed) => {
            let options = ReportOptions {
                path: typed.path,
                format: format(typed.format),
                output: typed.output,
            };
            report::run(&options, context, &mut out)
        }
        Command::Merge(typed) => {
            let options = MergeOptions {
                paths: typed.paths,
                output: typed.output,
            };
            merge::run(&options, context, &mut out)
        }
        Command::Selftest(typed) => {
            let options = SelfTestOptions {
                config: args.global.config,
                baselines: typed.baselines,
                min: typed.min,
                live: typed.live,
                json: typed.json,
            };
            selftest::run(&options, context, runtime()?.handle(), &mut out)
        }
        Command::History(typed) => {
            super::history::run(typed, args.global.config, context, &mut out)
        }
        Command::Verify(typed) => {
            let options = VerifyOptions { path: typed.path };
            verify::run(&options, context, &mut out)
        }
        Command::Assert(Assert::Check(typed)) => {
            let options = AssertOptions {
                store: args.global.store,
                config: args.global.config,
                session: typed.session,
                timeline: typed.timeline,
                against: typed.against,
                json: typed.json,
            };
            assert::check(&options, context, runtime()?.handle(), &mut out)
        }
        Command::Show(typed) => {
            let options = ShowOptions {
                store: args.global.store,
                config: args.global.config,
                session: typed.session,
                timeline: typed.timeline,
                step: typed.step,
                json: typed.json,
            };
            show::run(&options, context, &mut out)
        }
        Command::Diff(typed) => {
            let options = DiffOptions {
                store: args.global.store,
                config: args.global.config,
                session: typed.session,
                left: typed.left,
                right: typed.right,
                all: typed.all,
                json: typed.json,
            };
            diff::run(&options, context, &mut out)
        }
        Command::Share(typed) => {
            let options = ShareOptions {
                store: args.global.store,
                config: args.global.config,
                session: typed.session,
                include_content: typed.include_content,
                allow_secrets: typed.allow_secrets,
                output: typed.output,
            };
            share::run(&options, context, &mut out)
        }
        Command::Init(typed) => {
            let options = InitOptions {
                yes: typed.yes,
                agent_command: typed.agent_command,
                force: typed.force,
            };
            init::run(&options, context, &mut std::io::stdin().lock(), &mut out)
        }
        Command::Demo(typed) => {
            let options = DemoOptions {
                store: args.global.store,
                dir: typed.dir,
            };
            demo::run(&options, context, &mut out)
        }
    }
}

fn run_session(
    store: Option<&Utf8Path>,
    typed: Session,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    match typed {
        Session::Export { session, output } => {
            session::export(store, &session, output.as_deref(), context, out)
        }
        Session::Import(typed) => session::import(store, &typed.dir, context, out),
        Session::Rm { session, age } => match (session, age.older_than) {
            (Some(session), _) => session::remove(store, &session, context, out),
            (None, Some(span)) => session::remove_older(store, span, age.dry_run, context, out),
            (None, None) => Ok(Exit::Pass),
        },
        Session::Gc { age } => {
            if let Some(span) = age.older_than {
                session::remove_older(store, span, age.dry_run, context, out)?;
            }
            if age.dry_run {
                return Ok(Exit::Pass);
            }
            session::gc(store, context, out)
        }
        Session::Scrub { session, replace } => {
            session::scrub(store, &session, &replace, context, out)
        }
        Session::Rename { session, name } => session::rename(store, &session, &name, context, out),
    }
}

fn replay_options(global: Global, typed: Replay) -> Result<ReplayOptions, CommandError> {
    Ok(ReplayOptions {
        store: global.store,
        config: global.config,
        session: typed.session,
        from: typed.from,
        timeline: typed.timeline,
        offline: typed.offline,
        live: typed.live,
        label: typed.label,
        timing: typed.timing.map(|timing| match timing {
            Timing::Instant => crate::replay::Timing::Instant,
            Timing::Recorded => crate::replay::Timing::Recorded,
        }),
        require: typed.require.map(|require| match require {
            Require::Exact => Rung::Exact,
            Require::Normalised => Rung::Normalised,
            Require::Drift => Rung::Drift,
        }),
        serve: typed.serve,
        bind: typed.bind,
        capture: capture(&typed.capture),
        upstream: backend(typed.upstream),
        timeout: timeout(typed.timeout.as_deref())?,
        json: typed.json,
        agent: typed.agent,
        command: typed.command,
    })
}

fn content(typed: Content) -> crate::report::Content {
    use crate::report::Content as C;
    match typed {
        Content::None => C::None,
        Content::Excerpt => C::Excerpt,
        Content::Full => C::Full,
    }
}

fn format(typed: Format) -> crate::report::Format {
    use crate::report::Format as F;
    match typed {
        Format::Terminal => F::Terminal,
        Format::Markdown => F::Markdown,
        Format::Junit => F::Junit,
        Format::Json => F::Json,
        Format::Html => F::Html,
        Format::Github => F::Github,
    }
}

fn capture(typed: &super::args::Capture) -> CaptureOptions {
    CaptureOptions {
        proxy: typed.proxy,
        auto_tools: typed.auto_tools,
    }
}

pub(super) fn backend(typed: Upstream) -> BackendOptions {
    BackendOptions {
        overrides: typed.urls,
        script: typed.scripted,
        key_file: typed.key_file,
    }
}

fn timeout(typed: Option<&str>) -> Result<Option<Duration>, CommandError> {
    typed
        .map(|text| text.parse::<Period>().map(|period| period.0))
        .transpose()
        .map_err(CommandError::usage)
}

fn runtime() -> Result<Runtime, CommandError> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CommandError::usage)
}
