//! A keep-alive HTTP/1.1 client over blocking sockets: it sends prepared bytes and finds the end of the answer,
//! nothing more, so that what is measured is the server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// A connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            buffer: vec![0; 1 << 20],
        }
    }

    /// Sends a request and reads its answer to the end; returns the answer.
    pub fn exchange(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("the server reads");
        let mut filled = 0;
        let mut head = None;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let count = self
                .stream
                .read(&mut self.buffer[filled..])
                .expect("the server answers");
            assert!(
                count > 0,
                "the server closed: {}",
                String::from_utf8_lossy(&self.buffer[..filled])
            );
            filled += count;
            let seen = &self.buffer[..filled];
            head = head.or_else(|| Head::read(seen));
            if head.as_ref().is_some_and(|head| head.is_whole(seen)) {
                return &self.buffer[..filled];
            }
        }
    }
}

/// Where the head of an answer ends, and its length where it is told.
struct Head {
    end: usize,
    length: Option<usize>,
}

impl Head {
    fn read(seen: &[u8]) -> Option<Self> {
        let end = seen.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
        assert!(
            text.starts_with("http/1.1 200"),
            "{}",
            String::from_utf8_lossy(seen)
        );
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|value| value.trim().parse().ok());
        Some(Self { end, length })
    }

    fn is_whole(&self, seen: &[u8]) -> bool {
        match self.length {
            Some(length) => seen.len() >= self.end + length,
            None => seen.ends_with(b"0\r\n\r\n"),
        }
    }
}

/// What a run over a server took.
#[derive(Default)]
pub struct Taken {
    /// The time of each exchange.
    pub each: Vec<Duration>,
    /// Exchanges a second, one value a round.
    pub rates: Vec<f64>,
}

/// Sends every request once, spread over `clients` connections that begin together.
pub fn run(addr: SocketAddr, requests: &[Vec<u8>], clients: usize, taken: &mut Taken) {
    let barrier = Barrier::new(clients + 1);
    let (each, whole) = thread::scope(|scope| {
        let workers: Vec<_> = (0..clients)
            .map(|first| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut client = Client::connect(addr);
                    barrier.wait();
                    let mine = requests.iter().skip(first).step_by(clients);
                    mine.map(|request| {
                        let began = Instant::now();
                        client.exchange(request);
                        began.elapsed()
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        barrier.wait();
        let began = Instant::now();
        let each: Vec<Duration> = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("no panic"))
            .collect();
        (each, began.elapsed())
    });
    #[expect(clippy::cast_precision_loss, reason = "some hundred requests")]
    taken
        .rates
        .push(requests.len() as f64 / whole.as_secs_f64());
    taken.each.extend(each);
}
