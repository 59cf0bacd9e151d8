//! Sends requests to the providers over HTTP, each exactly once.
//!
//! Bodies pass as they are, still encoded; redirects come back as redirects; retries are the SDKs'.
//! `HTTPS_PROXY` and its kin are honoured, except for hosts on the loopback.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, SEC_WEBSOCKET_ACCEPT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::{Client, ClientBuilder, redirect, retry};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use super::join::join;
use super::{AuthStyle, Upstream, Upstreams};
use crate::proxy::hop::strip_hop_by_hop;
use crate::proxy::socket::{self, Opening, Socket};
use crate::proxy::{Backend, BackendError, Broken, Credential, Incoming, Outbound, Reply};
use crate::text::innermost;

/// How long a provider may take. There is no limit for a whole answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the head of the answer is there.
    pub first_byte: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(10),
        }
    }
}

/// The real providers.
pub struct HttpBackend {
    upstreams: Upstreams,
    timeouts: Timeouts,
    outbound: Outbound,
    /// Built when first needed: reading the system's certificates takes longer than a replay does.
    remote: OnceLock<Result<Client, String>>,
    loopback: OnceLock<Result<Client, String>>,
}

impl HttpBackend {
    /// Returns a backend for these providers with the default timeouts; nothing is connected yet.
    pub fn new(upstreams: Upstreams) -> Self {
        Self {
            upstreams,
            timeouts: Timeouts::default(),
            outbound: Outbound::default(),
            remote: OnceLock::new(),
            loopback: OnceLock::new(),
        }
    }

    /// Returns the backend with other timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Returns the backend with further sources of trust and known addresses.
    #[must_use]
    pub fn with_outbound(mut self, outbound: Outbound) -> Self {
        self.outbound = outbound;
        self
    }

    /// Builds a request for a host that is no model provider.
    fn direct(&self, origin: &Url, incoming: &Incoming) -> Result<Prepared, BackendError> {
        let mut url = origin.clone();
        let (path, query) = match incoming.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (incoming.path.as_str(), None),
        };
        url.set_path(path);
        url.set_query(query);
        let client = self
            .client(&url)
            .map_err(|detail| BackendError::Unsendable {
                provider: origin.to_string(),
                detail: detail.to_owned(),
            })?;
        let request = client
            .request(incoming.method.clone(), url.clone())
            .headers(passed_headers(incoming));
        Ok(Prepared {
            request: with_body(request, incoming),
            url,
        })
    }

    /// Builds the request, or says why it may not go out.
    fn request(&self, incoming: &Incoming) -> Result<Prepared, BackendError> {
        if let Some(origin) = &incoming.origin {
            return self.direct(origin, incoming);
        }
        let name = &incoming.provider;
        let upstream = self
            .upstreams
            .get(name)
            .ok_or_else(|| BackendError::Unknown(name.clone()))?;
        let unsendable = |detail: &str| BackendError::Unsendable {
            provider: name.clone(),
            detail: detail.to_owned(),
        };
        let url = join(&upstream.url, &incoming.path, upstream.version)
            .ok_or_else(|| unsendable("its path contains `..` or a backslash"))?;
        let key = match (incoming.credential, &upstream.key) {
            (Credential::Placeholder, Some(key)) => {
                check_allowed(upstream, incoming)?;
                Some(key)
            }
            (Credential::Placeholder, None) | (Credential::Own, _) => None,
        };
        let headers = headers_for(upstream, incoming, key).ok_or_else(|| {
            unsendable("the configured key has characters that no header may have")
        })?;
        let client = self.client(&url).map_err(unsendable)?;
        let request = client
            .request(incoming.method.clone(), url.clone())
            .headers(headers);
        Ok(Prepared {
            request: with_body(request, incoming),
            url,
        })
    }

    fn client(&self, url: &Url) -> Result<&Client, &str> {
        let (slot, builder) = if self.is_near(url) {
            (&self.loopback, Client::builder().no_proxy())
        } else {
            (&self.remote, Client::builder())
        };
        slot.get_or_init(|| self.build(builder))
            .as_ref()
            .map_err(String::as_str)
    }

    /// Returns whether a host is reached without a proxy.
    fn is_near(&self, url: &Url) -> bool {
        let is_known = |host: &str| self.outbound.resolve.contains_key(host);
        is_loopback(url) || url.host_str().is_some_and(is_known)
    }

    fn build(&self, mut builder: ClientBuilder) -> Result<Client, String> {
        // reqwest panics without a provider; a second installation is refused and harmless.
        let _already = rustls::crypto::ring::default_provider().install_default();
        for (host, addr) in &self.outbound.resolve {
            builder = builder.resolve(host, *addr);
        }
        if let Some(pem) = &self.outbound.ca {
            let all = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            builder = builder.tls_certs_merge(all.map_err(|error| describe(&error))?);
        }
        builder
            .connect_timeout(self.timeouts.connect)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| describe(&error))
    }

    /// Builds the request for a WebSocket, and the answer that would open it.
    ///
    /// Its client speaks HTTP/1.1 alone, since HTTP/2 knows no upgrade; sockets are rare enough for one each.
    fn wish(
        &self,
        incoming: &Incoming,
    ) -> Result<(reqwest::Request, Client, HeaderValue), BackendError> {
        let Prepared { request, url } = self.request(incoming)?;
        let unsendable = |detail: String| BackendError::Unsendable {
            provider: url.host_str().unwrap_or_default().to_owned(),
            detail,
        };
        let builder = if self.is_near(&url) {
            Client::builder().no_proxy()
        } else {
            Client::builder()
        };
        let client = self.build(builder.http1_only()).map_err(unsendable)?;
        let request = request.build();
        let mut request = request.map_err(|error| unsendable(describe(&error)))?;
        let accept = socket::wish(request.headers_mut());
        Ok((request, client, accept))
    }
}

impl Backend for HttpBackend {
    fn send(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let prepared = self.request(incoming);
        let limit = self.timeouts.first_byte;
        async move {
            let Prepared { request, mut url } = prepared?;
            url.set_query(None);
            let unreachable = |error: &reqwest::Error| BackendError::Unreachable {
                url: url.to_string(),
                detail: describe(error),
            };
            match tokio::time::timeout(limit, request.send()).await {
                Ok(Ok(response)) => Ok(reply(response)),
                Ok(Err(error)) => Err(unreachable(&error)),
                Err(_elapsed) => Err(BackendError::Timeout {
                    url: url.to_string(),
                    seconds: limit.as_secs(),
                }),
            }
        }
        .boxed()
    }

    fn open(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Opening, BackendError>> {
        let prepared = self.wish(incoming);
        let limit = self.timeouts.first_byte;
        async move {
            let (request, client, accept) = prepared?;
            let mut url = request.url().clone();
            url.set_query(None);
            let unreachable = |detail: String| BackendError::Unreachable {
                url: url.to_string(),
                detail,
            };
            let response = match tokio::time::timeout(limit, client.execute(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Err(unreachable(describe(&error))),
                Err(_elapsed) => {
                    return Err(BackendError::Timeout {
                        url: url.to_string(),
                        seconds: limit.as_secs(),
                    });
                }
            };
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Opening::Refused(reply(response)));
            }
            let headers = response.headers().clone();
            if headers.get(SEC_WEBSOCKET_ACCEPT) != Some(&accept) {
                let detail = "it switched to something that is no WebSocket of ours";
                return Err(unreachable(detail.to_owned()));
            }
            let io = response.upgrade().await;
            let io = io.map_err(|error| unreachable(describe(&error)))?;
            let socket = Box::new(Socket::to_server(io).await);
            Ok(Opening::Open(headers, socket))
        }
        .boxed()
    }
}

/// A request that is ready to go.
struct Prepared {
    request: reqwest::RequestBuilder,
    url: Url,
}

fn check_allowed(upstream: &Upstream, incoming: &Incoming) -> Result<(), BackendError> {
    let path = incoming.path.split('?').next().unwrap_or_default();
    if upstream
        .allow
        .iter()
        .any(|allowed| allowed.covers(&incoming.method, path))
    {
        return Ok(());
    }
    Err(BackendError::NotAllowed {
        provider: upstream.name.clone(),
        method: incoming.method.clone(),
        path: path.to_owned(),
    })
}

/// Returns the request with the body of the agent's.
fn with_body(request: reqwest::RequestBuilder, incoming: &Incoming) -> reqwest::RequestBuilder {
    let never_has_body = [Method::GET, Method::HEAD].contains(&incoming.method);
    if never_has_body && incoming.raw_body.is_empty() {
        return request;
    }
    request.body(incoming.raw_body.clone())
}

/// Returns the headers of a request that may pass on.
fn passed_headers(incoming: &Incoming) -> HeaderMap {
    let mut headers = incoming.headers.clone();
    strip_hop_by_hop(&mut headers);
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("rewind-"))
        .cloned()
        .collect();
    // Host and length are the client's to set; the body is there already, so nobody waits for a `100`.
    for name in ours.iter().chain(&[HOST, CONTENT_LENGTH, EXPECT]) {
        headers.remove(name);
    }
    headers
}

/// Returns the headers as they go up; `None` where the key can't stand in one.
fn headers_for(
    upstream: &Upstream,
    incoming: &Incoming,
    key: Option<&SecretString>,
) -> Option<HeaderMap> {
    let mut headers = passed_headers(incoming);
    for (name, value) in &upstream.headers {
        headers.insert(name, value.clone());
    }
    if let Some(key) = key {
        let (name, value) = match upstream.auth {
            AuthStyle::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
            AuthStyle::XApiKey => (X_API_KEY, key.expose_secret().to_owned()),
            AuthStyle::ApiKey => (API_KEY, key.expose_secret().to_owned()),
            AuthStyle::XGoogApiKey => (X_GOOG_API_KEY, key.expose_secret().to_owned()),
            AuthStyle::None => return Some(headers),
        };
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

fn reply(response: reqwest::Response) -> Reply {
    let status = response.status();
    let mut headers = response.headers().clone();
    strip_hop_by_hop(&mut headers);
    let body = response
        .bytes_stream()
        .map_ok(Bytes::from)
        .map_err(|error| Broken(describe(&error)))
        .boxed();
    Reply {
        status,
        headers,
        body,
    }
}

/// Returns the innermost cause and what it was the cause of, without the URL.
fn describe(error: &reqwest::Error) -> String {
    let what = if error.is_connect() {
        "can't connect"
    } else if error.is_timeout() {
        "timed out"
    } else if error.is_body() || error.is_decode() {
        "the body broke off"
    } else if error.is_builder() {
        "the request is not valid"
    } else {
        "the connection failed"
    };
    match error.source() {
        Some(cause) => format!("{what}: {}", innermost(cause)),
        None => what.to_owned(),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

#[cfg(test)]
mod tests;
