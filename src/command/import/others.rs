//! `rewind import from-langsmith` and `rewind import from-helicone`.

use std::io::Write;
use std::sync::Arc;

use camino::Utf8PathBuf;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::keep::Keeper;
use super::{ImportOptions, print};
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::interop::helicone::{HeliconePlace, helicone_trace, read_helicone};
use crate::interop::langsmith::{LangSmithPlace, langsmith_trace, read_langsmith};
use crate::interop::{ImportError, Site, Trace, open_bounded};
use crate::proxy::{HttpBackend, Upstreams};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct OtherOptions {
    /// What every import is told.
    pub import: ImportOptions,
    /// Ids of runs or requests, or links to them.
    pub places: Vec<String>,
    /// Ids of sessions.
    pub sessions: Vec<String>,
    /// Files that hold runs or requests.
    pub files: Vec<Utf8PathBuf>,
    /// The address of the API.
    pub host: Option<String>,
}

/// Imports traces from LangSmith.
///
/// # Errors
/// Nothing to import; a key that is missing or not taken; runs that are not there or can't be read.
pub async fn from_langsmith(
    options: &OtherOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let mut keeper = opened(options, context, |documents| read_langsmith(&documents))?;
    if !options.places.is_empty() {
        let places: Vec<LangSmithPlace> = options
            .places
            .iter()
            .map(|text| LangSmithPlace::of(text))
            .collect();
        let is_shared = places
            .iter()
            .all(|place| matches!(place, LangSmithPlace::Shared(_)));
        let key = var(context, &["LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"]);
        let mut headers = HeaderMap::new();
        match key {
            Some(key) => {
                headers.insert(X_API_KEY, secret(&key)?);
            }
            // A link that shares a trace is a key by itself.
            None if is_shared => {}
            None => return Err(keyless("LANGSMITH_API_KEY")),
        }
        let host = options.host.clone();
        let host = host.or_else(|| var(context, &["LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"]));
        let site = site(&host.unwrap_or_else(|| LANGSMITH.to_owned()), headers)?;
        for place in &places {
            let trace = langsmith_trace(&site, place)
                .await
                .map_err(CommandError::usage)?;
            keeper.take(trace)?;
        }
    }
    print::ended(&keeper.kept, &options.import, out)
}

/// Imports requests from Helicone.
///
/// # Errors
/// As [`from_langsmith`].
pub async fn from_helicone(
    options: &OtherOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let mut keeper = opened(options, context, read_helicone)?;
    let requests = options.places.iter().cloned().map(HeliconePlace::Request);
    let sessions = options.sessions.iter().cloned().map(HeliconePlace::Session);
    let places: Vec<HeliconePlace> = requests.chain(sessions).collect();
    if !places.is_empty() {
        let key = var(context, &["HELICONE_API_KEY"]).ok_or_else(|| keyless("HELICONE_API_KEY"))?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, secret(&format!("Bearer {key}"))?)]);
        let host = options.host.clone().unwrap_or_else(|| HELICONE.to_owned());
        let site = site(&host, headers)?;
        for place in &places {
            let traces = helicone_trace(&site, place, &elsewhere).await;
            for trace in traces.map_err(CommandError::usage)? {
                keeper.take(trace)?;
            }
        }
    }
    print::ended(&keeper.kept, &options.import, out)
}

const LANGSMITH: &str = "https://api.smith.langchain.com";
const HELICONE: &str = "https://api.helicone.ai";
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Returns a keeper that has taken the files.
fn opened<'o>(
    options: &'o OtherOptions,
    context: &Context,
    read: fn(Vec<Value>) -> Result<Vec<Trace>, ImportError>,
) -> Result<Keeper<'o>, CommandError> {
    if options.places.is_empty() && options.sessions.is_empty() && options.files.is_empty() {
        return Err(CommandError::usage("there is nothing to import")
            .help("name an id or a link, or a file (--file)"));
    }
    let mut keeper = Keeper::open(&options.import, context)?;
    for file in &options.files {
        let opened = open_bounded(&context.cwd.join(file))
            .map_err(|error| CommandError::usage(format!("{file} can't be read: {error}")))?;
        let documents = serde_json::Deserializer::from_reader(opened).into_iter::<Value>();
        let documents = documents
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CommandError::usage(format!("{file} is no JSON: {error}")))?;
        let traces =
            read(documents).map_err(|error| CommandError::usage(format!("{file}: {error}")))?;
        for trace in traces {
            keeper.take(trace)?;
        }
    }
    Ok(keeper)
}

fn var(context: &Context, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| context.var(name))
        .map(str::to_owned)
}

fn keyless(name: &str) -> CommandError {
    CommandError::usage(format!("{name} is not set")).help("or import a --file")
}

fn secret(text: &str) -> Result<HeaderValue, CommandError> {
    let mut value = HeaderValue::from_str(text).map_err(CommandError::usage)?;
    value.set_sensitive(true);
    Ok(value)
}

fn site(host: &str, headers: HeaderMap) -> Result<Site, CommandError> {
    let base = Url::parse(host.trim_end_matches('/'))
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
        .ok_or_else(|| CommandError::usage(format!("`{host}` is no address")))?;
    let backend = HttpBackend::new(Upstreams::default());
    Ok(Site::new(Arc::new(backend), base, headers))
}

/// Returns the site of a signed address, which takes no key, and the path there.
fn elsewhere(url: &str) -> Option<(Site, String)> {
    let url = Url::parse(url).ok().filter(Url::has_host)?;
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let path = format!("{}{query}", url.path());
    let site = site(&url.origin().ascii_serialization(), HeaderMap::new()).ok()?;
    Some((site, path))
}
