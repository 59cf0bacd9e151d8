//! A provider for tests: plain HTTP/1.1 on a loopback port, answering what a closure says.
//!
//! One thread a connection, keep-alive, nothing clever; every request is kept for the test to count.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// The method.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// The headers, lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// How many requests came before.
    pub(crate) nth: usize,
}

impl Received {
    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A piece of an answer.
pub(crate) enum Piece {
    /// Bytes, sent at once.
    Send(Vec<u8>),
    /// Goes on when the test says so; the connection closes when the test has gone.
    Await(Receiver<()>),
    /// The connection breaks off.
    Break,
}

/// A running provider; its threads end with the test.
pub(crate) struct Upstream {
    addr: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Upstream {
    /// Starts a provider that answers each request with what `answer` returns.
    pub(crate) fn start(answer: impl Fn(&Received) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&received));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                thread::spawn(move || serve(&stream, answer.as_ref(), &kept));
            }
        });
        Self { addr, received }
    }

    /// Returns its base URL, such as `http://127.0.0.1:4321/v1`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Returns the requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Returns an answer with a JSON body.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Vec<Piece> {
    whole(
        status,
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
}

/// Returns an answer with a body of known length.
pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Piece> {
    let mut head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    vec![Piece::Send([head.as_bytes(), body].concat())]
}

/// Returns the head of a stream of events.
pub(crate) fn stream_head() -> Piece {
    Piece::Send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec(),
    )
}

/// Returns a chunk of a chunked body.
pub(crate) fn chunk(text: &str) -> Piece {
    Piece::Send(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}

/// Returns the end of a chunked body.
pub(crate) fn last_chunk() -> Piece {
    Piece::Send(b"0\r\n\r\n".to_vec())
}

fn serve(
    stream: &TcpStream,
    answer: &(dyn Fn(&Received) -> Vec<Piece> + Send + Sync),
    kept: &Mutex<Vec<Received>>,
) {
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read_request(&mut reader) {
        {
            let mut kept = kept.lock().unwrap();
            request.nth = kept.len();
            kept.push(request.clone());
        }
        for piece in answer(&request) {
            let is_open = match piece {
                Piece::Send(bytes) => (&*stream).write_all(&bytes).is_ok(),
                Piece::Await(go) => go.recv().is_ok(),
                Piece::Break => stream.shutdown(Shutdown::Both).is_err(),
            };
            if !is_open {
                return;
            }
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let mut request = Received {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        ..Received::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = request
        .header("content-length")
        .map_or(Some(0), |length| length.parse().ok())?;
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
