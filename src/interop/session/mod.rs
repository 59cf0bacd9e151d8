//! From the spans of a trace to a session and a report of what was lost on the way.
//!
//! Each span of a model becomes a call as if it had been recorded: its request and its answer are put
//! into the form of a wire format and read by the parser that reads what agents send. [`lineage`] then
//! finds lanes, tool steps and numbers, so an imported session is like a recorded one but for what
//! [`Lost`] says.

mod ends;
mod fold;
mod request;
mod response;
mod tools;
mod tree;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::ImportError;
use super::meaning::{self, Kind, agent_name, graph_node};
use super::report::{ImportReport, ScoreReport, Spans, StepReport};
use super::span::Span;
use crate::lineage;
use crate::model::{
    Call, Dialect, Exchange, Fidelity, Lost, Outcome, Response, Session, SessionId, Source, Step,
    StepKind, Thread, Timeline,
};
use crate::record::Requests;
use crate::wire::{NoScrub, Parser};
use fold::Fold;
use tree::Tree;

/// A trace as a source gives it.
#[derive(Debug, Default)]
pub struct Trace {
    /// Where it came from: `langfuse`, `otel`, `langsmith`, `helicone`.
    pub source: String,
    /// Its id there.
    pub id: String,
    /// Its name, where the source has one.
    pub name: Option<String>,
    /// The page that shows it.
    pub url: Option<String>,
    /// Its spans, in any order.
    pub spans: Vec<Span>,
    /// What the whole run was asked, where the source says so apart from the spans.
    pub input: Option<Value>,
    /// What the whole run answered.
    pub output: Option<Value>,
    /// The answer that is held to be right.
    pub expected: Option<Value>,
    /// The scores that it has.
    pub scores: Vec<ScoreReport>,
    /// What looked wrong while it was read.
    pub warnings: Vec<String>,
}

/// The most spans of one trace.
const MAX_SPANS: usize = 500_000;

/// Returns the session that a trace becomes, not yet without secrets, and the report.
///
/// # Errors
/// A trace without any call of a model or a tool; parents in a circle.
pub fn session(trace: Trace) -> Result<(Session, ImportReport), ImportError> {
    if trace.spans.len() > MAX_SPANS {
        return Err(ImportError::TooMany(MAX_SPANS));
    }
    let total = trace.spans.len();
    let tree = Tree::of(trace.spans)?;
    let kinds: Vec<Kind> = tree.spans.iter().map(kind).collect();
    let mut building = Building {
        kinds: &kinds,
        agents: agents(&tree, &kinds),
        origin_us: tree.spans.first().map_or(0, |span| span.began_us),
        parser: Parser::new(Arc::new(NoScrub)),
        requests: Requests::default(),
        notes: HashMap::new(),
        usd: None,
        tree: &tree,
    };
    let fold = Fold::of(&tree, &kinds);
    let (calls, places) = building.calls(&fold)?;
    let calls = repaired(calls);
    let captures = tools::captures(&tree, &kinds, &calls, building.origin_us);
    let mut steps = lineage::assemble(&calls, &captures.list);
    let tools = tools::settle(&mut steps, &captures);
    if steps.is_empty() {
        return Err(ImportError::Nothing(seen(&tree)));
    }
    let mut warnings = trace.warnings;
    warnings.extend(complaints(&tree));
    let count = |wanted: Kind| kinds.iter().filter(|kind| **kind == wanted).count();
    let spans = Spans {
        total,
        model: calls.len(),
        tool: tools.steps,
        agent: count(Kind::Agent),
        context: count(Kind::Context),
        folded: fold.folded() + tools.folded,
        repeated: tree.repeated,
    };
    let steps_report = steps
        .iter()
        .map(|step| step_report(step, &places, &tools.spans, &building.notes, &tree));
    let steps_report: Vec<StepReport> = steps_report.collect();
    let ends = ends::of(&tree, trace.input.as_ref(), trace.output.as_ref());
    let usd = building.usd;
    let timeline = timeline(steps, building.origin_us, ends.answer, ends.fault);
    let root_name = tree.root().map(|root| root.name.clone());
    let name = trace.name.or(root_name).filter(|name| !name.is_empty());
    let session = Session {
        id: SessionId::generate(),
        name: name.unwrap_or_else(|| trace.source.clone()),
        recorded_at: timeline.started_at,
        source: Source::Imported(trace.source.clone()),
        command: Vec::new(),
        input: ends.input,
        root_input: ends.root_input,
        expected: trace.expected.as_ref().map(ends::text_of),
        trace: Some(trace.id.clone()).filter(|id| !id.is_empty()),
        timelines: vec![timeline],
    };
    let report = ImportReport {
        source: trace.source,
        trace: trace.id,
        session: session.id.to_string(),
        name: session.name.clone(),
        url: trace.url,
        spans,
        steps: steps_report,
        usd,
        scores: trace.scores,
        warnings,
    };
    Ok((session, report))
}

/// Returns the recorded timeline of these steps.
fn timeline(
    steps: Vec<Step>,
    origin_us: i64,
    answer: Option<String>,
    fault: Option<String>,
) -> Timeline {
    let started_at = jiff::Timestamp::from_microsecond(origin_us);
    Timeline {
        label: "main".to_owned(),
        forked_from: None,
        started_at: started_at.unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        is_complete: true,
        ancillary: Vec::new(),
        outcome: Outcome {
            exit: None,
            answer: answer.or_else(|| lineage::final_answer(&steps, None)),
            faults: fault.into_iter().collect(),
        },
        replay: None,
        steps,
    }
}

/// Returns what a span is; what a tracing backend's own judges did is not the agent's.
fn kind(span: &Span) -> Kind {
    let environment = span.text(&["langfuse.environment"]);
    if environment.is_some_and(|name| name.starts_with("langfuse-")) {
        return Kind::Context;
    }
    Kind::of(span)
}

/// Returns the agent that each span belongs to.
fn agents(tree: &Tree, kinds: &[Kind]) -> Vec<Option<String>> {
    let nearest = tree.nearest(|place| kinds.get(place) == Some(&Kind::Agent));
    tree.spans
        .iter()
        .zip(nearest)
        .map(|(span, agent)| {
            let agent = agent.and_then(|place| tree.spans.get(place));
            graph_node(span).or_else(|| agent.map(agent_name))
        })
        .collect()
}

/// Calls being made of spans.
struct Building<'t> {
    tree: &'t Tree,
    kinds: &'t [Kind],
    agents: Vec<Option<String>>,
    origin_us: i64,
    parser: Parser,
    requests: Requests,
    /// What there is to say of the calls, by ordinal.
    notes: HashMap<u32, Vec<String>>,
    usd: Option<f64>,
}

impl Building<'_> {
    /// Returns the calls, and the places of their spans.
    fn calls(&mut self, fold: &Fold) -> Result<(Vec<Call>, Vec<usize>), ImportError> {
        let mut calls = Vec::new();
        let mut places = Vec::new();
        let mut tools: BTreeSet<usize> = BTreeSet::new();
        for (place, span) in self.tree.spans.iter().enumerate() {
            let kind = self.kinds.get(place).copied().unwrap_or(Kind::Context);
            if ![Kind::Model, Kind::Embedding].contains(&kind) || fold.is_folded(place) {
                continue;
            }
            let ordinal = u32::try_from(calls.len()).unwrap_or(u32::MAX);
            let (call, has_tools) = self.call(place, span, ordinal, kind == Kind::Embedding)?;
            if has_tools {
                tools.insert(calls.len());
            }
            calls.push(call);
            places.push(place);
        }
        note_lost_tools(&mut calls, &tools);
        Ok((calls, places))
    }

    fn call(
        &mut self,
        place: usize,
        span: &Span,
        ordinal: u32,
        is_embedding: bool,
    ) -> Result<(Call, bool), ImportError> {
        let mut found = meaning::found(span);
        let mut asked = request::request(&mut found, is_embedding);
        let answered = response::response(span, &mut found);
        asked.lost.extend(answered.lost);
        let path = path(asked.dialect);
        let wire = |source| ImportError::Wire {
            span: span.id.clone(),
            source,
        };
        let body = Value::Object(asked.body).to_string();
        let parsed = self
            .parser
            .parse_request(asked.dialect, "POST", path, body.as_bytes());
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                // Shown all the same: a trace is not thrown away for one span.
                asked.lost.insert(Lost::History);
                self.note(ordinal, &format!("its messages can't be read: {error}"));
                let empty = Map::from_iter([("messages".to_owned(), Value::Array(Vec::new()))]);
                let body = Value::Object(empty).to_string();
                let chat = Dialect::OpenaiChat;
                self.parser
                    .parse_request(chat, "POST", path, body.as_bytes())
                    .map_err(wire)?
            }
        };
        for text in &found.notes {
            self.note(ordinal, text);
        }
        if let Some(usd) = found.usd {
            self.usd = Some(self.usd.unwrap_or(0.0) + usd);
        }
        let agent = self.agents.get(place).cloned().flatten();
        let (request, _is_continued) = self.requests.request(&parsed, agent);
        self.requests.keep(&request, &parsed, &answered.response);
        let began_us = self.since(span.began_us);
        let ended_us = self
            .since(span.ended_us.unwrap_or(span.began_us))
            .max(began_us);
        let first = found.first_us.map(|first| self.since(first));
        let call = Call {
            ordinal,
            provider: provider(found.provider.as_deref(), asked.dialect),
            request,
            no_ops: parsed.no_ops.clone(),
            response: answered.response,
            exchange: Exchange {
                method: "POST".to_owned(),
                path: path.to_owned(),
                fingerprint: None,
                status: answered.status,
                headers: Vec::new(),
                body: None,
                truncated: answered.is_truncated,
            },
            attempts: Vec::new(),
            began_us,
            first_byte_us: first.unwrap_or(ended_us).clamp(began_us, ended_us),
            ended_us,
            served: None,
            lost: asked.lost,
        };
        Ok((call, asked.has_tools))
    }

    fn note(&mut self, ordinal: u32, text: &str) {
        let notes = self.notes.entry(ordinal).or_default();
        if !notes.iter().any(|known| known == text) {
            notes.push(text.to_owned());
        }
    }

    fn since(&self, at_us: i64) -> u64 {
        since(self.origin_us, at_us)
    }
}

/// Returns the microseconds from the beginning of a trace to a time in it.
fn since(origin_us: i64, at_us: i64) -> u64 {
    u64::try_from(at_us.saturating_sub(origin_us)).unwrap_or(0)
}

fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat | Dialect::Opaque => "/v1/chat/completions",
        Dialect::OpenaiResponses => "/v1/responses",
        Dialect::AnthropicMessages => "/v1/messages",
        Dialect::OpenaiEmbeddings => "/v1/embeddings",
        Dialect::Gemini => "/v1beta/models/gemini:generateContent",
    }
}

/// Returns the provider as Rewind names it.
fn provider(name: Option<&str>, dialect: Dialect) -> String {
    let known = name.map(|name| name.to_lowercase().replace(' ', "-"));
    match known.as_deref() {
        Some("az.ai.openai" | "azure.ai.openai" | "azure_openai" | "azure") => "azure".to_owned(),
        Some("gcp.gemini" | "gemini" | "gcp.gen_ai" | "google_genai" | "vertexai") => {
            "google".to_owned()
        }
        Some("mistralai" | "mistral_ai") => "mistral".to_owned(),
        Some(name) if !name.is_empty() => name.to_owned(),
        Some(_) | None if dialect == Dialect::AnthropicMessages => "anthropic".to_owned(),
        Some(_) | None => "openai".to_owned(),
    }
}

/// Notes lost tool definitions: where a call uses tools that it does not define, and everywhere in a trace
/// that uses tools and never defines any.
fn note_lost_tools(calls: &mut [Call], defining: &BTreeSet<usize>) {
    let uses = |call: &Call| {
        let thread = call.request.thread.messages();
        let output = call.response.output.as_ref();
        thread
            .iter()
            .chain(output)
            .any(|message| message.tool_calls().next().is_some())
    };
    let using: BTreeSet<usize> = (0..)
        .zip(&*calls)
        .filter(|(_place, call)| uses(call))
        .map(|(place, _call)| place)
        .collect();
    let never = defining.is_empty() && !using.is_empty();
    for (place, call) in calls.iter_mut().enumerate() {
        let is_conversation = call.request.dialect != Dialect::OpenaiEmbeddings;
        let is_lost = !defining.contains(&place) && (never || using.contains(&place));
        // Where the body was kept, a request without tools had none.
        let is_whole = !call.lost.contains(&Lost::Dialect);
        if is_lost && is_conversation && !is_whole {
            call.lost.insert(Lost::Tools);
        }
    }
}

/// Takes answers that their own spans lost from the conversations that go on from them.
fn repaired(calls: Vec<Call>) -> Vec<Arc<Call>> {
    let mut following: HashMap<crate::model::ContentId, Thread> = HashMap::new();
    if calls.iter().any(|call| call.lost.contains(&Lost::Output)) {
        for call in &calls {
            for thread in call.request.thread.ancestors() {
                following
                    .entry(thread.parent().id())
                    .or_insert_with(|| thread.clone());
            }
        }
    }
    calls
        .into_iter()
        .map(|mut call| {
            let next = following.get(&call.request.thread.id());
            let next = next.filter(|_next| call.lost.contains(&Lost::Output));
            if let Some(answer) = next.and_then(|next| next.last())
                && answer.role == crate::model::Role::Assistant
                && call.request.dialect != Dialect::OpenaiEmbeddings
                && !call.request.thread.is_empty()
            {
                call.response = Response {
                    output: Some(Arc::clone(answer)),
                    ..call.response
                };
                call.exchange.truncated = false;
                call.lost.remove(&Lost::Output);
                call.lost.insert(Lost::Finish);
            }
            Arc::new(call)
        })
        .collect()
}

/// Returns what is wrong with a trace as a whole.
fn complaints(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(first) = tree
        .orphans
        .first()
        .and_then(|place| tree.spans.get(*place))
    {
        let (count, name) = (tree.orphans.len(), &first.name);
        found.push(format!(
            "{count} span(s) belong to one that never came (the first is `{name}`): the trace is not whole"
        ));
    }
    let open = tree.spans.iter().filter(|span| span.ended_us.is_none());
    let open: Vec<&Span> = open.collect();
    if let Some(first) = open.first() {
        let (count, name) = (open.len(), &first.name);
        found.push(format!(
            "{count} span(s) never ended (the first is `{name}`)"
        ));
    }
    found
}

/// Returns what a trace without calls holds, in words.
fn seen(tree: &Tree) -> String {
    let mut names: Vec<&str> = tree.spans.iter().map(|span| span.name.as_str()).collect();
    names.dedup();
    names.truncate(5);
    match names.as_slice() {
        [] => "it has no spans at all".to_owned(),
        names => format!(
            "it has {} span(s), such as `{}`",
            tree.spans.len(),
            names.join("`, `")
        ),
    }
}

fn step_report(
    step: &Step,
    places: &[usize],
    tools: &HashMap<u32, String>,
    notes: &HashMap<u32, Vec<String>>,
    tree: &Tree,
) -> StepReport {
    match &step.kind {
        StepKind::Model(call) => {
            let place = usize::try_from(call.ordinal)
                .ok()
                .and_then(|at| places.get(at));
            let span: Option<&Span> = place.and_then(|place| tree.spans.get(*place));
            StepReport {
                step: step.number.0,
                kind: "model",
                span: span.map(|span| span.id.clone()),
                name: span.map(|span| span.name.clone()).unwrap_or_default(),
                replay: Some(Fidelity::of(&call.lost)),
                lost: call.lost.clone(),
                notes: notes.get(&call.ordinal).cloned().unwrap_or_default(),
            }
        }
        StepKind::Tool(tool) => StepReport {
            step: step.number.0,
            kind: "tool",
            span: tools.get(&step.number.0).cloned(),
            name: tool.name.clone(),
            replay: None,
            lost: BTreeSet::new(),
            notes: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests;
