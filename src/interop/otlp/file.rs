//! Files of spans, whatever form they have: it shows by their first bytes.

use std::io::{self, BufRead as _, Read};

use serde::de::DeserializeSeed as _;

use super::protobuf;
use super::stream::{Found, LIST, Walk};
use super::wire::{Fields, NoMessage};
use crate::interop::Span;
use crate::interop::bounded::{Endless, Unpacked, endless, unpacked};

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// It can't be read at all.
    #[error("it can't be read")]
    Read(#[from] io::Error),
    /// What it holds is larger than anyone needs.
    #[error("{0}")]
    TooLarge(Endless),
    /// It ends in the middle.
    #[error("it breaks off in message {number}")]
    Broken {
        /// Which of its messages, from 1.
        number: usize,
    },
    /// It is neither JSON nor protobuf.
    #[error("it is neither OTLP in JSON (a document, or one a line) nor in protobuf: {0}")]
    Unknown(String),
    /// It has no spans in any form that is known.
    #[error("it holds no spans; what stands there is {0}")]
    Empty(String),
}

/// Hands the spans of a file to `sink`; `limit` bounds its bytes, unpacked.
///
/// JSON is read as it comes, and so are messages with four bytes of length before each, as the collector writes
/// them; any other protobuf is read whole.
///
/// # Errors
/// What is no file of spans, or too large.
pub fn read_otlp(
    file: impl Read,
    limit: u64,
    sink: &mut dyn FnMut(Span),
) -> Result<usize, OtlpError> {
    let mut count: usize = 0;
    let mut counting = |span: Span| {
        count = count.saturating_add(1);
        sink(span);
    };
    let shape = read(unpacked(file, limit)?, limit, &mut counting).map_err(OtlpError::sharpened)?;
    if count == 0 {
        return Err(OtlpError::Empty(shape));
    }
    Ok(count)
}

impl OtlpError {
    /// Tells a limit from other failures to read.
    fn sharpened(self) -> Self {
        match self {
            Self::Read(error) => endless(&error).map_or(Self::Read(error), Self::TooLarge),
            Self::TooLarge(_) | Self::Unknown(_) | Self::Empty(_) | Self::Broken { .. } => self,
        }
    }
}

/// Reads unpacked bytes; returns what was there, in words.
fn read(
    mut file: Unpacked<'_>,
    limit: u64,
    sink: &mut dyn FnMut(Span),
) -> Result<String, OtlpError> {
    let head = file.fill_buf()?;
    if is_json(head) {
        return documents(file, sink);
    }
    match head.first() {
        None => Ok("nothing".to_owned()),
        // No message begins like this, and lengths below 16 MiB do.
        Some(0) => frames(file, limit, sink),
        Some(_) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            if bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok("nothing".to_owned());
            }
            messages(&bytes, limit, sink)
        }
    }
}

/// Returns whether this begins as JSON does; a line feed begins a message, too.
fn is_json(head: &[u8]) -> bool {
    let mut rest = head.iter().filter(|byte| !byte.is_ascii_whitespace());
    let (first, second) = (rest.next(), rest.next());
    if head.first() != Some(&b'\n') {
        return matches!(first, Some(b'{' | b'['));
    }
    matches!(
        (first, second),
        (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'{' | b'[' | b']'))
    )
}

/// Reads one document, or one behind the other.
fn documents(file: impl Read, sink: &mut dyn FnMut(Span)) -> Result<String, OtlpError> {
    let mut shape = "no JSON".to_owned();
    let mut documents = serde_json::Deserializer::from_reader(file);
    loop {
        let mut found = Found::default();
        let read = Walk::new(&mut found).deserialize(&mut documents);
        if let Err(error) = read {
            if error.is_eof() && found.shape.is_empty() {
                return Ok(shape);
            }
            let is_io = error.is_io();
            let said = OtlpError::Unknown(error.to_string());
            return Err(if is_io {
                OtlpError::Read(error.into())
            } else {
                said
            });
        }
        shape = told(&found);
        found.spans.into_iter().for_each(&mut *sink);
    }
}

/// Returns what a document looks like.
fn told(found: &Found) -> String {
    let names = found.names.join("`, `");
    match found.shape {
        shape if names.is_empty() => shape.to_owned(),
        LIST => format!("a list whose first entry is an object with `{names}`"),
        shape => format!("{shape} with `{names}`"),
    }
}

/// Reads messages with four bytes of length before each, one by one.
fn frames(
    mut file: impl Read,
    limit: u64,
    sink: &mut dyn FnMut(Span),
) -> Result<String, OtlpError> {
    let mut left = limit;
    for number in 1_usize.. {
        let mut head = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut head)?;
        let Ok(length) = <[u8; 4]>::try_from(head.as_slice()) else {
            if head.is_empty() {
                break;
            }
            return Err(OtlpError::Broken { number });
        };
        let length = u64::from(u32::from_be_bytes(length));
        let mut part = Vec::new();
        file.by_ref().take(length).read_to_end(&mut part)?;
        if part.len() as u64 != length {
            return Err(OtlpError::Broken { number });
        }
        message(&part, &mut left, sink)?;
    }
    Ok(WITHOUT_SPANS.to_owned())
}

const WITHOUT_SPANS: &str = "protobuf without spans";

/// Reads one message of several, which the collector packs by itself; `left` is what they may come to.
fn message(part: &[u8], left: &mut u64, sink: &mut dyn FnMut(Span)) -> Result<(), OtlpError> {
    let mut bytes = Vec::new();
    unpacked(part, *left)?.read_to_end(&mut bytes)?;
    *left = left.saturating_sub(bytes.len() as u64);
    if bytes.first() == Some(&b'{') {
        documents(bytes.as_slice(), sink)?;
        return Ok(());
    }
    protobuf::read(&bytes, sink).map_err(|error| OtlpError::Unknown(error.to_string()))
}

/// Reads one message, or several with their lengths before them.
fn messages(bytes: &[u8], limit: u64, sink: &mut dyn FnMut(Span)) -> Result<String, OtlpError> {
    if is_request(bytes) && protobuf::read(bytes, sink).is_ok() {
        return Ok(WITHOUT_SPANS.to_owned());
    }
    let mut left = limit;
    for split in [big_endian, varint] {
        let Some(parts) = split(bytes) else {
            continue;
        };
        for part in parts {
            message(part, &mut left, sink)?;
        }
        return Ok(WITHOUT_SPANS.to_owned());
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
