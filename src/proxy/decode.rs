//! Content decoding (gzip, deflate, br, zstd), all at once or piece by piece, with a size limit.
//!
//! [`Decoder`] takes the pieces of a body as they arrive, so that a compressed stream keeps the
//! times of its events; [`decode`] does a whole body. Nothing is ever encoded here.
//! Source of the codings: RFC 9110 section 8.4.1; `deflate` is met both with and without its zlib wrapper.

use std::io::{self, Write};

use brotli::DecompressorWriter;
use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The coding is none that is known.
    #[error("the content coding `{0}` is unknown (known: gzip, deflate, br, zstd)")]
    Unknown(String),
    /// The decoded body is larger than allowed.
    #[error("the decoded body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are not in the coding that the header names, or they end too early.
    #[error("the body is not valid {coding}")]
    Corrupt {
        /// The coding.
        coding: &'static str,
        /// What the decompressor says.
        #[source]
        source: io::Error,
    },
}

/// Decodes a body piece by piece.
pub struct Decoder {
    stages: Vec<Stage>,
    room: usize,
    limit: usize,
}

impl Decoder {
    /// Returns the decoder for the `content-encoding` of `headers`; at most `limit` bytes may come out.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] for a coding that is not known.
    pub fn new(headers: &HeaderMap, limit: usize) -> Result<Self, DecodeError> {
        let mut stages = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let codings = value
                .to_str()
                .map_err(|_not_text| DecodeError::Unknown("(not text)".to_owned()))?;
            for coding in codings.split(',').map(str::trim).filter(|c| !c.is_empty()) {
                stages.extend(Stage::new(coding, limit)?);
            }
        }
        // Codings are listed in the order in which they were applied.
        stages.reverse();
        Ok(Self {
            stages,
            room: limit,
            limit,
        })
    }

    /// Returns whether the body passes unchanged.
    pub fn is_identity(&self) -> bool {
        self.stages.is_empty()
    }

    /// Returns what the next piece decodes to; may be empty.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] and [`DecodeError::TooLarge`]; nothing more can be decoded after either.
    pub fn push(&mut self, piece: Bytes) -> Result<Bytes, DecodeError> {
        let mut piece = piece;
        for stage in &mut self.stages {
            piece = stage.push(&piece)?;
        }
        self.room = self
            .room
            .checked_sub(piece.len())
            .ok_or(DecodeError::TooLarge { limit: self.limit })?;
        Ok(piece)
    }

    /// Returns what was still inside the decompressors, and checks that the body is complete.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] where the body ends too early.
    pub fn finish(mut self) -> Result<Bytes, DecodeError> {
        let mut piece = Bytes::new();
        for stage in &mut self.stages {
            let mut out = stage.push(&piece)?.to_vec();
            out.extend_from_slice(&stage.finish()?);
            piece = Bytes::from(out);
        }
        if piece.len() > self.room {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        Ok(piece)
    }
}

/// Returns the whole body decoded as `headers` say; without a coding the same bytes, not copied.
///
/// # Errors
/// As [`Decoder::new`], [`Decoder::push`] and [`Decoder::finish`].
pub fn decode(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Bytes, DecodeError> {
    let mut decoder = Decoder::new(headers, limit)?;
    let first = decoder.push(body.clone())?;
    let rest = decoder.finish()?;
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first, rest].concat().into())
}

/// One coding being taken off.
struct Stage {
    coding: &'static str,
    /// `None` as long as it is open whether `deflate` has the zlib wrapper.
    codec: Option<Box<dyn Codec>>,
    /// What came before that was known.
    held: Vec<u8>,
    limit: usize,
}

impl Stage {
    fn new(coding: &str, limit: usize) -> Result<Option<Self>, DecodeError> {
        let sink = Sink::new(limit);
        let (coding, codec): (_, Option<Box<dyn Codec>>) =
            match coding.to_ascii_lowercase().as_str() {
                "identity" => return Ok(None),
                "gzip" | "x-gzip" => ("gzip", Some(Box::new(MultiGzDecoder::new(sink)))),
                "deflate" => ("deflate", None),
                "br" => ("br", Some(Box::new(DecompressorWriter::new(sink, 4096)))),
                "zstd" => ("zstd", Some(Box::new(zstd_decoder(sink)?))),
                _ => return Err(DecodeError::Unknown(coding.to_owned())),
            };
        Ok(Some(Self {
            coding,
            codec,
            held: Vec::new(),
            limit,
        }))
    }

    fn push(&mut self, piece: &[u8]) -> Result<Bytes, DecodeError> {
        if piece.is_empty() {
            return Ok(Bytes::new());
        }
        if let Some(codec) = &mut self.codec {
            let written = codec.write_all(piece).and_then(|()| codec.flush());
            return taken(self.coding, codec.sink(), written);
        }
        self.held.extend_from_slice(piece);
        let (Some(&first), Some(&second)) = (self.held.first(), self.held.get(1)) else {
            return Ok(Bytes::new());
        };
        let has_wrapper =
            first & 0x0f == 8 && (u16::from(first) << 8 | u16::from(second)).is_multiple_of(31);
        let sink = Sink::new(self.limit);
        self.codec = Some(if has_wrapper {
            Box::new(ZlibDecoder::new(sink))
        } else {
            Box::new(DeflateDecoder::new(sink))
        });
        let held = std::mem::take(&mut self.held);
        self.push(&held)
    }

    fn finish(&mut self) -> Result<Bytes, DecodeError> {
        let Some(codec) = &mut self.codec else {
            return Ok(Bytes::new());
        };
        if codec.sink().is_untouched {
            return Ok(Bytes::new());
        }
        let ended = codec.end();
        taken(self.coding, codec.sink(), ended)
    }
}

/// Returns what a decompressor has put out, or why it failed.
fn taken(
    coding: &'static str,
    sink: &mut Sink,
    result: io::Result<()>,
) -> Result<Bytes, DecodeError> {
    sink.is_untouched = false;
    match result {
        Ok(()) => Ok(std::mem::take(&mut sink.out).into()),
        Err(_full) if sink.is_full => Err(DecodeError::TooLarge { limit: sink.limit }),
        Err(source) => Err(DecodeError::Corrupt { coding, source }),
    }
}

fn zstd_decoder(sink: Sink) -> Result<zstd::stream::write::Decoder<'static, Sink>, DecodeError> {
    zstd::stream::write::Decoder::new(sink).map_err(|source| DecodeError::Corrupt {
        coding: "zstd",
        source,
    })
}

/// A decompressor that is written to.
trait Codec: Write + Send {
    /// Checks that the input is complete and puts out the rest.
    fn end(&mut self) -> io::Result<()>;

    /// Returns where the output goes.
    fn sink(&mut self) -> &mut Sink;
}

impl Codec for MultiGzDecoder<Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }

    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }
}

impl Codec for ZlibDecoder<Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }

    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }
}

impl Codec for DeflateDecoder<Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }

    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }
}

impl Codec for DecompressorWriter<Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.close()
    }

    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }
}

impl Codec for zstd::stream::write::Decoder<'static, Sink> {
    fn end(&mut self) -> io::Result<()> {
        self.do_finish()
    }

    fn sink(&mut self) -> &mut Sink {
        self.get_mut()
    }
}

/// Takes the output of a decompressor up to a limit, so that a small bomb can't fill the memory.
struct Sink {
    out: Vec<u8>,
    room: usize,
    limit: usize,
    is_full: bool,
    is_untouched: bool,
}

impl Sink {
    fn new(limit: usize) -> Self {
        Self {
            out: Vec::new(),
            room: limit,
            limit,
            is_full: false,
            is_untouched: true,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let Some(room) = self.room.checked_sub(piece.len()) else {
            self.is_full = true;
            return Err(io::Error::other("size limit"));
        };
        self.room = room;
        self.out.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::proxy::testing::encode;

    fn coded(coding: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
        headers
    }

    fn in_pieces(coding: &str, encoded: &[u8], size: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(&coded(coding), 1 << 20)?;
        let mut out = Vec::new();
        for piece in encoded.chunks(size) {
            out.extend_from_slice(&decoder.push(Bytes::copy_from_slice(piece))?);
        }
        out.extend_from_slice(&decoder.finish()?);
        Ok(out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_coding_gives_back_what_went_in_however_it_is_cut(
            body in proptest::collection::vec(any::<u8>(), 0..3000),
            size in 1_usize..700,
        ) {
            for coding in ["gzip", "deflate", "raw-deflate", "br", "zstd", "gzip, br"] {
                let encoded = encode(coding, &body);
                let named = coding.trim_start_matches("raw-");
                prop_assert_eq!(in_pieces(named, &encoded, size).unwrap(), body.clone(), "{}", coding);
                let whole = decode(&coded(named), &Bytes::from(encoded), 1 << 20).unwrap();
                prop_assert_eq!(whole.to_vec(), body.clone(), "{}", coding);
            }
        }
    }

    #[test]
    fn a_small_body_that_expands_beyond_the_limit_is_refused() {
        let zeros = vec![0_u8; 4 << 20];
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
            let bomb = Bytes::from(encode(coding, &zeros));
            let refused = decode(&coded(coding), &bomb, 1 << 20);
            assert!(
                matches!(refused, Err(DecodeError::TooLarge { limit }) if limit == 1 << 20),
                "{coding}"
            );
        }
    }

    #[test]
    fn a_body_that_ends_too_early_is_corrupt_but_what_came_is_given_out_first() {
        let text = b"data: {\"text\": \"hello\"}\n\n".repeat(50);
        for coding in ["gzip", "br", "zstd"] {
            let encoded = encode(coding, &text);
            let mut decoder = Decoder::new(&coded(coding), 1 << 20).unwrap();
            decoder
                .push(Bytes::copy_from_slice(&encoded[..encoded.len() - 9]))
                .unwrap();
            assert!(
                matches!(decoder.finish(), Err(DecodeError::Corrupt { .. })),
                "{coding}"
            );
        }
    }

    #[test]
    fn a_flushed_piece_of_a_compressed_stream_is_readable_before_the_stream_ends() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"data: 1\n\n").unwrap();
        encoder.flush().unwrap();
        let mut decoder = Decoder::new(&coded("gzip"), 100).unwrap();
        let first = decoder
            .push(Bytes::copy_from_slice(encoder.get_ref()))
            .unwrap();
        assert_eq!(first, "data: 1\n\n");
    }

    #[test]
    fn an_unknown_coding_is_named() {
        let error = decode(&coded("snappy"), &Bytes::from_static(b"x"), 10).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the content coding `snappy` is unknown (known: gzip, deflate, br, zstd)"
        );
    }

    #[test]
    fn nothing_at_all_is_a_valid_empty_body_in_every_coding() {
        for coding in ["gzip", "deflate", "br", "zstd"] {
            assert_eq!(decode(&coded(coding), &Bytes::new(), 10).unwrap(), "");
        }
    }
}
