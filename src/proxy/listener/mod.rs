//! The loopback listener of one run: [`Proxy`] takes the agent's requests and sends the answers.
//!
//! It checks the run token, reads the body, finds the provider and asks a [`Responder`]. It does not
//! know what is recorded or replayed. A client that leaves drops its answer, and with it whatever the
//! responder still does for it; a panic ends one request, never the listener.
//!
//! Both `content-length` and `transfer-encoding` in one request: the body is read as chunked and the
//! connection closed behind it (RFC 9112 section 6.1); what goes to a provider is framed anew anyway.

mod body;
mod flush;
mod forward;
mod peer;
mod receive;
mod route;
mod serve;
mod token;
mod tunnel;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

pub use token::{placeholder_key, random_token};

use super::authority::{Authority, AuthorityError};
use super::socket::OnSocket;
use super::{Interception, Outbound, Responder, Socket, Unread};
use flush::{Flushed, Flushes};
use forward::Forward;
use serve::{Around, Opened, Shared, Via, serve};

/// How a [`Proxy`] listens.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to bind; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The host, or host and port, that agents elsewhere (in a container) reach it by.
    pub advertise: Option<String>,
    /// The run token; empty for a listener that is open to every local client.
    pub token: String,
    /// The largest request body, in bytes, before and after content decoding.
    pub max_body: usize,
    /// MCP servers that have a place below its address, by their names.
    pub servers: BTreeMap<String, Url>,
    /// The way to those servers.
    pub outbound: Outbound,
    /// How it serves as a forward proxy; `None` where it is none.
    pub intercept: Option<Interception>,
    /// How long running answers may take after a shutdown was asked for.
    pub grace: Duration,
}

impl Options {
    /// Returns the defaults with this token: a free loopback port, bodies of up to 256 MB, 5 s grace.
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertise: None,
            token: token.into(),
            max_body: 256 << 20,
            servers: BTreeMap::new(),
            outbound: Outbound::default(),
            intercept: None,
            grace: Duration::from_secs(5),
        }
    }
}

/// Why the listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The address can't be bound.
    #[error("can't listen on {addr} ({source}); choose another address with `[capture] bind`")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The certificate authority of the run can't be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// The way to a listener as a forward proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// The proxy's address with the run token, such as `http://rewind:TOKEN@127.0.0.1:4321`.
    pub url: String,
    /// The certificate, in PEM, of the authority that signs for all hosts.
    pub ca: String,
    /// Its host and port for programs on the JVM, which are admitted without the token; `None` where they are not.
    pub jvm: Option<(String, u16)>,
}

/// A running listener; dropping it ends it at once.
#[derive(Debug)]
pub struct Proxy {
    unread: Arc<Mutex<BTreeMap<String, Unread>>>,
    addr: SocketAddr,
    base: String,
    door: Option<Door>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts to listen, on the current tokio runtime.
    ///
    /// # Errors
    /// [`ProxyError::Bind`] where the address can't be bound.
    pub async fn start(
        options: Options,
        responder: Arc<dyn Responder>,
    ) -> Result<Self, ProxyError> {
        let at = |source| ProxyError::Bind {
            addr: options.bind,
            source,
        };
        let listener = TcpListener::bind(options.bind).await.map_err(at)?;
        let addr = listener.local_addr().map_err(at)?;
        let base = match options.token.as_str() {
            "" => format!("http://{}", host(addr, &options)),
            token => format!("http://{}/r/{token}", host(addr, &options)),
        };
        let (stop, stopped) = watch::channel(false);
        let grace = options.grace;
        let unread = Arc::default();
        let forward = match options.intercept.clone() {
            Some(interception) => Some(Forward {
                authority: Authority::new()?,
                interception,
                own: addr,
                unread: Arc::clone(&unread),
            }),
            None => None,
        };
        let door = forward.as_ref().map(|forward| Door {
            url: format!("http://rewind:{}@{}", options.token, host(addr, &options)),
            ca: forward.authority.pem().to_owned(),
            jvm: forward.interception.admits_jvm.then(|| {
                let host = host(addr, &options);
                let (name, port) = host.rsplit_once(':').unwrap_or((&host, ""));
                (name.to_owned(), port.parse().unwrap_or(addr.port()))
            }),
        });
        let shared = Arc::new(Shared {
            responder,
            forward,
            token: options.token,
            max_body: options.max_body,
        });
        let task = tokio::spawn(accept(listener, shared, stopped, grace));
        Ok(Self {
            unread,
            addr,
            base,
            door,
            stop,
            task,
        })
    }

    /// Returns the address that is bound.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the base URL for the agent, such as `http://127.0.0.1:40001/r/TOKEN`, without a final slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the way to it as a forward proxy; `None` where it is none.
    pub fn door(&self) -> Option<&Door> {
        self.door.as_ref()
    }

    /// Returns the hosts whose connections passed unread, and why.
    pub fn unread(&self) -> BTreeMap<String, Unread> {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.clone()
    }

    /// Takes no more requests, lets running answers end within the grace time, and returns.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await
            && error.is_panic()
        {
            tracing::error!("the listener panicked: {error}");
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns host and port as the agent is to name them.
fn host(addr: SocketAddr, options: &Options) -> String {
    match &options.advertise {
        Some(host) if host.rsplit(':').next().is_some_and(is_port) && host.contains(':') => {
            host.clone()
        }
        Some(host) => format!("{host}:{}", addr.port()),
        None if addr.ip().is_unspecified() => format!("127.0.0.1:{}", addr.port()),
        None => addr.to_string(),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// Accepts connections until `stopped`, then waits for those that are open.
async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
    grace: Duration,
) {
    let mut connections = JoinSet::new();
    let for_connections = stopped.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, Arc::clone(&shared), for_connections.clone()));
                }
                // Out of file descriptors, or the client left at once: others may still be served.
                Err(error) => {
                    tracing::warn!("can't accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => note(ended),
            () = stop(&mut stopped) => break,
        }
    }
    drop(listener);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    };
    if tokio::time::timeout(grace, all_ended).await.is_err() {
        tracing::warn!(
            "{} answers were cut off at the end of the run",
            connections.len()
        );
    }
    connections.shutdown().await;
}

/// Waits until the listener is to stop, or its handle is gone.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _asked_or_dropped = stopped.wait_for(|stop| *stop).await.is_ok();
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!("a connection ended in a panic: {error}");
    }
}

/// Serves one connection until either side closes it.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("can't set TCP_NODELAY: {error}");
    }
    let here = match stream.local_addr() {
        Ok(here) => here,
        Err(error) => {
            tracing::debug!("a connection has no address any more: {error}");
            return;
        }
    };
    match serve_http(stream, &shared, Via::Client { peer, here }, &mut stopped).await {
        Some(Opened::Tunnel(tunnel)) => tunnel.run(&shared, &mut stopped).await,
        Some(Opened::Socket(upgrade, run)) => socket(upgrade, run, &mut stopped).await,
        None => {}
    }
}

/// Lets a WebSocket run until it ends or the listener stops.
async fn socket(upgrade: OnUpgrade, run: OnSocket, stopped: &mut watch::Receiver<bool>) {
    let io = match upgrade.await {
        Ok(upgraded) => TokioIo::new(upgraded),
        Err(error) => {
            tracing::debug!("the client left before its WebSocket was open: {error}");
            return;
        }
    };
    let socket = Socket::to_client(io).await;
    tokio::select! {
        biased;
        () = run(socket) => {}
        () = stop(stopped) => {}
    }
}

/// Serves the requests of one stream; returns what the last one opened.
async fn serve_http<S>(
    stream: S,
    shared: &Arc<Shared>,
    via: Via,
    stopped: &mut watch::Receiver<bool>,
) -> Option<Opened>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let around = Around {
        flushes: Flushes::default(),
        via,
        opened: Arc::default(),
    };
    let socket = Flushed::new(stream, around.flushes.clone());
    let service = service_fn(|request| serve(Arc::clone(shared), around.clone(), request));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            // An agent may think for minutes between two requests on one connection.
            .header_read_timeout(None)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop(stopped) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        // The client left, sent rubbish, or an answer broke off: all are ordinary here.
        tracing::debug!("connection closed: {error}");
    }
    let mut opened = around.opened.lock().unwrap_or_else(PoisonError::into_inner);
    opened.take()
}

/// How long accepting pauses after it failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// The most headers of one request.
const MAX_HEADERS: usize = 256;
/// The most bytes of all headers of one request.
const MAX_HEADER_BYTES: usize = 128 << 10;

#[cfg(test)]
mod tests;
