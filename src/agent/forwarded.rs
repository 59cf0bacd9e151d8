//! The variables that lead HTTP clients through the forward proxy of a run, and let them trust it.
//!
//! A variable that replaces a client's own roots names a file with the system's and the run's; it lies in
//! the directory of the run and ends with it.

use std::{fs, io};

use camino::Utf8Path;

use super::Environment;
use super::environment::PROXIES;
use super::keystore::{PASSWORD, trust_store};
use crate::proxy::Door;

/// Puts the forward proxy into an environment, with its certificates in `folder`.
pub(super) fn apply(
    door: &Door,
    folder: &Utf8Path,
    environment: &mut Environment,
) -> io::Result<()> {
    let own = folder.join("ca.pem");
    fs::write(&own, &door.ca)?;
    let bundle = folder.join("ca-bundle.pem");
    let trusted = format!("{}\n{}", roots(environment), door.ca);
    fs::write(&bundle, &trusted)?;
    if let Some((host, port)) = &door.jvm {
        let store = folder.join("trusted.jks");
        fs::write(&store, trust_store(&trusted))?;
        let mut options = jvm_options(host, *port, &store);
        if let Some(own) = environment.variables.get(JVM_OPTIONS) {
            options = format!("{own} {options}");
        }
        environment.set([(JVM_OPTIONS.to_owned(), options)]);
    }
    environment.set(PROXIES.map(|name| (name.to_owned(), door.url.clone())));
    // Also what runs on this machine is captured; the listener knows requests for itself.
    environment.set(["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), String::new())));
    environment.set(BUNDLES.map(|name| (name.to_owned(), bundle.to_string())));
    environment.set([
        ("NODE_EXTRA_CA_CERTS".to_owned(), own.to_string()),
        ("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned()),
    ]);
    environment.variables.remove("SSL_CERT_DIR");
    Ok(())
}

/// Returns the certificates that clients would trust without the run.
fn roots(environment: &Environment) -> String {
    let named = environment.variables.get("SSL_CERT_FILE");
    let mut files = named.map(String::as_str).into_iter().chain(ROOTS);
    files
        .find_map(|file| fs::read_to_string(file).ok())
        .unwrap_or_default()
}

/// Returns what leads the HTTP clients of the JVM to the forward proxy, and lets them trust it.
fn jvm_options(host: &str, port: u16, store: &Utf8Path) -> String {
    let proxies = ["http", "https"]
        .map(|scheme| format!("-D{scheme}.proxyHost={host} -D{scheme}.proxyPort={port}"));
    format!(
        // By default what runs on this machine is not captured.
        "{} -Dhttp.nonProxyHosts= -Djavax.net.ssl.trustStoreType=JKS \"-Djavax.net.ssl.trustStore={store}\" \
         -Djavax.net.ssl.trustStorePassword={PASSWORD}",
        proxies.join(" ")
    )
}

/// The variable that every JVM takes options from.
const JVM_OPTIONS: &str = "JAVA_TOOL_OPTIONS";

/// The variables that name all certificates that a client trusts.
const BUNDLES: [&str; 12] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CARGO_HTTP_CAINFO",
    "GIT_SSL_CAINFO",
    "HTTPLIB2_CA_CERTS",
    "PIP_CERT",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "NIX_SSL_CERT_FILE",
];

/// Where systems keep the certificates that they trust.
const ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];
