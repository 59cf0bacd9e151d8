//! Files of spans, whatever form they have: it shows by their first bytes.

use std::io::{self, Read};

use serde_json::Value;

use super::wire::{Fields, NoMessage};
use super::{json, protobuf};
use crate::interop::Span;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// It can't be read at all.
    #[error("it can't be read")]
    Read(#[from] io::Error),
    /// What it holds is larger than anyone needs.
    #[error("unpacked it is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// It is neither JSON nor protobuf.
    #[error("it is neither OTLP in JSON (a document, or one a line) nor in protobuf: {0}")]
    Unknown(String),
    /// It has no spans in any form that is known.
    #[error("it holds no spans; what stands there is {0}")]
    Empty(String),
}

/// The most bytes of a file, unpacked.
pub const MAX_BYTES: u64 = 1 << 30;

/// Hands the spans of a file to `sink`; `limit` bounds its bytes, unpacked.
///
/// # Errors
/// What is no file of spans, or too large.
pub fn read_otlp(
    file: impl Read,
    limit: u64,
    sink: &mut dyn FnMut(Span),
) -> Result<usize, OtlpError> {
    let mut count: usize = 0;
    let bytes = unpacked(file, limit)?;
    let mut counting = |span: Span| {
        count = count.saturating_add(1);
        sink(span);
    };
    let shape = read(&bytes, limit, &mut counting)?;
    if count == 0 {
        return Err(OtlpError::Empty(shape));
    }
    Ok(count)
}

/// Returns the bytes of a file, unpacked as often as they are packed.
fn unpacked(mut file: impl Read, limit: u64) -> Result<Vec<u8>, OtlpError> {
    let mut bytes = Vec::new();
    file.by_ref()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    // Twice at most: a file and the requests in it.
    for _layer in 0..2 {
        if bytes.len() as u64 > limit {
            return Err(OtlpError::TooLarge { limit });
        }
        let packed = std::mem::take(&mut bytes);
        let take = limit.saturating_add(1);
        if packed.starts_with(&GZIP) {
            let unpacking = flate2::read::MultiGzDecoder::new(packed.as_slice());
            unpacking.take(take).read_to_end(&mut bytes)?;
        } else if packed.starts_with(&ZSTD) {
            let unpacking = zstd::stream::read::Decoder::with_buffer(packed.as_slice())?;
            unpacking.take(take).read_to_end(&mut bytes)?;
        } else {
            return Ok(packed);
        }
    }
    if bytes.len() as u64 > limit {
        return Err(OtlpError::TooLarge { limit });
    }
    Ok(bytes)
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads unpacked bytes; returns what was there, in words.
fn read(bytes: &[u8], limit: u64, sink: &mut dyn FnMut(Span)) -> Result<String, OtlpError> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => Ok("nothing".to_owned()),
        Some(b'{' | b'[') => documents(bytes, sink),
        Some(_) => messages(bytes, limit, sink),
    }
}

/// Reads one document, or one behind the other.
fn documents(bytes: &[u8], sink: &mut dyn FnMut(Span)) -> Result<String, OtlpError> {
    let mut shape = "no JSON".to_owned();
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    for document in documents {
        let document = document.map_err(|error| OtlpError::Unknown(error.to_string()))?;
        shape = told(&document);
        json::read(document, sink);
    }
    Ok(shape)
}

/// Returns what a document looks like.
fn told(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().take(6).map(String::as_str).collect();
            format!("an object with `{}`", names.join("`, `"))
        }
        Value::Array(items) => match items.first() {
            Some(first) => format!("a list whose first entry is {}", told_shallow(first)),
            None => "an empty list".to_owned(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            "a bare value".to_owned()
        }
    }
}

fn told_shallow(value: &Value) -> String {
    if value.is_object() {
        return told(value);
    }
    "no object".to_owned()
}

/// Reads one message, or several with their lengths before them.
fn messages(bytes: &[u8], limit: u64, sink: &mut dyn FnMut(Span)) -> Result<String, OtlpError> {
    let shape = || "protobuf without spans".to_owned();
    if is_request(bytes) && protobuf::read(bytes, sink).is_ok() {
        return Ok(shape());
    }
    for split in [big_endian, varint] {
        let Some(parts) = split(bytes) else {
            continue;
        };
        for part in parts {
            // The collector packs each request by itself.
            let part = unpacked(part, limit)?;
            if part.first() == Some(&b'{') {
                documents(&part, sink)?;
            } else {
                let read = protobuf::read(&part, sink);
                read.map_err(|error| OtlpError::Unknown(error.to_string()))?;
            }
        }
        return Ok(shape());
    }
    Err(OtlpError::Unknown(NoMessage.to_string()))
}

/// Returns whether the bytes are one message of nothing but `resource_spans`.
fn is_request(bytes: &[u8]) -> bool {
    Fields::new(bytes).all(|field| matches!(field, Ok((1, super::wire::Field::Bytes(_)))))
}

/// Cuts what has four bytes of length before each part, as the collector writes it.
fn big_endian(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, behind) = behind.split_at_checked(length)?;
        parts.push(part);
        rest = behind;
    }
    Some(parts)
}

/// Cuts what has its length as a varint before each part.
fn varint(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut length = 0_u64;
        let mut shift = 0_u32;
        loop {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            length |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift = shift.checked_add(7).filter(|shift| *shift < 63)?;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (part, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        parts.push(part);
        rest = behind;
    }
    Some(parts)
}
