//! A plain HTTP client for the API of a service that is no model provider.

use std::time::Duration;

use reqwest::{Client, redirect, retry};

use super::local::LocalError;

/// A client that goes through the system's proxies and trusts the system's certificates. It sends each
/// request once and follows no redirect.
pub type ApiClient = Client;

/// Makes a client whose requests end after `timeout`.
///
/// # Errors
/// The system's sources of trust can't be set up.
pub fn api_client(timeout: Duration) -> Result<ApiClient, LocalError> {
    // reqwest panics without a provider; a second installation is refused and harmless.
    let _already = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .build()
        .map_err(|error| LocalError::of_client(&error))
}
