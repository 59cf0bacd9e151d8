//! Scores of timelines, for backends that have a place for them beside the spans.
//!
//! Their ids are made from the session as those of the spans are: what is sent twice is there once.
//! Sources: `POST /api/public/scores` in <https://api.reference.langfuse.com>, `POST /v1/span_annotations` in
//! <https://arize.com/docs/phoenix/sdk-api-reference/rest-api/api-reference/annotations>.

use serde_json::{Map, Value, json};
use url::Url;

use super::send::{Post, SendError, post};
use super::span::{Span, hex, make_id};
use super::target::Target;
use crate::store::StoredScore;

/// Whose way of taking scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreApi {
    /// Scores of a trace, one by one.
    Langfuse,
    /// Annotations of a span, all at once.
    Phoenix,
}

/// A score of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    id: String,
    trace: [u8; 16],
    /// The outermost span.
    span: [u8; 8],
    name: String,
    value: f64,
    is_model: bool,
    comment: Option<String>,
    metadata: Map<String, Value>,
}

/// Returns the scores of the timeline that became this trace.
///
/// With `has_content` they hold what the judge said, which may quote the answer.
pub fn scores(trace: &[Span], stored: &[StoredScore], has_content: bool) -> Vec<Score> {
    let Some(root) = trace.iter().find(|span| span.parent.is_none()) else {
        return Vec::new();
    };
    let place = hex(&root.trace);
    let score = |one: &StoredScore| {
        let id: [u8; 16] = make_id(&["rewind score", &place, &one.evaluator, &one.judge]);
        let metadata = [
            ("judge", json!(one.judge)),
            ("votes", json!(one.votes)),
            ("rewind.timeline", json!(one.timeline)),
        ];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
        Score {
            id: hex(&id),
            trace: root.trace,
            span: root.id,
            name: one.evaluator.clone(),
            value: one.value,
            is_model: one.is_model,
            comment: Some(one.why.clone()).filter(|why| has_content && !why.is_empty()),
            metadata: metadata.into_iter().collect(),
        }
    };
    stored.iter().map(score).collect()
}

/// Returns the scores as JSON, as they are shown.
pub fn scores_to_json(scores: &[Score]) -> Value {
    let shown = |score: &Score| {
        let mut fields = score.langfuse();
        fields.insert("spanId".to_owned(), hex(&score.span).into());
        Value::Object(fields)
    };
    scores.iter().map(shown).collect()
}

/// Sends the scores.
///
/// # Errors
/// The backend can't be reached or refuses; what was sent before stays there.
pub async fn send_scores(
    scores: &[Score],
    (api, url): (ScoreApi, &Url),
    target: &Target,
) -> Result<(), SendError> {
    let bodies = match api {
        ScoreApi::Langfuse => scores
            .iter()
            .map(|score| Value::Object(score.langfuse()))
            .collect(),
        ScoreApi::Phoenix => {
            let data: Vec<Value> = scores.iter().map(Score::phoenix).collect();
            vec![json!({"data": data})]
        }
    };
    for body in bodies {
        let body = body.to_string().into_bytes();
        let kind = "application/json";
        let request = Post {
            url,
            kind,
            body,
            is_compressed: false,
        };
        post(target, &request).await?;
    }
    Ok(())
}

impl Score {
    fn langfuse(&self) -> Map<String, Value> {
        let fields = [
            ("id", json!(self.id)),
            ("traceId", json!(hex(&self.trace))),
            ("name", json!(self.name)),
            ("value", json!(self.value)),
            ("dataType", json!("NUMERIC")),
            ("metadata", json!(self.metadata)),
        ];
        let comment = self.comment.as_ref().map(|text| ("comment", json!(text)));
        let fields = fields.into_iter().chain(comment);
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn phoenix(&self) -> Value {
        let mut result = json!({"score": self.value});
        if let (Some(fields), Some(comment)) = (result.as_object_mut(), &self.comment) {
            fields.insert("explanation".to_owned(), json!(comment));
        }
        json!({
            "span_id": hex(&self.span),
            "name": self.name,
            "annotator_kind": if self.is_model { "LLM" } else { "CODE" },
            "result": result,
            "metadata": self.metadata,
            // One with this name and identifier is written over.
            "identifier": self.id,
        })
    }
}
