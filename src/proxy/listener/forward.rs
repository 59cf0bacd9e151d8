//! Requests that come by the forward proxy: whether they may, and where they want to go.
//!
//! `CONNECT host:port` opens a tunnel, `GET http://host/path` asks for one thing, and within a tunnel
//! that was opened to be read all requests go to its target. What is meant for the listener itself is
//! an ordinary request, whichever way it came: not every client can be told to leave it out.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use url::Url;

use super::peer::is_of_this_user;
use super::serve::Via;
use super::token::is_same;
use crate::proxy::authority::Authority;
use crate::proxy::{Answer, HostRule, Interception, Unread, refusal};

/// What the forward proxy of a listener needs.
pub(super) struct Forward {
    pub(super) authority: Authority,
    pub(super) interception: Interception,
    /// The address of the listener itself.
    pub(super) own: SocketAddr,
    /// The hosts that have passed unread, or will.
    pub(super) unread: Arc<Mutex<BTreeMap<String, Unread>>>,
}

impl Forward {
    /// Notes why a connection to a host was not recorded; the first reason stays.
    pub(super) fn note(&self, host: &str, why: Unread) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.entry(host.to_owned()).or_insert(why);
    }

    fn is_pinned(&self, host: &str) -> bool {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.get(host) == Some(&Unread::Pinned)
    }
}

/// Where a request wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a request asks of the listener.
#[derive(Debug)]
pub(super) enum Way {
    /// An answer of the listener itself, by the path.
    Own,
    /// A tunnel; `true` where it is to pass unread.
    Tunnel(Target, bool),
    /// A request for another host.
    Through(Target),
}

/// Why a request does not go through.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotForwarded {
    /// The forward proxy is not switched on.
    #[error(
        "this listener is no forward proxy; set `proxy = true` in [capture] of rewind.toml to capture requests to any host"
    )]
    Off,
    /// The token is missing or another run's.
    #[error(
        "the proxy of a run is for its own agent alone; take its address from HTTPS_PROXY in the agent's environment"
    )]
    Unauthorized,
    /// A rule says so.
    #[error("`{0}` is blocked by [capture.hosts] of rewind.toml")]
    Blocked(String),
    /// The target can't be read.
    #[error("`{0}` is no host and port to connect to")]
    Target(String),
}

impl NotForwarded {
    /// Returns the answer that says it.
    pub(super) fn answer(&self) -> Answer {
        let (status, kind) = match self {
            Self::Off => (StatusCode::FORBIDDEN, "rewind_proxy"),
            Self::Unauthorized => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, "rewind_token"),
            Self::Blocked(_) => (StatusCode::FORBIDDEN, "rewind_blocked"),
            Self::Target(_) => (StatusCode::BAD_REQUEST, "rewind_proxy"),
        };
        let mut answer = refusal(status, kind, &self.to_string());
        if *self == Self::Unauthorized {
            let challenge = HeaderValue::from_static("Basic realm=\"rewind\"");
            answer.headers.insert(PROXY_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// Finds out what a request asks for.
pub(super) fn way(
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    via: &Via,
    (forward, token): (Option<&Forward>, &str),
) -> Result<Way, NotForwarded> {
    let unreadable = || NotForwarded::Target(uri.to_string());
    let inside = match via {
        Via::Tunnel(target) => Some(&**target),
        Via::Client { .. } => None,
    };
    let target = match (inside, uri.host()) {
        (Some(_), _) if *method == Method::CONNECT => return Err(unreadable()),
        (Some(target), None) => target.clone(),
        (Some(target), Some(host)) if target.host.eq_ignore_ascii_case(bare(host)) => {
            target.clone()
        }
        (Some(_), Some(_)) => return Err(unreadable()),
        (None, None) => return Ok(Way::Own),
        (None, Some(_)) => Target::of(method, uri).ok_or_else(unreadable)?,
    };
    let forward = match forward {
        Some(forward) => forward,
        // As ever: a path with a token may come with the listener's own address before it.
        None if *method != Method::CONNECT => return Ok(Way::Own),
        None => return Err(NotForwarded::Off),
    };
    if *method != Method::CONNECT && target.is_at(forward.own) {
        return Ok(Way::Own);
    }
    if let Via::Client { peer, here } = via
        && !is_authorized(headers, token)
        && !(forward.interception.admits_jvm && is_of_this_user(*peer, *here))
    {
        return Err(NotForwarded::Unauthorized);
    }
    let rule = forward.interception.rule(&target.host);
    match (rule, *method == Method::CONNECT) {
        (HostRule::Block, _) => Err(NotForwarded::Blocked(target.host)),
        (HostRule::Record, true) => {
            let passes = forward.is_pinned(&target.host);
            Ok(Way::Tunnel(target, passes))
        }
        (HostRule::Pass, true) => {
            forward.note(&target.host, Unread::Rule);
            Ok(Way::Tunnel(target, true))
        }
        (HostRule::Record | HostRule::Pass, false) => Ok(Way::Through(target)),
    }
}

impl Target {
    fn of(method: &Method, uri: &Uri) -> Option<Self> {
        let host = bare(uri.host()?).to_ascii_lowercase();
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            None if *method == Method::CONNECT => false,
            Some(_) | None => return None,
        };
        let port = match uri.port_u16() {
            Some(port) => port,
            None if *method == Method::CONNECT => return None,
            None if is_tls => 443,
            None => 80,
        };
        let target = Self { is_tls, host, port };
        target.origin().is_some().then_some(target)
    }

    /// Returns the URL of the host.
    pub(super) fn origin(&self) -> Option<Url> {
        let scheme = if self.is_tls { "https" } else { "http" };
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            Ok(IpAddr::V4(_)) | Err(_) => self.host.clone(),
        };
        let url = Url::parse(&format!("{scheme}://{host}:{}/", self.port)).ok()?;
        (url.path() == "/" && url.username().is_empty() && url.query().is_none()).then_some(url)
    }

    fn is_at(&self, own: SocketAddr) -> bool {
        let is_local = self.host == "localhost"
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip == own.ip() || ip.is_loopback());
        is_local && self.port == own.port()
    }
}

/// Returns a host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Returns whether the credential of the proxy's address is this run's token.
fn is_authorized(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(PROXY_AUTHORIZATION).and_then(|value| {
        let (scheme, value) = value.to_str().ok()?.trim().split_once(' ')?;
        let decoded = STANDARD.decode(value.trim()).ok()?;
        let decoded = String::from_utf8(decoded).ok()?;
        let (_user, password) = decoded.split_once(':')?;
        scheme
            .eq_ignore_ascii_case("basic")
            .then(|| password.to_owned())
    });
    !token.is_empty() && given.is_some_and(|given| is_same(&given, token))
}
