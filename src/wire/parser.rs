//! Parses requests, remembering what it has seen: the context of an agent grows by a few messages a
//! step, so only those are parsed.
//!
//! A body is cut into its top-level pieces as raw text; each piece is looked up by the hash of its
//! text. These hashes are of unscrubbed text and never leave the memory of this process. Knows no
//! session: it keeps no order and makes no thread (see [`super::thread`]).

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::model::{ContentId, Dialect, Message, Part, Pooled, Role, Tool, canonical_id};

use super::cache::{Cache, Key};
use super::draft::Draft;
use super::envelope::{self, Envelope};
use super::raw::RawObject;
use super::{
    ParsedMessage, ParsedRequest, Scrub, WireError, anthropic, chat, classify, embeddings, no_ops,
    opaque, responses, tools,
};

/// Parses requests; to be shared by all that serve one run.
pub struct Parser {
    scrub: Arc<dyn Scrub>,
    requests: Cache<Arc<ParsedRequest>>,
    items: Cache<Arc<Item>>,
    turns: Cache<Arc<ParsedMessage>>,
    tools: Cache<Arc<Pooled<Vec<Tool>>>>,
    envelopes: Cache<Arc<Envelope>>,
}

/// A message, or what becomes one together with its neighbours.
enum Item {
    Whole(Arc<ParsedMessage>),
    /// An item of a model's turn; see [`responses`].
    Piece(Draft, ContentId),
}

impl Parser {
    /// Returns a parser that scrubs everything before it is hashed.
    pub fn new(scrub: Arc<dyn Scrub>) -> Self {
        Self::with_cache_bytes(scrub, CACHE_BYTES)
    }

    /// Returns a parser that remembers at most about `bytes` of what it has read.
    pub fn with_cache_bytes(scrub: Arc<dyn Scrub>, bytes: usize) -> Self {
        Self {
            scrub,
            requests: Cache::new(bytes / 4),
            items: Cache::new(bytes / 4),
            turns: Cache::new(bytes / 8),
            tools: Cache::new(bytes / 8),
            envelopes: Cache::new(bytes / 4),
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
        let (_number, name) = (dialect, dialect.as_str().as_bytes());
        let key = key(&[b"request", name, method.as_bytes(), path.as_bytes(), body]);
        if let Some(request) = self.requests.find(&key) {
            return Ok(request);
        }
        let reading = Reading {
            parser: self,
            dialect,
            unseen: std::cell::Cell::new(0),
        };
        let request = if dialect == Dialect::Opaque {
            reading.unseen.set(body.len());
            reading.opaque(method, path, body)
        } else {
            reading.request(path, body)?
        };
        let request = Arc::new(request);
        let weight = reading.unseen.get() + request.messages.len() * size_of::<usize>();
        self.requests.insert(key, Arc::clone(&request), weight);
        Ok(request)
    }
}

/// One request being read.
struct Reading<'p> {
    parser: &'p Parser,
    dialect: Dialect,
    /// How many bytes had not been seen before.
    unseen: std::cell::Cell<usize>,
}

impl Reading<'_> {
    fn opaque(&self, method: &str, path: &str, body: &[u8]) -> ParsedRequest {
        let mut value = opaque::request(method, path, body);
        self.parser.scrub.scrub(&mut value);
        let exact = canonical_id(&value);
        let mut draft = Draft::new(Role::User);
        draft.push(Part::Other { value });
        self.assemble(
            &Envelope::default(),
            tools::none(),
            vec![draft.pooled(exact)],
        )
    }

    fn request(&self, path: &str, body: &[u8]) -> Result<ParsedRequest, WireError> {
        let mut fields: RawObject<'_> =
            serde_json::from_slice(body).map_err(|source| match source.classify() {
                serde_json::error::Category::Data => self.shape(source.to_string()),
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof => WireError::Json {
                    dialect: self.dialect,
                    what: "request",
                    source,
                },
            })?;
        let messages = fields.take(messages_field(self.dialect));
        let tools = self.tools(fields.take("tools"), fields.take("functions"))?;
        let messages = match messages {
            Some(raw) => self.messages(raw)?,
            // A stored prompt or an earlier response may stand in its place.
            None if self.dialect == Dialect::OpenaiResponses => Vec::new(),
            None => {
                let field = messages_field(self.dialect);
                return Err(self.shape(format!("it has no `{field}`")));
            }
        };
        let envelope = self.envelope(&fields)?;
        let mut request = self.assemble(&envelope, tools, messages);
        if request.model.is_none() {
            request.model = classify::deployment(path);
        }
        request.fingerprint = fingerprint(&request);
        Ok(request)
    }

    fn assemble(
        &self,
        envelope: &Envelope,
        tools: Arc<Pooled<Vec<Tool>>>,
        messages: Vec<Arc<ParsedMessage>>,
    ) -> ParsedRequest {
        let (prompts, messages): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| is_system(&message.message));
        let mut request = ParsedRequest {
            dialect: self.dialect,
            model: envelope.model.clone(),
            stream: envelope.stream,
            include_usage: envelope.include_usage,
            system: envelope.system.iter().cloned().chain(prompts).collect(),
            tools,
            settings: Arc::clone(&envelope.settings),
            no_ops: envelope.no_ops.clone(),
            messages,
            previous_response: envelope.previous_response.clone(),
            fingerprint: ContentId::of(b""),
        };
        request.fingerprint = fingerprint(&request);
        request
    }

    fn envelope(&self, fields: &RawObject<'_>) -> Result<Arc<Envelope>, WireError> {
        let mut pieces = vec![b"envelope".as_slice(), self.dialect.as_str().as_bytes()];
        for (name, raw) in &fields.0 {
            pieces.extend([name.as_bytes(), raw.get().as_bytes()]);
        }
        let key = key(&pieces);
        if let Some(envelope) = self.parser.envelopes.find(&key) {
            return Ok(envelope);
        }
        let mut values = Map::new();
        let mut weight = 0;
        for (name, raw) in &fields.0 {
            weight += self.seen_first(raw);
            values.insert(name.to_string(), self.scrubbed(raw)?);
        }
        let envelope = envelope::read(self.dialect, values).map_err(|why| self.shape(why))?;
        let envelope = Arc::new(envelope);
        let kept = Arc::clone(&envelope);
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
        let text = |raw: Option<&RawValue>| raw.map_or("", RawValue::get).to_owned();
        let (tools_text, functions_text) = (text(tools), text(functions));
        let name = self.dialect.as_str();
        let pieces = ["tools", name, &tools_text, &functions_text].map(str::as_bytes);
        let key = key(&pieces);
        if let Some(tools) = self.parser.tools.find(&key) {
            return Ok(tools);
        }
        let value = |raw: Option<&RawValue>| raw.map(|raw| self.scrubbed(raw)).transpose();
        let definitions = tools::parse(self.dialect, value(tools)?, value(functions)?);
        let definitions = Pooled::new(definitions.map_err(|why| self.shape(why))?);
        let weight = tools_text.len() + functions_text.len();
        self.unseen.set(self.unseen.get() + weight);
        let kept = Arc::clone(&definitions);
        self.parser.tools.insert(key, kept, weight);
        Ok(definitions)
    }

    fn messages(&self, raw: &RawValue) -> Result<Vec<Arc<ParsedMessage>>, WireError> {
        let field = messages_field(self.dialect);
        let is_single = match self.dialect {
            Dialect::OpenaiResponses => raw.get().starts_with('"'),
            Dialect::OpenaiEmbeddings => embeddings::is_single(raw.get()),
            Dialect::OpenaiChat | Dialect::AnthropicMessages | Dialect::Opaque => false,
        };
        let pieces: Vec<&RawValue> = if is_single {
            vec![raw]
        } else {
            serde_json::from_str(raw.get())
                .map_err(|_other| self.shape(format!("`{field}` is not an array")))?
        };
        let mut messages = Vec::with_capacity(pieces.len());
        let mut turn = Turn::default();
        for (position, piece) in pieces.into_iter().enumerate() {
            let key = key(&[
                b"item",
                self.dialect.as_str().as_bytes(),
                piece.get().as_bytes(),
            ]);
            let item = self
                .item(&key, piece)
                .map_err(|why| why.at(field, position))?;
            match item.as_ref() {
                Item::Piece(..) => turn.push(key, item),
                Item::Whole(message) => {
                    messages.extend(self.finish(&mut turn));
                    messages.push(Arc::clone(message));
                }
            }
        }
        messages.extend(self.finish(&mut turn));
        Ok(messages)
    }

    fn item(&self, key: &Key, raw: &RawValue) -> Result<Arc<Item>, WireError> {
        if let Some(item) = self.parser.items.find(key) {
            return Ok(item);
        }
        let mut value = self.scrubbed(raw)?;
        no_ops::strip_markers(&mut value);
        let exact = canonical_id(&value);
        let draft = match self.dialect {
            Dialect::OpenaiChat => chat::message::parse(value),
            Dialect::AnthropicMessages => anthropic::message::parse(value),
            Dialect::OpenaiResponses => responses::item::parse_input(value),
            Dialect::OpenaiEmbeddings | Dialect::Opaque => embeddings::parse_input(value),
        };
        let mut draft = draft.map_err(|why| self.shape(why))?;
        draft.scrub_arguments(self.parser.scrub.as_ref());
        let is_piece =
            self.dialect == Dialect::OpenaiResponses && draft.message.role == Role::Assistant;
        let item = Arc::new(if is_piece {
            Item::Piece(draft, exact)
        } else {
            Item::Whole(draft.pooled(exact))
        });
        let weight = self.seen_first(raw);
        self.parser.items.insert(*key, Arc::clone(&item), weight);
        Ok(item)
    }

    /// Returns the turn that the items collected make, and begins a new one.
    fn finish(&self, turn: &mut Turn) -> Option<Arc<ParsedMessage>> {
        let Turn { keys, items, .. } = std::mem::take(turn);
        if items.is_empty() {
            return None;
        }
        let key = key(&keys.iter().map(Key::as_slice).collect::<Vec<_>>());
        if let Some(message) = self.parser.turns.find(&key) {
            return Some(message);
        }
        let mut draft = Draft::new(Role::Assistant);
        let mut exacts = Vec::with_capacity(items.len());
        for item in &items {
            if let Item::Piece(piece, exact) = item.as_ref() {
                draft.append(piece.clone());
                exacts.push(*exact);
            }
        }
        let exact = ContentId::of_parts(exacts.iter().map(|id| id.as_bytes().as_slice()));
        let message = draft.pooled(exact);
        let kept = Arc::clone(&message);
        self.parser
            .turns
            .insert(key, kept, items.len() * size_of::<Item>());
        Some(message)
    }

    fn scrubbed(&self, raw: &RawValue) -> Result<Value, WireError> {
        let value = serde_json::from_str(raw.get());
        let mut value: Value = value.map_err(|source| WireError::Json {
            dialect: self.dialect,
            what: "request",
            source,
        })?;
        self.parser.scrub.scrub(&mut value);
        Ok(value)
    }

    fn seen_first(&self, raw: &RawValue) -> usize {
        let bytes = raw.get().len();
        self.unseen.set(self.unseen.get() + bytes);
        bytes
    }

    fn shape(&self, detail: String) -> WireError {
        WireError::Shape {
            dialect: self.dialect,
            what: "request",
            detail,
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

/// The items of a model's turn, collected until another side speaks.
#[derive(Default)]
struct Turn {
    keys: Vec<Key>,
    items: Vec<Arc<Item>>,
}

impl Turn {
    fn push(&mut self, key: Key, item: Arc<Item>) {
        self.keys.push(key);
        self.items.push(item);
    }
}

fn messages_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat | Dialect::AnthropicMessages | Dialect::Opaque => "messages",
        Dialect::OpenaiResponses | Dialect::OpenaiEmbeddings => "input",
    }
}

fn is_system(message: &Message) -> bool {
    match message.role {
        Role::System | Role::Developer => true,
        Role::User | Role::Assistant | Role::Tool => false,
    }
}

fn fingerprint(request: &ParsedRequest) -> ContentId {
    let (tools, settings) = (request.tools.id(), request.settings.id());
    let text = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
    let mut parts = vec![
        request.dialect.as_str().as_bytes().to_vec(),
        text(&request.model),
        text(&request.previous_response),
        tools.as_bytes().to_vec(),
        settings.as_bytes().to_vec(),
        request.system.len().to_le_bytes().to_vec(),
    ];
    let messages = request.system.iter().chain(&request.messages);
    parts.extend(messages.map(|message| message.exact.as_bytes().to_vec()));
    ContentId::of_parts(parts.iter().map(Vec::as_slice))
}

fn key(pieces: &[&[u8]]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for piece in pieces {
        hasher.update(&(piece.len() as u64).to_le_bytes());
        hasher.update(piece);
    }
    *hasher.finalize().as_bytes()
}

/// How much is remembered by default.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
