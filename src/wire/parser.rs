//! Parses requests, remembering what it has seen: the context of an agent grows by a few messages a
//! step, so only those are parsed.
//!
//! A body is cut into its top-level pieces as raw text. A conversation that goes on from one that was
//! read is recognised by its bytes ([`super::trie`]); of the rest each piece is looked up. What is kept
//! of unscrubbed text for that never leaves the memory of this process. Knows no session.

use std::sync::Arc;

use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::model::{ContentId, Dialect, Part, Pooled, Role, Tool, value_id};

use super::cache::Cache;
use super::cut::{Cut, CutList};
use super::draft::Draft;
use super::envelope::{self, Envelope};
use super::growth::Growth;
use super::trie::{Ending, Place, Trie};
use super::{
    ParsedMessage, ParsedRequest, ParsedThread, Scrub, WireError, anthropic, chat, classify,
    embeddings, gemini, no_ops, opaque, responses, tools,
};

/// Parses requests; to be shared by all that serve one run.
pub struct Parser {
    scrub: Arc<dyn Scrub>,
    conversations: [Trie; 5],
    items: [ItemCache; 5],
    turns: Cache<Key, Arc<ParsedMessage>>,
    tools: Cache<Text, Arc<Pooled<Vec<Tool>>>>,
    envelopes: Cache<Text, Arc<Envelope>>,
}

/// The hash of unscrubbed content.
type Key = [u8; 32];

/// Unscrubbed content.
type Text = Box<[u8]>;

/// Messages by their text.
type ItemCache = Cache<Text, Arc<Item>>;

/// A message, or what becomes one together with its neighbours.
pub(super) enum Item {
    Whole(Arc<ParsedMessage>),
    /// An item of a model's turn; see [`responses`].
    Piece(Draft, ContentId),
}

impl Parser {
    /// Returns a parser that scrubs everything before it is hashed.
    pub fn new(scrub: Arc<dyn Scrub>) -> Self {
        let share = CACHE_BYTES / CACHES;
        Self {
            scrub,
            conversations: std::array::from_fn(|_dialect| Trie::new(share)),
            items: std::array::from_fn(|_dialect| Cache::new(share)),
            turns: Cache::new(share),
            tools: Cache::new(share),
            envelopes: Cache::new(share),
        }
    }

    /// Returns the request in the normal form, scrubbed.
    ///
    /// Fields that are null count as left out.
    ///
    /// # Errors
    ///
    /// Where the body is no JSON, or not of the dialect's shape.
    pub fn parse_request(
        &self,
        dialect: Dialect,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Arc<ParsedRequest>, WireError> {
        let reading = Reading {
            parser: self,
            dialect,
        };
        let request = if dialect == Dialect::Opaque {
            reading.opaque(method, path, body)
        } else {
            reading.request(path, body)?
        };
        Ok(Arc::new(request))
    }
}

/// One request being read.
struct Reading<'p> {
    parser: &'p Parser,
    dialect: Dialect,
}

impl Reading<'_> {
    fn opaque(&self, method: &str, path: &str, body: &[u8]) -> ParsedRequest {
        let mut value = opaque::request(method, path, body);
        self.parser.scrub.scrub(&mut value);
        let exact = value_id(&value);
        let mut draft = Draft::new(Role::User);
        draft.push(Part::Other { value });
        let message = draft.pooled(exact);
        let messages = Messages::of(&[message]);
        self.assemble(None, &Envelope::default(), tools::none(), messages)
    }

    fn request(&self, path: &str, body: &[u8]) -> Result<ParsedRequest, WireError> {
        let field = messages_field(self.dialect);
        let trie = self.trie();
        let mut body = Cut::new(body, field, trie).map_err(|source| self.uncut(source))?;
        let tools = self.tools(body.take("tools"), body.take("functions"))?;
        let messages = match body.list.take() {
            Some(list) => self.messages(list)?,
            // A stored prompt or an earlier response may stand in its place.
            None if self.dialect == Dialect::OpenaiResponses => Messages::default(),
            None => return Err(self.shape(format!("it has no `{field}`"))),
        };
        let envelope = self.envelope(&body)?;
        let model = envelope.model.clone();
        if self.dialect == Dialect::Gemini {
            let model = gemini::path::model(path).or(model);
            let mut request = self.assemble(model, &envelope, tools, messages);
            (request.stream, request.form) = gemini::path::stream(path);
            return Ok(request);
        }
        let model = model.or_else(|| classify::deployment(path));
        Ok(self.assemble(model, &envelope, tools, messages))
    }

    fn uncut(&self, source: serde_json::Error) -> WireError {
        match source.classify() {
            Category::Data => self.shape(source.to_string()),
            Category::Io | Category::Syntax | Category::Eof => WireError::Json {
                dialect: self.dialect,
                what: "request",
                source,
            },
        }
    }

    fn assemble(
        &self,
        model: Option<String>,
        envelope: &Envelope,
        tools: Arc<Pooled<Vec<Tool>>>,
        messages: Messages,
    ) -> ParsedRequest {
        let prompts = messages.prompts.iter().cloned();
        let mut request = ParsedRequest {
            dialect: self.dialect,
            model,
            stream: envelope.stream,
            form: envelope.form,
            system: envelope.system.iter().cloned().chain(prompts).collect(),
            tools,
            settings: Arc::clone(&envelope.settings),
            no_ops: envelope.no_ops.clone(),
            messages: messages.thread,
            previous_response: envelope.previous_response.clone(),
            fingerprint: ContentId::of(b""),
        };
        request.fingerprint = fingerprint(&request);
        request
    }

    fn envelope(&self, body: &Cut<'_>) -> Result<Arc<Envelope>, WireError> {
        let mut pieces = vec![b"envelope".as_slice(), self.dialect.as_str().as_bytes()];
        for (name, raw) in &body.fields {
            pieces.extend([name.as_bytes(), raw.get().as_bytes()]);
        }
        let key = joined(&pieces);
        if let Some(envelope) = self.parser.envelopes.find(&key) {
            return Ok(envelope);
        }
        let mut values = Map::new();
        for (name, raw) in &body.fields {
            values.insert(name.to_string(), self.scrubbed(raw.get())?);
        }
        let envelope = envelope::read(self.dialect, values).map_err(|why| self.shape(why))?;
        let envelope = Arc::new(envelope);
        let (kept, weight) = (Arc::clone(&envelope), key.len().saturating_mul(2));
        self.parser.envelopes.insert(key, kept, weight);
        Ok(envelope)
    }

    fn tools(
        &self,
        tools: Option<&RawValue>,
        functions: Option<&RawValue>,
    ) -> Result<Arc<Pooled<Vec<Tool>>>, WireError> {
        if tools.is_none() && functions.is_none() {
            return Ok(tools::none());
        }
        let [tools_text, functions_text] =
            [tools, functions].map(|raw| raw.map_or("", RawValue::get));
        let name = self.dialect.as_str();
        let key = joined(&["tools", name, tools_text, functions_text].map(str::as_bytes));
        if let Some(tools) = self.parser.tools.find(&key) {
            return Ok(tools);
        }
        let value = |raw: Option<&RawValue>| raw.map(|raw| self.scrubbed(raw.get())).transpose();
        let definitions = tools::parse(self.dialect, value(tools)?, value(functions)?);
        let definitions = Pooled::new(definitions.map_err(|why| self.shape(why))?);
        let (kept, weight) = (Arc::clone(&definitions), key.len().saturating_mul(2));
        self.parser.tools.insert(key, kept, weight);
        Ok(definitions)
    }

    fn messages(&self, list: CutList<'_>) -> Result<Messages, WireError> {
        let (place, items) = match list {
            CutList::Text(text) => {
                let message = self.only(&Value::String(text).to_string())?;
                return Ok(Messages::of(&[message]));
            }
            CutList::Items(place, items) => (place, items),
        };
        if self.dialect == Dialect::OpenaiEmbeddings && embeddings::is_tokens(&items) {
            let message = self.only(&embeddings::joined(&items))?;
            return Ok(Messages::of(&[message]));
        }
        if items.is_empty() {
            return Ok(self.end(&place.ending));
        }
        self.grown(&place, &items)
    }

    /// Returns what the conversation at `place` becomes with these items behind it, and keeps it.
    fn grown(&self, place: &Place, items: &[&RawValue]) -> Result<Messages, WireError> {
        let mut growth = Growth::new(place.ending.clone());
        for (position, raw) in (place.depth..).zip(items) {
            let item = self.item(raw.get());
            let item = item.map_err(|why| why.at(messages_field(self.dialect), position))?;
            match item.as_ref() {
                Item::Piece(..) => growth.piece(&item),
                Item::Whole(message) => {
                    let turn = self.finish(growth.open());
                    growth.turn_ended(turn);
                    growth.message(message);
                }
            }
        }
        let (endings, last) = growth.endings();
        self.trie().add(place, items, endings);
        Ok(self.end(&last))
    }

    /// Returns what a list that ends like this holds.
    fn end(&self, ending: &Ending) -> Messages {
        let last = self.finish(&ending.open);
        let last: Vec<_> = last.into_iter().collect();
        let thread = ending.thread.extended(&last).pop();
        Messages {
            thread: thread.unwrap_or_else(|| ending.thread.clone()),
            prompts: Arc::clone(&ending.prompts),
        }
    }

    fn trie(&self) -> &Trie {
        let [chat, responses, anthropic, gemini, other] = &self.parser.conversations;
        match self.dialect {
            Dialect::OpenaiChat => chat,
            Dialect::OpenaiResponses => responses,
            Dialect::AnthropicMessages => anthropic,
            Dialect::Gemini => gemini,
            Dialect::OpenaiEmbeddings | Dialect::Opaque => other,
        }
    }

    /// Returns the one message of a request without a list of them.
    fn only(&self, text: &str) -> Result<Arc<ParsedMessage>, WireError> {
        match self.item(text)?.as_ref() {
            Item::Whole(message) => Ok(Arc::clone(message)),
            Item::Piece(draft, exact) => Ok(draft.clone().pooled(*exact)),
        }
    }

    fn item(&self, text: &str) -> Result<Arc<Item>, WireError> {
        let [chat, responses, anthropic, gemini, embeddings] = &self.parser.items;
        let cache = match self.dialect {
            Dialect::OpenaiChat => chat,
            Dialect::OpenaiResponses => responses,
            Dialect::AnthropicMessages => anthropic,
            Dialect::Gemini => gemini,
            Dialect::OpenaiEmbeddings | Dialect::Opaque => embeddings,
        };
        if let Some(item) = cache.find(text.as_bytes()) {
            return Ok(item);
        }
        let mut value = self.scrubbed(text)?;
        no_ops::strip_markers(&mut value);
        let exact = value_id(&value);
        let draft = match self.dialect {
            Dialect::OpenaiChat => chat::message::parse(value),
            Dialect::AnthropicMessages => anthropic::message::parse(value),
            Dialect::OpenaiResponses => responses::item::parse_input(value),
            Dialect::Gemini => gemini::message::parse(value),
            Dialect::OpenaiEmbeddings | Dialect::Opaque => embeddings::parse_input(value),
        };
        let mut draft = draft.map_err(|why| self.shape(why))?;
        draft.scrub_arguments(self.parser.scrub.as_ref());
        let is_piece = draft.message.role == Role::Assistant
            && matches!(self.dialect, Dialect::OpenaiResponses | Dialect::Gemini);
        let item = Arc::new(if is_piece {
            Item::Piece(draft, exact)
        } else {
            Item::Whole(draft.pooled(exact))
        });
        // The text is kept beside what was read from it.
        let weight = text.len().saturating_mul(2);
        cache.insert(Box::from(text.as_bytes()), Arc::clone(&item), weight);
        Ok(item)
    }

    /// Returns the turn that these pieces make; `None` where there are none.
    fn finish(&self, items: &[Arc<Item>]) -> Option<Arc<ParsedMessage>> {
        let pieces = items.iter().filter_map(|item| match item.as_ref() {
            Item::Piece(draft, exact) => Some((draft, exact)),
            Item::Whole(_) => None,
        });
        if items.is_empty() {
            return None;
        }
        let exact = ContentId::of_parts(
            pieces
                .clone()
                .map(|(_draft, exact)| exact.as_bytes().as_slice()),
        );
        if let Some(message) = self.parser.turns.find(exact.as_bytes()) {
            return Some(message);
        }
        let mut whole = Draft::new(Role::Assistant);
        for (draft, _exact) in pieces {
            whole.append(draft.clone());
        }
        if self.dialect == Dialect::Gemini {
            gemini::coalesce(&mut whole);
        }
        let message = whole.pooled(exact);
        let weight = items.len() * size_of::<Item>();
        let kept = Arc::clone(&message);
        self.parser.turns.insert(*exact.as_bytes(), kept, weight);
        Some(message)
    }

    fn scrubbed(&self, text: &str) -> Result<Value, WireError> {
        let value = serde_json::from_str(text);
        let mut value: Value = value.map_err(|source| WireError::Json {
            dialect: self.dialect,
            what: "request",
            source,
        })?;
        self.parser.scrub.scrub(&mut value);
        Ok(value)
    }

    fn shape(&self, detail: String) -> WireError {
        WireError::Shape {
            dialect: self.dialect,
            what: "request",
            detail,
        }
    }
}

/// The messages of a request.
#[derive(Default)]
struct Messages {
    thread: ParsedThread,
    prompts: Arc<Vec<Arc<ParsedMessage>>>,
}

impl Messages {
    fn of(messages: &[Arc<ParsedMessage>]) -> Self {
        Self {
            thread: ParsedThread::new(messages),
            prompts: Arc::default(),
        }
    }
}

impl WireError {
    /// Returns the error with the place where it happened.
    fn at(self, field: &str, position: usize) -> Self {
        match self {
            Self::Json { .. } => self,
            Self::Shape {
                dialect,
                what,
                detail,
            } => Self::Shape {
                dialect,
                what,
                detail: format!("{field}[{position}]: {detail}"),
            },
        }
    }
}

fn messages_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat | Dialect::AnthropicMessages | Dialect::Opaque => "messages",
        Dialect::OpenaiResponses | Dialect::OpenaiEmbeddings => "input",
        Dialect::Gemini => "contents",
    }
}

fn fingerprint(request: &ParsedRequest) -> ContentId {
    let (tools, settings) = (request.tools.id(), request.settings.id());
    let prompts = request.system.len().to_le_bytes();
    let (model, previous) = (&request.model, &request.previous_response);
    let [model, previous] = [model, previous].map(|text| text.as_deref().unwrap_or_default());
    let head = [
        request.dialect.as_str().as_bytes(),
        model.as_bytes(),
        previous.as_bytes(),
        tools.as_bytes(),
        settings.as_bytes(),
        &prompts,
    ];
    let prompts = request.system.iter().map(|prompt| prompt.exact.as_bytes());
    let history = request.messages.exact();
    let exacts = prompts
        .chain([history.as_bytes()])
        .map(<[u8; 32]>::as_slice);
    ContentId::of_parts(head.into_iter().chain(exacts))
}

/// Returns the pieces as one text that no others make.
fn joined(pieces: &[&[u8]]) -> Text {
    let length = |piece: &&[u8]| size_of::<u64>() + piece.len();
    let mut text = Vec::with_capacity(pieces.iter().map(length).sum());
    for piece in pieces {
        text.extend((piece.len() as u64).to_le_bytes());
        text.extend(*piece);
    }
    text.into_boxed_slice()
}

/// How much of what was read is remembered, in bytes, about.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// In so many caches, each of which gets the same share.
const CACHES: usize = 13;
