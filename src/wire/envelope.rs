//! Everything of a request but its messages and tools: model, prompt, settings, transport.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{Dialect, Pooled, value_id};

use super::fields::{kind, take_text};
use super::{ParsedMessage, StreamForm, anthropic, gemini, no_ops, responses};

/// What is said about a request beside its messages and tools.
pub(super) struct Envelope {
    pub(super) model: Option<String>,
    pub(super) stream: bool,
    pub(super) form: StreamForm,
    pub(super) system: Option<Arc<ParsedMessage>>,
    pub(super) settings: Arc<Pooled<Map<String, Value>>>,
    pub(super) no_ops: Map<String, Value>,
    pub(super) previous_response: Option<String>,
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            model: None,
            stream: false,
            form: StreamForm::default(),
            system: None,
            settings: Pooled::new(Map::new()),
            no_ops: Map::new(),
            previous_response: None,
        }
    }
}

/// Sorts the fields into what they are.
pub(super) fn read(dialect: Dialect, mut fields: Map<String, Value>) -> Result<Envelope, String> {
    fields.retain(|_name, value| !value.is_null());
    if dialect == Dialect::Gemini {
        fields = gemini::lift_config(fields);
    }
    let stream = fields.get("stream") == Some(&Value::Bool(true));
    let include_usage = fields
        .get("stream_options")
        .and_then(|options| options.get("include_usage"))
        == Some(&Value::Bool(true));
    let form = if include_usage {
        StreamForm::EventsWithUsage
    } else {
        StreamForm::Events
    };
    for name in no_ops::TRANSPORT {
        fields.remove(*name);
    }
    if let Some(model) = fields.get("model").filter(|model| !model.is_string()) {
        return Err(format!("`model` is {}, not a string", kind(model)));
    }
    let model = take_text(&mut fields, "model");
    let (mut no_ops, mut settings): (Map<String, Value>, Map<String, Value>) = fields
        .into_iter()
        .partition(|(name, _value)| no_ops::is_no_op(dialect, name));
    let system = system(dialect, &mut settings, &mut no_ops)?;
    let previous_response = match dialect {
        Dialect::OpenaiResponses => take_text(&mut settings, "previous_response_id"),
        Dialect::OpenaiChat
        | Dialect::AnthropicMessages
        | Dialect::Gemini
        | Dialect::OpenaiEmbeddings
        | Dialect::Opaque => None,
    };
    Ok(Envelope {
        model,
        stream,
        form,
        system,
        settings: Pooled::new(settings),
        no_ops,
        previous_response,
    })
}

fn system(
    dialect: Dialect,
    settings: &mut Map<String, Value>,
    no_ops: &mut Map<String, Value>,
) -> Result<Option<Arc<ParsedMessage>>, String> {
    let field = match dialect {
        Dialect::AnthropicMessages => "system",
        Dialect::OpenaiResponses => "instructions",
        Dialect::Gemini => "systemInstruction",
        Dialect::OpenaiChat | Dialect::OpenaiEmbeddings | Dialect::Opaque => return Ok(None),
    };
    let Some(mut value) = settings.remove(field) else {
        return Ok(None);
    };
    no_ops::take_billing_header(&mut value, no_ops);
    no_ops::strip_markers(&mut value);
    let exact = value_id(&value);
    let draft = match dialect {
        Dialect::OpenaiResponses => responses::item::parse_instructions(value),
        Dialect::Gemini => gemini::message::parse_system(value)?,
        Dialect::AnthropicMessages
        | Dialect::OpenaiChat
        | Dialect::OpenaiEmbeddings
        | Dialect::Opaque => anthropic::message::parse_system(value)?,
    };
    Ok((!draft.message.parts.is_empty()).then(|| draft.pooled(exact)))
}
