//! Data in a page: JSON that can't end the element it stands in, compressed where it is large.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;

/// What stands in a `script` element that is no script.
#[derive(Serialize)]
pub(super) struct Data {
    /// The element's id.
    id: &'static str,
    /// The value, where it is small; the template writes it as JSON without markup.
    value: Option<serde_json::Value>,
    /// The value's JSON where it is large: raw DEFLATE (RFC 1951), as base64 for URLs, which no markup is in.
    packed: Option<String>,
}

impl Data {
    /// Returns a value as data of a page.
    pub(super) fn new<T: Serialize>(id: &'static str, value: &T) -> Self {
        // Our own types have string keys, so this can't fail.
        let json = serde_json::to_string(value).unwrap_or_default();
        let packed = if json.len() > LARGE {
            pack(&json)
        } else {
            None
        };
        let value = if packed.is_none() {
            serde_json::from_str(&json).ok()
        } else {
            None
        };
        Self { id, value, packed }
    }
}

fn pack(json: &str) -> Option<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(json.as_bytes()).ok()?;
    Some(URL_SAFE_NO_PAD.encode(encoder.finish().ok()?))
}

/// Returns the JSON that a page holds under an id; `None` where there is none that can be read.
pub(super) fn unpack(page: &str, id: &str) -> Option<String> {
    let (_before, rest) =
        page.split_once(&format!("<script type=\"application/json\" id=\"{id}\""))?;
    let (attributes, rest) = rest.split_once('>')?;
    let (text, _after) = rest.split_once("</script>")?;
    if !attributes.contains("data-packed") {
        return Some(text.to_owned());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
    let mut json = String::new();
    let mut decoder = DeflateDecoder::new(bytes.as_slice()).take(MAX_JSON);
    decoder.read_to_string(&mut json).ok()?;
    Some(json)
}

/// Returns the source expression that lets exactly this inline text run or apply.
///
/// Source: <https://www.w3.org/TR/CSP3/#grammardef-hash-source>.
pub(super) fn source(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(digest))
}

/// JSON longer than this is compressed.
const LARGE: usize = 16 * 1024;

/// The most bytes that are unpacked: a page may come from a stranger.
const MAX_JSON: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_data_reads_back_and_holds_no_markup() {
        let text = "<b>&é</script>".repeat(9_000);
        let data = Data::new("x", &[&text]);
        let packed = data.packed.unwrap();
        assert!(!packed.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_'));
        let page =
            format!("<p><script type=\"application/json\" id=\"x\" data-packed>{packed}</script>");
        let json = unpack(&page, "x").unwrap();
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
        assert_eq!(unpack("<p>", "x"), None);
        assert!(Data::new("x", &["<b>"]).packed.is_none());
    }

    #[test]
    fn a_source_is_the_hash_of_its_text() {
        assert_eq!(
            source(""),
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
        );
    }
}
