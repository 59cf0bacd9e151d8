//! A trust store for the JVM: certificates in the format JKS, which every version of Java reads.
//!
//! Layout, all numbers big-endian: magic, version 2, count; per certificate the tag 2, an alias, milliseconds
//! since 1970, the type "X.509", the certificate in DER; then the SHA-1 of the password in UTF-16, a phrase and
//! all that came before. Source: `sun.security.provider.JavaKeyStore` of the JDK.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// Returns a store of the certificates that stand in `pem`.
pub(super) fn trust_store(pem: &str) -> Vec<u8> {
    let certificates: BTreeSet<Vec<u8>> = certificates(pem).collect();
    let mut store = Vec::new();
    store.extend(0xFEED_FEED_u32.to_be_bytes());
    store.extend(2_u32.to_be_bytes());
    store.extend(length(certificates.len()).to_be_bytes());
    for (number, certificate) in certificates.iter().enumerate() {
        store.extend(2_u32.to_be_bytes());
        text(&mut store, &format!("root-{number}"));
        store.extend(0_u64.to_be_bytes());
        text(&mut store, "X.509");
        store.extend(length(certificate.len()).to_be_bytes());
        store.extend(certificate);
    }
    let mut hasher = Sha1::new();
    for unit in PASSWORD.encode_utf16() {
        hasher.update(unit.to_be_bytes());
    }
    hasher.update(b"Mighty Aphrodite");
    hasher.update(&store);
    store.extend(hasher.finalize());
    store
}

/// Returns the certificates of a file in PEM, each in DER.
fn certificates(pem: &str) -> impl Iterator<Item = Vec<u8>> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks.filter_map(|block| {
        let (base64, _rest) = block.split_once("-----END CERTIFICATE-----")?;
        let base64: String = base64.split_ascii_whitespace().collect();
        STANDARD.decode(base64).ok()
    })
}

fn text(store: &mut Vec<u8>, text: &str) {
    // An alias of ours is short and has plain letters alone.
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend(text.bytes());
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The password that Java's own store has; it protects nothing.
pub(super) const PASSWORD: &str = "changeit";
