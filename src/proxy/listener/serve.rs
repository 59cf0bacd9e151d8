//! One request of the agent: from hyper's form into an [`Incoming`], and the answer back.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use url::Url;

use super::body::Outgoing;
use super::flush::Flushes;
use super::forward::{Forward, NotForwarded, Target, Way, way};
use super::receive::{ReceiveError, discard, receive};
use super::route::{Forbidden, Route, route, through};
use super::tunnel::Tunnel;
use crate::proxy::decode::{DecodeError, decode};
use crate::proxy::hop::strip_hop_by_hop;
use crate::proxy::socket::{self, OnSocket};
use crate::proxy::{Answer, AnswerBody, Incoming, Responder, refusal};

/// What all connections of a listener share.
pub(super) struct Shared {
    pub(super) responder: Arc<dyn Responder>,
    pub(super) token: String,
    pub(super) max_body: usize,
    pub(super) forward: Option<Forward>,
}

/// What belongs to one connection.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) flushes: Flushes,
    /// How it came.
    pub(super) via: Via,
    /// What a request has opened.
    pub(super) opened: Arc<Mutex<Option<Opened>>>,
}

/// How a connection came.
#[derive(Clone)]
pub(super) enum Via {
    /// From a client.
    Client {
        /// Its address.
        peer: SocketAddr,
        /// Ours, as it has reached it.
        here: SocketAddr,
    },
    /// By a tunnel to this target.
    Tunnel(Arc<Target>),
}

impl Around {
    fn open(&self, opened: Opened) {
        let mut slot = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(opened);
    }
}

/// What comes in the place of HTTP once the answer was sent.
pub(super) enum Opened {
    /// A tunnel to a host.
    Tunnel(Tunnel),
    /// A WebSocket, and what happens on it.
    Socket(OnUpgrade, OnSocket),
}

/// Answers one request; a failure is an answer too.
pub(super) async fn serve(
    shared: Arc<Shared>,
    around: Around,
    mut request: Request<hyper::body::Incoming>,
) -> Result<Response<Outgoing>, Infallible> {
    let is_head = request.method() == Method::HEAD;
    let asked = (request.method(), request.uri(), request.headers());
    let forward = (shared.forward.as_ref(), shared.token.as_str());
    let target = match way(asked, &around.via, forward) {
        Ok(Way::Own) => Ok(None),
        Ok(Way::Through(target)) => Ok(Some(target)),
        Ok(Way::Tunnel(target, passes)) => {
            let tunnel = Tunnel {
                upgrade: hyper::upgrade::on(request),
                target,
                passes,
            };
            around.open(Opened::Tunnel(tunnel));
            let empty = Outgoing::new(AnswerBody::Full(Bytes::new()), None, around.flushes.clone());
            return Ok(Response::new(empty));
        }
        Err(not) => Err(Refused::from(not)),
    };
    let socket = wanted_socket(&mut request);
    let incoming = match target {
        Ok(target) => incoming(&shared, target.as_ref(), request).await,
        Err(refused) => Err(refused),
    };
    let answer = match incoming {
        Ok(incoming) => respond(Arc::clone(&shared.responder), incoming).await,
        Err(refused) => refused.answer(),
    };
    Ok(response(answer, is_head, socket, &around))
}

/// Returns the key of a request that wants a WebSocket, and its connection once it is one.
fn wanted_socket(request: &mut Request<hyper::body::Incoming>) -> Option<(HeaderValue, OnUpgrade)> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY)?.clone();
    let is_wanted = request.method() == Method::GET && socket::is_wish(request.headers());
    is_wanted.then(|| (key, hyper::upgrade::on(request)))
}

/// Asks the responder; a panic becomes an answer.
async fn respond(responder: Arc<dyn Responder>, incoming: Incoming) -> Answer {
    let path = incoming.path.clone();
    let answer = AssertUnwindSafe(async { responder.respond(incoming).await }).catch_unwind();
    answer.await.unwrap_or_else(|_panic| {
        tracing::error!("answering {path} panicked");
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "rewind_internal",
            "Rewind failed while answering this request; this is a bug in Rewind, please report it",
        )
    })
}

/// Why a request does not reach the responder.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    NotForwarded(#[from] NotForwarded),
    #[error(
        "Rewind carries WebSocket connections only with `proxy = true` in [capture] of rewind.toml, and \
         no other upgrades; use the provider's HTTP API"
    )]
    WebSocket,
    #[error(transparent)]
    Body(#[from] ReceiveError),
    #[error("{0}")]
    Packed(DecodeError),
}

impl Refused {
    fn answer(&self) -> Answer {
        let (status, kind) = match self {
            Self::NotForwarded(not) => return not.answer(),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "rewind_token"),
            Self::WebSocket => (StatusCode::NOT_IMPLEMENTED, "rewind_websocket"),
            Self::Body(ReceiveError::Broken(_)) => (StatusCode::BAD_REQUEST, "rewind_body"),
            Self::Body(ReceiveError::TooLarge { .. }) | Self::Packed(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "rewind_body")
            }
        };
        refusal(status, kind, &self.to_string())
    }
}

/// Reads a request as far as the responder needs it.
async fn incoming(
    shared: &Shared,
    target: Option<&Target>,
    request: Request<hyper::body::Incoming>,
) -> Result<Incoming, Refused> {
    let arrived = Instant::now();
    let (mut head, body) = request.into_parts();
    let (found, origin) = match target {
        Some(target) => forwarded(shared, target, &mut head),
        None => (route(&head.uri, &mut head.headers, &shared.token), None),
    };
    let route = match found {
        Ok(route) => route,
        Err(forbidden) => {
            if !head.headers.contains_key(header::EXPECT) {
                discard(body, shared.max_body).await;
            }
            return Err(forbidden.into());
        }
    };
    let is_socket = socket::is_wish(&head.headers) && shared.forward.is_some();
    if head.headers.contains_key(header::UPGRADE) && head.method == Method::GET && !is_socket {
        return Err(Refused::WebSocket);
    }
    let raw_body = receive(body, shared.max_body).await?;
    let body = decoded(&head.headers, &raw_body, shared.max_body)?;
    if let Some(agent) = route.agent
        && let Ok(agent) = HeaderValue::from_str(&agent)
    {
        head.headers.insert(AGENT, agent);
    }
    Ok(Incoming {
        method: head.method,
        path: route.path,
        provider: route.provider,
        origin,
        headers: head.headers,
        raw_body,
        body,
        credential: route.credential,
        is_socket,
        arrived,
    })
}

/// Returns the route of a request that came by the forward proxy, and its host where that is no model
/// provider.
fn forwarded(
    shared: &Shared,
    target: &Target,
    head: &mut http::request::Parts,
) -> (Result<Route, Forbidden>, Option<Url>) {
    let interception = shared.forward.as_ref().map(|forward| &forward.interception);
    let provider = interception.and_then(|all| all.provider(&target.host, target.port));
    let origin = match provider {
        Some(_) => None,
        None => target.origin(),
    };
    let route = through(&head.uri, &mut head.headers, &shared.token, provider);
    (Ok(route), origin)
}

/// Returns the body to be read. One that does not decode is passed on as it is: the provider may
/// understand it, or says itself what is wrong.
fn decoded(headers: &HeaderMap, raw: &Bytes, limit: usize) -> Result<Bytes, Refused> {
    match decode(headers, raw, limit) {
        Ok(body) => Ok(body),
        Err(error @ DecodeError::TooLarge { .. }) => Err(Refused::Packed(error)),
        Err(error @ (DecodeError::Unknown(_) | DecodeError::Corrupt { .. })) => {
            tracing::warn!("a request body can't be read: {error}");
            Ok(raw.clone())
        }
    }
}

/// Turns an answer into hyper's form.
fn response(
    answer: Answer,
    is_head: bool,
    wanted: Option<(HeaderValue, OnUpgrade)>,
    around: &Around,
) -> Response<Outgoing> {
    let Answer {
        status,
        mut headers,
        body,
        after,
        socket,
    } = answer;
    let flushes = around.flushes.clone();
    if let Some(after) = after {
        flushes.after(after);
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    strip_hop_by_hop(&mut headers);
    if let (Some((key, upgrade)), Some(run)) = (wanted, socket) {
        socket::grant(&mut headers, &key);
        around.open(Opened::Socket(upgrade, run));
    }
    // The answer to HEAD has no body, but the length that GET would have.
    if !is_head {
        headers.remove(header::CONTENT_LENGTH);
    }
    let length = match &body {
        AnswerBody::Full(_) | AnswerBody::Events(_) => None,
        AnswerBody::Stream(_) => length,
    };
    let mut response = Response::new(Outgoing::new(body, length, flushes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

const AGENT: HeaderName = HeaderName::from_static("rewind-agent");
