//! Parts for the tests of this folder: a provider that follows a script, raw clients, encoders.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{Answer, Credential, Incoming, Options, Proxy, Responder};

/// Returns `body` in the coding(s), as a server would send it.
pub(super) fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    coding
        .split(',')
        .map(str::trim)
        .fold(body.to_vec(), |body, coding| match coding {
            "gzip" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(&body).unwrap();
                encoder.finish().unwrap()
            }
            "deflate" => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(&body).unwrap();
                encoder.finish().unwrap()
            }
            "raw-deflate" => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(&body).unwrap();
                encoder.finish().unwrap()
            }
            "br" => {
                let mut out = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
                encoder.write_all(&body).unwrap();
                drop(encoder);
                out
            }
            "zstd" => zstd::encode_all(body.as_slice(), 3).unwrap(),
            other => panic!("no encoder for {other}"),
        })
}

/// Returns a POST as the listener would hand it on.
pub(super) fn incoming(path: &str, body: &str) -> Incoming {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Incoming {
        method: Method::POST,
        path: path.to_owned(),
        provider: "openai".to_owned(),
        origin: None,
        is_socket: false,
        headers: HeaderMap::new(),
        raw_body: body.clone(),
        body,
        credential: Credential::Placeholder,
        arrived: Instant::now(),
    }
}

/// What a provider does on one connection after it read a request.
pub(super) enum Act {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Waits until the test gives a permit.
    Wait,
    /// Waits until the other side has closed the connection, and tells the test.
    AwaitClose,
    /// Closes the connection.
    Close,
}

/// A provider on a real socket: answers each request with the next script.
pub(super) struct Provider {
    pub(super) addr: SocketAddr,
    /// The requests as they came, head and body.
    pub(super) requests: mpsc::Receiver<String>,
    /// Lets a script go on behind [`Act::Wait`].
    pub(super) permits: mpsc::Sender<()>,
    /// Tells that [`Act::AwaitClose`] has seen the end.
    pub(super) closed: mpsc::Receiver<()>,
}

impl Provider {
    pub(super) async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (request_sender, requests) = mpsc::channel(64);
        let (permits, permit_receiver) = mpsc::channel(64);
        let (closed_sender, closed) = mpsc::channel(64);
        let scripts = Arc::new(Mutex::new(VecDeque::from(scripts)));
        let permit_receiver = Arc::new(tokio::sync::Mutex::new(permit_receiver));
        tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let scripts = Arc::clone(&scripts);
                let permits = Arc::clone(&permit_receiver);
                let (requests, closed) = (request_sender.clone(), closed_sender.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    while let Some(request) = read_message(&mut stream).await {
                        let script = scripts.lock().unwrap().pop_front();
                        requests.send(request).await.unwrap();
                        for act in script.expect("a script for each request") {
                            match act {
                                Act::Write(bytes) => stream.write_all(&bytes).await.unwrap(),
                                Act::Wait => permits.lock().await.recv().await.unwrap(),
                                Act::AwaitClose => {
                                    let mut rest = Vec::new();
                                    let _end_or_reset = stream.read_to_end(&mut rest).await;
                                    closed.send(()).await.unwrap();
                                    return;
                                }
                                Act::Close => return,
                            }
                        }
                    }
                });
            }
        });
        Self {
            addr,
            requests,
            permits,
            closed,
        }
    }
}

/// Reads one message with its body by `content-length` or `chunked`; `None` at the end of the connection.
pub(super) async fn read_message(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(position) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break position + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |value| value.trim().parse::<usize>().unwrap());
    let is_chunked = head.contains("transfer-encoding: chunked");
    loop {
        let is_whole = if is_chunked {
            bytes[head_end..].ends_with(b"0\r\n\r\n")
        } else {
            bytes.len() >= head_end + length
        };
        if is_whole {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Reads until `text` was seen; panics with what came where the connection ends before.
pub(super) async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut bytes = Vec::new();
    loop {
        let read = String::from_utf8_lossy(&bytes).into_owned();
        if read.contains(text) {
            return read;
        }
        let count = stream.read_buf(&mut bytes).await.unwrap();
        assert!(count > 0, "the connection ended after {read:?}");
    }
}

/// Reads to the end of the connection, an orderly one or not.
pub(super) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut bytes).await {}
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Answers with a function.
pub(super) struct With<F>(pub(super) F);

impl<F> Responder for With<F>
where
    F: Fn(Incoming) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
{
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        (self.0)(incoming)
    }
}

/// The run token of the tests.
pub(super) const TOKEN: &str = "t0ken";

/// Starts a listener that answers with a function that needs no waiting.
pub(super) async fn start(answer: impl Fn(Incoming) -> Answer + Send + Sync + 'static) -> Proxy {
    start_with(Options::new(TOKEN), answer).await
}

/// Starts a listener with these options that answers with a function that needs no waiting.
pub(super) async fn start_with(
    options: Options,
    answer: impl Fn(Incoming) -> Answer + Send + Sync + 'static,
) -> Proxy {
    let responder = With(move |incoming| std::future::ready(answer(incoming)).boxed());
    Proxy::start(options, Arc::new(responder)).await.unwrap()
}
