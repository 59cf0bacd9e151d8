//! A tunnel of the forward proxy: opened to be read, or passed on untouched.
//!
//! What a client begins with tells what it speaks: a TLS handshake is answered with a certificate of the
//! run, a method's name is HTTP without TLS (Node tunnels that, too). Anything else is closed.

use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::forward::{Forward, Target};
use super::serve::{Opened, Shared, Via};
use super::{serve_http, socket, stop};
use crate::proxy::Unread;

/// A tunnel that a client was promised.
pub(super) struct Tunnel {
    pub(super) upgrade: OnUpgrade,
    pub(super) target: Target,
    pub(super) passes: bool,
}

impl Tunnel {
    /// Serves the tunnel until either side closes it.
    pub(super) async fn run(self, shared: &Arc<Shared>, stopped: &mut watch::Receiver<bool>) {
        let Some(forward) = &shared.forward else {
            return;
        };
        let io = match self.upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!("the client left before its tunnel was open: {error}");
                return;
            }
        };
        let host = self.target.host.clone();
        let ended = if self.passes {
            tokio::select! {
                ended = pass(io, &self.target, forward) => ended,
                () = stop(stopped) => Ok(()),
            }
        } else {
            read(io, self.target, (shared, forward), stopped).await
        };
        if let Err(error) = ended {
            tracing::debug!("a connection to {host} was not recorded: {error}");
            let why = if is_refusal(&error) && !self.passes {
                if forward.interception.passes_pinned {
                    Unread::Pinned
                } else {
                    Unread::CutOff("its client refuses the certificate of the run".to_owned())
                }
            } else {
                Unread::CutOff(error.to_string())
            };
            forward.note(&host, why);
        }
    }
}

/// Opens a tunnel and serves the requests in it.
async fn read<S>(
    mut io: S,
    mut target: Target,
    (shared, forward): (&Arc<Shared>, &Forward),
    stopped: &mut watch::Receiver<bool>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut first = [0];
    let count = tokio::select! {
        read = io.read(&mut first) => read?,
        () = stop(stopped) => 0,
    };
    if count == 0 {
        return Ok(());
    }
    let (reader, writer) = tokio::io::split(io);
    let io = tokio::io::join(Cursor::new(first).chain(reader), writer);
    if first == [TLS_HANDSHAKE] {
        let config = forward
            .authority
            .server(&target.host)
            .map_err(io::Error::other)?;
        let stream = tokio::select! {
            accepted = TlsAcceptor::from(config).accept(io) => accepted?,
            () = stop(stopped) => return Ok(()),
        };
        target.is_tls = true;
        inside(stream, shared, target, stopped).await;
    } else if first.iter().all(u8::is_ascii_uppercase) {
        inside(io, shared, target, stopped).await;
    } else {
        return Err(io::Error::other("it speaks neither TLS nor HTTP"));
    }
    Ok(())
}

/// Serves the requests to the target, and the WebSocket that the last of them opened.
async fn inside<S>(io: S, shared: &Arc<Shared>, target: Target, stopped: &mut watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match serve_http(io, shared, Via::Tunnel(Arc::new(target)), stopped).await {
        Some(Opened::Socket(upgrade, run)) => socket(upgrade, run, stopped).await,
        // There is no tunnel within a tunnel.
        Some(Opened::Tunnel(_)) | None => {}
    }
}

/// Returns whether a handshake failed because the client does not take the certificate.
fn is_refusal(error: &io::Error) -> bool {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => [
            AlertDescription::BadCertificate,
            AlertDescription::UnsupportedCertificate,
            AlertDescription::CertificateUnknown,
            AlertDescription::UnknownCA,
            AlertDescription::AccessDenied,
        ]
        .contains(alert),
        // Some hang up without a word.
        Some(_) | None => error.kind() == io::ErrorKind::UnexpectedEof,
    }
}

/// Passes everything on, in both directions.
async fn pass<S>(mut io: S, target: &Target, forward: &Forward) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let resolved = forward.interception.outbound.resolve.get(&target.host);
    let mut upstream = match resolved {
        Some(addr) => TcpStream::connect(at_port(*addr, target.port)).await?,
        None => TcpStream::connect((target.host.as_str(), target.port)).await?,
    };
    upstream.set_nodelay(true)?;
    if let Err(error) = tokio::io::copy_bidirectional(&mut io, &mut upstream).await {
        tracing::debug!("a tunnel to {} ended: {error}", target.host);
    }
    Ok(())
}

/// Returns the address with its own port, or where it has none with this one.
fn at_port(mut addr: SocketAddr, port: u16) -> SocketAddr {
    if addr.port() == 0 {
        addr.set_port(port);
    }
    addr
}

/// What a TLS connection begins with.
const TLS_HANDSHAKE: u8 = 0x16;
