//! The certificate authority of one run: made when the listener starts, its key only in memory.
//!
//! Nothing outside the agent is told to trust it, and it ends with the run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate can't be made; a host name may be none.
    #[error("can't make a certificate for `{host}`: {source}")]
    Certificate {
        /// The host.
        host: String,
        /// The cause.
        #[source]
        source: rcgen::Error,
    },
    /// The certificate can't be used.
    #[error("can't use the certificate for `{host}`: {source}")]
    Tls {
        /// The host.
        host: String,
        /// The cause.
        #[source]
        source: rustls::Error,
    },
}

/// The authority that signs certificates for the hosts of one run.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// One key serves all hosts of the run: making one takes longer than a handshake.
    key: KeyPair,
    certificate: CertificateDer<'static>,
    pem: String,
    hosts: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// Makes an authority with a fresh key.
    pub(super) fn new() -> Result<Self, AuthorityError> {
        let failed = |source| AuthorityError::Certificate {
            host: NAME.to_owned(),
            source,
        };
        let mut params = params(NAME, Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&ca_key).map_err(failed)?;
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, ca_key),
            key: KeyPair::generate().map_err(failed)?,
            hosts: Mutex::default(),
        })
    }

    /// Returns the certificate of the authority, without its key.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns how a connection to `host` is answered.
    pub(super) fn server(&self, host: &str) -> Result<Arc<ServerConfig>, AuthorityError> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get(host) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.make(host)?);
        if hosts.len() >= MAX_HOSTS {
            hosts.clear();
        }
        hosts.insert(host.to_owned(), Arc::clone(&made));
        Ok(made)
    }

    fn make(&self, host: &str) -> Result<ServerConfig, AuthorityError> {
        let failed = |source| AuthorityError::Certificate {
            host: host.to_owned(),
            source,
        };
        let refused = |source| AuthorityError::Tls {
            host: host.to_owned(),
            source,
        };
        // A common name holds at most 64 characters; what counts is the alternative name.
        let mut params = params("rewind", vec![host.to_owned()]).map_err(failed)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.key, &self.issuer).map_err(failed)?;
        let chain = vec![leaf.der().clone(), self.certificate.clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Returns what all certificates of a run have in common: they hold from yesterday for four days.
fn params(name: &str, hosts: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    params.distinguished_name = named;
    let now = jiff::Timestamp::now().as_second();
    let (year, month, day) = day_of(now.saturating_sub(DAY));
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = day_of(now.saturating_add(3 * DAY));
    params.not_after = date_time_ymd(year, month, day);
    Ok(params)
}

/// Returns year, month and day of a second of Unix time.
fn day_of(second: i64) -> (i32, u8, u8) {
    let date = jiff::Timestamp::from_second(second)
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let month = u8::try_from(date.month()).unwrap_or(1);
    let day = u8::try_from(date.day()).unwrap_or(1);
    (i32::from(date.year()), month, day)
}

/// The name of the authority.
const NAME: &str = "Rewind, for one run";
/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// The most hosts whose certificates are kept.
const MAX_HOSTS: usize = 1000;
