//! `ExportTraceServiceRequest` in protobuf, by the field numbers that are fixed for ever.
//!
//! Source: <https://github.com/open-telemetry/opentelemetry-proto>, `trace/v1/trace.proto`.

use super::span::{Attribute, Span, SpanKind};

/// Returns the request with these spans.
pub fn to_protobuf(spans: &[Span]) -> Vec<u8> {
    let mut resource = Message::default();
    resource.message(
        1,
        &attribute("service.name", &Attribute::Text("rewind".to_owned())),
    );
    let mut scope = Message::default();
    scope.bytes(1, b"rewind");
    scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
    let mut scoped = Message::default();
    scoped.message(1, &scope);
    for span in spans {
        scoped.message(2, &span_message(span));
    }
    let mut all = Message::default();
    all.message(1, &resource);
    all.message(2, &scoped);
    let mut request = Message::default();
    request.message(1, &all);
    request.0
}

fn span_message(span: &Span) -> Message {
    let mut message = Message::default();
    message.bytes(1, &span.trace);
    message.bytes(2, &span.id);
    if let Some(parent) = &span.parent {
        message.bytes(4, parent);
    }
    message.bytes(5, span.name.as_bytes());
    message.varint(6, kind(span.kind));
    message.fixed(7, span.began_ns);
    message.fixed(8, span.ended_ns);
    for (name, value) in &span.attributes {
        message.message(9, &attribute(name, value));
    }
    if let Some(error) = &span.error {
        let mut status = Message::default();
        status.bytes(2, error.as_bytes());
        status.varint(3, STATUS_ERROR);
        message.message(15, &status);
    }
    message
}

fn attribute(name: &str, value: &Attribute) -> Message {
    let mut message = Message::default();
    message.bytes(1, name.as_bytes());
    message.message(2, &any(value));
    message
}

fn any(value: &Attribute) -> Message {
    let mut message = Message::default();
    match value {
        Attribute::Text(text) => message.bytes(1, text.as_bytes()),
        Attribute::Truth(truth) => message.varint(2, u64::from(*truth)),
        // Two's complement, as protobuf writes int64.
        Attribute::Integer(number) => message.varint(3, number.cast_unsigned()),
        Attribute::Number(number) => message.fixed(4, number.to_bits()),
        Attribute::Texts(texts) => {
            let mut list = Message::default();
            for text in texts {
                list.message(1, &any(&Attribute::Text(text.clone())));
            }
            message.message(5, &list);
        }
    }
    message
}

/// Returns the number of a kind.
pub(super) fn kind(kind: SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Client => 3,
    }
}

/// The status of a span that failed.
pub(super) const STATUS_ERROR: u64 = 2;

/// A message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.raw(field << 3);
        self.raw(value);
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.raw((field << 3) | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.raw((field << 3) | 2);
        self.raw(value.len() as u64);
        self.0.extend(value);
    }

    fn message(&mut self, field: u64, value: &Self) {
        self.bytes(field, &value.0);
    }
}
