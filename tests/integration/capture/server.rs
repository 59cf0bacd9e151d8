//! A server behind TLS that nobody trusts unless told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

/// `https://weather.test` and `https://hotels.test` on a loopback port: a forecast, and orders that are counted.
pub(super) struct Weather {
    pub(super) addr: SocketAddr,
    /// The server's certificate, which nobody trusts unless told.
    pub(super) certificate: String,
    /// The first lines of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Weather {
    pub(super) fn start() -> Self {
        let made = certified(&NAMES);
        let config = config(&made);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let weather = Self {
            addr: listener.local_addr().unwrap(),
            certificate: made.cert.pem(),
            asked: Arc::default(),
        };
        let asked = Arc::clone(&weather.asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, asked) = (Arc::clone(&config), Arc::clone(&asked));
                thread::spawn(move || answer(stream, config, &asked));
            }
        });
        weather
    }

    /// Returns what was asked so far, and forgets it.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Returns a certificate for these names that nobody trusts unless told, and its key.
pub(super) fn certified(names: &[&str]) -> CertifiedKey<KeyPair> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    rcgen::generate_simple_self_signed(names).unwrap()
}

/// Returns how a server with this certificate answers.
pub(super) fn config(made: &CertifiedKey<KeyPair>) -> Arc<ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key));
    Arc::new(config.unwrap())
}

/// Answers one request and closes.
fn answer(stream: TcpStream, config: Arc<ServerConfig>, asked: &Mutex<Vec<String>>) {
    let connection = ServerConnection::new(config).unwrap();
    let mut tls = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if tls.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    tls.read_exact(&mut vec![0; length]).unwrap();
    assert!(!head.contains("proxy-authorization"), "{head}");
    asked
        .lock()
        .unwrap()
        .push(head.lines().next().unwrap().to_owned());
    let body = if head.starts_with("post") {
        json!({"order": 7})
    } else {
        json!({"sky": "grey"})
    };
    let (kind, body) = if head.starts_with("get /sse ") {
        ("text/event-stream", "data: grey\n\n".to_owned())
    } else {
        ("application/json", body.to_string())
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tls.write_all(answer.as_bytes()).unwrap();
    tls.conn.send_close_notify();
    tls.flush().unwrap();
}

/// The names that the certificate is for.
const NAMES: [&str; 2] = ["weather.test", "hotels.test"];
