//! `rewind import from-langfuse`.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8PathBuf;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::keep::Keeper;
use super::{ImportOptions, print};
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::interop::langfuse::{
    DatasetItem, Langfuse, LangfuseApi, LangfuseError, LangfusePlace, Wanted, read_langfuse_file,
};
use crate::interop::{Site, Trace, open_bounded};
use crate::proxy::{HttpBackend, Timeouts, Upstreams};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct LangfuseOptions {
    /// What every import is told.
    pub import: ImportOptions,
    /// Ids of traces, or addresses that show them.
    pub traces: Vec<String>,
    /// A session of traces.
    pub session: Option<String>,
    /// Files that hold traces.
    pub files: Vec<Utf8PathBuf>,
    /// A dataset whose items were made of traces.
    pub dataset: Option<String>,
    /// Tags that the traces have.
    pub tags: Vec<String>,
    /// Only traces with a score below this.
    pub score_below: Option<f64>,
    /// The name of that score; any where it is not given.
    pub score: Option<String>,
    /// Only traces that began within this time.
    pub since: Option<jiff::Span>,
    /// The most traces.
    pub limit: usize,
    /// The address of Langfuse.
    pub host: Option<String>,
    /// How long a trace that is not there yet is waited for.
    pub wait: Duration,
    /// Which API is asked.
    pub api: LangfuseApi,
}

impl LangfuseOptions {
    /// Returns whether traces are looked for that nobody has named.
    fn looks_for(&self) -> bool {
        !self.tags.is_empty() || self.score_below.is_some() || self.since.is_some()
    }
}

/// Where Langfuse is, where nothing else is said.
const CLOUD: &str = "https://cloud.langfuse.com";

/// Imports traces from Langfuse.
///
/// # Errors
/// Nothing to import; keys that are missing or not taken; traces that are not there or can't be read.
pub async fn from_langfuse(
    options: &LangfuseOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let is_named = !options.traces.is_empty() || options.session.is_some();
    if !is_named && options.files.is_empty() && options.dataset.is_none() && !options.looks_for() {
        return Err(CommandError::usage("there is nothing to import").help(
            "name a trace (--trace ID or its address), a session, a dataset, a file, or say which traces: --tag, --since",
        ));
    }
    let mut keeper = Keeper::open(&options.import, context)?;
    for file in &options.files {
        for trace in read(file, context)? {
            keeper.take(trace)?;
        }
    }
    if is_named || options.dataset.is_some() || options.looks_for() {
        online(options, context, &mut keeper).await?;
    }
    print::ended(&keeper.kept, &options.import, out)
}

fn read(file: &Utf8PathBuf, context: &Context) -> Result<Vec<Trace>, CommandError> {
    let path = context.cwd.join(file);
    let opened = open_bounded(&path)
        .map_err(|error| CommandError::usage(format!("{file} can't be read: {error}")))?;
    read_langfuse_file(opened).map_err(|error| CommandError::usage(format!("{file}: {error}")))
}

async fn online(
    options: &LangfuseOptions,
    context: &Context,
    keeper: &mut Keeper<'_>,
) -> Result<(), CommandError> {
    let places: Vec<LangfusePlace> = options
        .traces
        .iter()
        .map(|text| LangfusePlace::of(text))
        .collect();
    let pasted = places.iter().find_map(|place| place.host.clone());
    let langfuse = connect(options, pasted, context)?;
    for place in &places {
        if place.is_session {
            session(&langfuse, &place.id, options, keeper).await?;
        } else {
            keeper.take(langfuse.trace(&place.id).await.map_err(helped)?)?;
        }
    }
    if let Some(id) = &options.session {
        let id = LangfusePlace::of(id).id;
        session(&langfuse, &id, options, keeper).await?;
    }
    if let Some(name) = &options.dataset {
        dataset(&langfuse, name, options, keeper).await?;
    }
    if options.looks_for() {
        let wanted = Wanted {
            session: None,
            tags: options.tags.clone(),
            since: since(options)?,
        };
        let ids = langfuse.list(&wanted).await.map_err(helped)?;
        if ids.is_empty() {
            return Err(CommandError::usage("no trace is like that").exit(Exit::NothingSelected));
        }
        several(&langfuse, &ids, options, keeper).await?;
    }
    Ok(())
}

async fn session(
    langfuse: &Langfuse,
    id: &str,
    options: &LangfuseOptions,
    keeper: &mut Keeper<'_>,
) -> Result<(), CommandError> {
    let wanted = Wanted {
        session: Some(id.to_owned()),
        ..Wanted::default()
    };
    let ids = langfuse.list(&wanted).await.map_err(helped)?;
    if ids.is_empty() {
        return Err(CommandError::usage(format!("session `{id}` has no traces")));
    }
    several(langfuse, &ids, options, keeper).await
}

/// Imports traces; one that can't be had does not keep the others away.
async fn several(
    langfuse: &Langfuse,
    ids: &[String],
    options: &LangfuseOptions,
    keeper: &mut Keeper<'_>,
) -> Result<(), CommandError> {
    let mut count: usize = 0;
    for id in ids {
        if count >= options.limit {
            break;
        }
        match langfuse.trace(id).await {
            Ok(trace) if is_wanted(&trace, options) => {
                count += 1;
                keeper.take(trace)?;
            }
            Ok(_other) => {}
            Err(error @ LangfuseError::Credentials { .. }) => return Err(helped(error)),
            Err(error) => keeper.fail(id.clone(), error.to_string()),
        }
    }
    Ok(())
}

/// Returns whether a trace has a score as low as that.
fn is_wanted(trace: &Trace, options: &LangfuseOptions) -> bool {
    let Some(limit) = options.score_below else {
        return true;
    };
    let named = |name: &str| options.score.as_deref().is_none_or(|wanted| wanted == name);
    let mut scores = trace.scores.iter().filter(|score| named(&score.name));
    scores.any(|score| score.value.as_f64().is_some_and(|value| value < limit))
}

async fn dataset(
    langfuse: &Langfuse,
    name: &str,
    options: &LangfuseOptions,
    keeper: &mut Keeper<'_>,
) -> Result<(), CommandError> {
    let items = langfuse.dataset(name).await.map_err(helped)?;
    let mut seen = BTreeSet::new();
    for DatasetItem {
        id,
        trace,
        expected,
    } in items.into_iter().take(options.limit)
    {
        let Some(trace) = trace else {
            keeper.fail(
                format!("of item {id}"),
                "the item was made of no trace".to_owned(),
            );
            continue;
        };
        if !seen.insert(trace.clone()) {
            continue;
        }
        match langfuse.trace(&trace).await {
            Ok(found) => keeper.take(Trace {
                expected: expected.or(found.expected),
                ..found
            })?,
            Err(error @ LangfuseError::Credentials { .. }) => return Err(helped(error)),
            Err(error) => keeper.fail(trace, error.to_string()),
        }
    }
    Ok(())
}

fn since(options: &LangfuseOptions) -> Result<Option<jiff::Timestamp>, CommandError> {
    let Some(span) = options.since else {
        return Ok(None);
    };
    let since = jiff::Zoned::now()
        .checked_sub(span.abs())
        .map_err(|_error| CommandError::usage(format!("--since {span:#} is too long ago")))?;
    Ok(Some(since.timestamp()))
}

/// Returns the Langfuse that is asked, with the keys of the environment.
fn connect(
    options: &LangfuseOptions,
    pasted: Option<String>,
    context: &Context,
) -> Result<Langfuse, CommandError> {
    let var = |name: &str| context.var(name).map(str::to_owned);
    let host = options
        .host
        .clone()
        .or(pasted)
        .or_else(|| var("LANGFUSE_BASE_URL"))
        .or_else(|| var("LANGFUSE_HOST"))
        .unwrap_or_else(|| CLOUD.to_owned());
    let base = Url::parse(host.trim_end_matches('/'))
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
        .ok_or_else(|| {
            CommandError::usage(format!("`{host}` is no address of Langfuse"))
                .help("write it like https://cloud.langfuse.com")
        })?;
    let key = |name: &'static str| {
        var(name).ok_or_else(|| {
            CommandError::usage(format!("{name} is not set"))
                .help("Langfuse shows its keys under Settings, API keys; or import a --file")
        })
    };
    let (public, secret) = (key("LANGFUSE_PUBLIC_KEY")?, key("LANGFUSE_SECRET_KEY")?);
    let basic = format!("Basic {}", STANDARD.encode(format!("{public}:{secret}")));
    let mut basic = HeaderValue::from_str(&basic).map_err(CommandError::usage)?;
    basic.set_sensitive(true);
    let headers = HeaderMap::from_iter([
        (AUTHORIZATION, basic),
        (ACCEPT, HeaderValue::from_static("application/json")),
    ]);
    let timeouts = Timeouts {
        first_byte: Duration::from_mins(2),
        ..Timeouts::default()
    };
    let backend = HttpBackend::new(Upstreams::default()).with_timeouts(timeouts);
    let site = Site::new(Arc::new(backend), base, headers);
    Ok(Langfuse::new(site, options.api, options.wait))
}

/// Returns an error with what to do about it.
fn helped(error: LangfuseError) -> CommandError {
    let help = match &error {
        LangfuseError::NotFound { .. } => Some(
            "a fresh trace takes a while: --wait 60s; keys see their own project alone; the regions \
             (cloud, us.cloud, jp.cloud, hipaa.cloud.langfuse.com) do not share traces",
        ),
        LangfuseError::Credentials { .. } => Some(
            "keys hold for one region and project: --host https://us.cloud.langfuse.com, or LANGFUSE_BASE_URL",
        ),
        LangfuseError::NoApi { .. } => Some("leave out --api, so that whichever is there is asked"),
        LangfuseError::Site(_) => Some("--host or LANGFUSE_BASE_URL says where Langfuse is"),
        LangfuseError::Endless { .. } => None,
    };
    let error = CommandError::usage(error);
    match help {
        Some(help) => error.help(help),
        None => error,
    }
}
