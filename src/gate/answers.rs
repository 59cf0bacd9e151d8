//! Keeps live answers for the next run of the same tail: a second push that changes no request costs
//! nothing.
//!
//! An answer is found by the baseline with its recording, the fork, the number of the sample, and the
//! request, whose body holds the model and the whole conversation; the k-th equal request of a run gets the
//! k-th answer. What is kept is redacted, at most a day old, and only ever whole and good. A file that can't
//! be read is as good as none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::daily::{self, Daily};
use crate::model::{Call, ContentId};
use crate::proxy::{Backend, BackendError, ByteStream, Incoming, Reply, decode, kept_headers};
use crate::redact::Redactor;
use crate::wire::{self, Scrub as _};

/// A folder of live answers.
pub struct Answers {
    dir: Utf8PathBuf,
    redactor: Arc<Redactor>,
    /// What answers depend on beside the tail: where they come from.
    source: String,
}

/// An answer, as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    format: String,
    kept_at: Timestamp,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answers {
    /// Returns the answers in `dir`, which came from `source`; those that are too old are removed.
    pub fn open(dir: Utf8PathBuf, source: String, redactor: Arc<Redactor>) -> Self {
        daily::tidy::<Answered>(&dir);
        Self {
            dir,
            redactor,
            source,
        }
    }

    /// Returns a body without secrets.
    fn clean(&self, text: &str) -> String {
        if let Ok(before) = serde_json::from_str::<Value>(text) {
            let mut after = before.clone();
            self.redactor.scrub(&mut after);
            if after != before {
                return after.to_string();
            }
        }
        self.redactor.text(text).into_owned()
    }

    /// Keeps an answer, aside first and then renamed.
    fn keep(&self, path: &Utf8Path, headers: &HeaderMap, body: &Bytes) {
        let Ok(body) = decode(headers, body, LARGEST) else {
            return;
        };
        let Ok(text) = std::str::from_utf8(&body) else {
            return;
        };
        if !self.redactor.find(&pieces(&body)).is_empty() {
            // A secret that is cut over several events can't be taken out of them.
            return;
        }
        let header = |(name, value): (String, String)| {
            let value = self.redactor.header(&name, &value)?;
            Some((name, value))
        };
        let kept = Answered {
            format: Answered::FORMAT.to_owned(),
            kept_at: Timestamp::now(),
            headers: kept_headers(headers)
                .into_iter()
                .filter_map(header)
                .collect(),
            body: self.clean(text),
        };
        daily::keep(&self.dir, path, &kept);
    }
}

/// The way out of one sample: what was answered before is not asked again.
pub(super) struct Remembering {
    inner: Arc<dyn Backend>,
    answers: Arc<Answers>,
    tail: ContentId,
    /// How often each request was made.
    seen: Mutex<HashMap<ContentId, u32>>,
}

impl Remembering {
    /// Returns the way out of the sample that `tail` names.
    pub(super) fn new(inner: Arc<dyn Backend>, answers: Arc<Answers>, tail: &[&str]) -> Self {
        let parts = [Answered::FORMAT, answers.source.as_str()].into_iter();
        let tail = ContentId::of_parts(parts.chain(tail.iter().copied()).map(str::as_bytes));
        Self {
            inner,
            answers,
            tail,
            seen: Mutex::default(),
        }
    }

    /// Returns the file of the answer to a request.
    fn path(&self, incoming: &Incoming) -> Utf8PathBuf {
        // Nothing unredacted is hashed.
        let body = self.answers.redactor.bytes(&incoming.body);
        let path = self.answers.redactor.path_and_query(&incoming.path);
        let tail = self.tail.to_string();
        let request = ContentId::of_parts([
            tail.as_bytes(),
            incoming.provider.as_bytes(),
            path.as_bytes(),
            &body,
        ]);
        let nth = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let nth = seen.entry(request).or_insert(0);
            *nth += 1;
            *nth
        };
        let name = request.to_string().replace(':', "-");
        let prefix = Answered::PREFIX;
        self.answers.dir.join(format!("{prefix}{name}-{nth}.json"))
    }
}

impl Backend for Remembering {
    fn send(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        if incoming.method != Method::POST {
            return self.inner.send(incoming);
        }
        let path = self.path(incoming);
        if let Some(kept) = daily::find::<Answered>(&path) {
            return async move { Ok(kept.into_reply()) }.boxed();
        }
        let sent = self.inner.send(incoming);
        let answers = Arc::clone(&self.answers);
        async move {
            let mut reply = sent.await?;
            // Only what comes from here may say so.
            reply.headers.remove(Call::REMEMBERED);
            if reply.status == StatusCode::OK {
                let headers = reply.headers.clone();
                let length = headers.get(CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                let keep = move |body: Bytes| answers.keep(&path, &headers, &body);
                reply.body = copied(reply.body, length, keep);
            }
            Ok(reply)
        }
        .boxed()
    }
}

impl Daily for Answered {
    const FORMAT: &'static str = "1";
    const PREFIX: &'static str = "answer-";

    fn format(&self) -> &str {
        &self.format
    }

    fn kept_at(&self) -> Timestamp {
        self.kept_at
    }
}

impl Answered {
    fn into_reply(self) -> Reply {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        let kept_at = HeaderValue::try_from(self.kept_at.to_string());
        let kept_at = kept_at.unwrap_or(HeaderValue::from_static("kept"));
        headers.insert(Call::REMEMBERED, kept_at);
        Reply {
            status: StatusCode::OK,
            headers,
            body: stream::iter([Ok(Bytes::from(self.body))]).boxed(),
        }
    }
}

/// Passes a body on, and calls `whole` with all of it where it came to its end: after so many bytes where
/// its length is known, since nobody asks whether more comes then.
fn copied(
    body: ByteStream,
    length: Option<usize>,
    whole: impl FnOnce(Bytes) + Send + 'static,
) -> ByteStream {
    let state = (body, Vec::new(), Some(whole));
    stream::unfold(state, move |(mut body, mut copy, mut whole)| async move {
        match body.next().await {
            Some(Ok(piece)) => {
                if copy.len() + piece.len() > LARGEST {
                    whole = None;
                    copy.clear();
                } else if whole.is_some() {
                    copy.extend_from_slice(&piece);
                }
                if length == Some(copy.len())
                    && let Some(whole) = whole.take()
                {
                    whole(Bytes::from(std::mem::take(&mut copy)));
                }
                Some((Ok(piece), (body, copy, whole)))
            }
            Some(Err(broken)) => Some((Err(broken), (body, Vec::new(), None))),
            None => {
                if let Some(whole) = whole.take() {
                    whole(Bytes::from(copy));
                }
                None
            }
        }
    })
    .boxed()
}

/// Returns the texts of a stream's events, those of the same place joined.
fn pieces(body: &[u8]) -> String {
    let mut places: HashMap<String, String> = HashMap::new();
    if wire::is_event_stream(body) {
        let events = wire::split_events(body).into_iter();
        let data = events.filter_map(|event| wire::event_data(&event).data);
        for event in data.filter_map(|data| serde_json::from_str::<Value>(&data).ok()) {
            collect(&event, "", &mut places);
        }
    }
    places.into_values().collect::<Vec<_>>().join("\n")
}

fn collect(value: &Value, place: &str, places: &mut HashMap<String, String>) {
    match value {
        Value::String(text) => places.entry(place.to_owned()).or_default().push_str(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, place, places)),
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, &format!("{place}/{name}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The largest answer that is kept, in bytes.
const LARGEST: usize = 8 << 20;
