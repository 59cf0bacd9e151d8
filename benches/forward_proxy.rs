//! The forward proxy beside mitmproxy: the same requests over TLS, recorded by both and then served by both while
//! the server is down.
//!
//! `MITMDUMP` names the program of mitmproxy; without it only our own half is measured. The client is this bench
//! itself, started with `--client` by whichever records or serves: one connection, one request after the other.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench fails loudly and prints its table"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "what the benches share is not used by all of them"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{Stream, StreamOwned};
use support::process::{PROGRAM, bare};
use support::{micros, quantile};
use tempfile::TempDir;

/// How many requests a client makes.
const REQUESTS: usize = 500;
/// How often each is measured; the best counts, since others may use the machine.
const ROUNDS: usize = 3;
/// The host that the client asks for; its port is the server's.
const HOST: &str = "localhost";

/// What a client took: the middle of its requests, and all of them.
#[derive(Clone, Copy)]
struct Taken {
    p50: Duration,
    all: Duration,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "--client") {
        return client(&arguments[2]);
    }
    let sizes = [(2 << 10, "2 KB"), (100 << 10, "100 KB")];
    println!(
        "| answers | way | recorded p50 (us) | recorded req/s | served p50 (us) | served req/s |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for (size, name) in sizes {
        let folder = tempfile::tempdir().expect("a folder");
        let addr = server(&folder, size);
        let direct = best(|| direct(&folder, addr));
        println!(
            "| {name} | direct | {} | {:.0} | | |",
            micros(direct.p50),
            rate(direct)
        );
        let recorded = best(|| own(&folder, addr, &["record", "--name", "bench", "--"]));
        let served = best(|| own(&folder, addr, &["replay", "bench", "--offline", "--"]));
        row(name, "rewind", recorded, served);
        let Some(mitmdump) = std::env::var_os("MITMDUMP") else {
            continue;
        };
        let mitmdump = mitmdump.to_string_lossy().into_owned();
        let flows = folder.path().join("flows").display().to_string();
        let record = ["--save-stream-file", &flows, "--ssl-insecure"];
        let theirs = best(|| peer(&folder, &mitmdump, addr, &record));
        let serve = [
            "--server-replay",
            &flows,
            "--server-replay-reuse",
            "--server-replay-kill-extra",
        ];
        let replayed = best(|| peer(&folder, &mitmdump, addr, &serve));
        row(name, "mitmproxy", theirs, replayed);
        println!(
            "| {name} | ratio of rates | | {:.1} | | {:.1} |",
            rate(recorded) / rate(theirs),
            rate(served) / rate(replayed)
        );
    }
}

fn row(size: &str, way: &str, recorded: Taken, served: Taken) {
    println!(
        "| {size} | {way} | {} | {:.0} | {} | {:.0} |",
        micros(recorded.p50),
        rate(recorded),
        micros(served.p50),
        rate(served)
    );
}

fn best(mut measure: impl FnMut() -> Taken) -> Taken {
    let rounds = (0..ROUNDS).map(|_round| measure());
    rounds.min_by_key(|taken| taken.all).expect("a round")
}

fn rate(taken: Taken) -> f64 {
    f64::from(u32::try_from(REQUESTS).expect("a small number")) / taken.all.as_secs_f64()
}

/// Runs the client without a proxy.
fn direct(folder: &TempDir, server: SocketAddr) -> Taken {
    let mut command = bare(&me(), folder);
    command.env("SSL_CERT_FILE", folder.path().join("server.pem"));
    taken(command.args(["--client", &server.port().to_string()]))
}

/// Runs the client by our program with these words before its command.
fn own(folder: &TempDir, server: SocketAddr, words: &[&str]) -> Taken {
    let config = format!(
        "[capture]\nproxy = true\nupstream_ca = \"server.pem\"\nresolve = {{ \"{HOST}\" = \"{server}\" }}\n"
    );
    fs::write(folder.path().join("rewind.toml"), config).expect("a file");
    let mut command = bare(PROGRAM, folder);
    let client = [&me(), "--client", &server.port().to_string()].map(str::to_owned);
    taken(command.args(words).args(client))
}

/// Runs the client by mitmproxy with these options.
fn peer(folder: &TempDir, program: &str, server: SocketAddr, options: &[&str]) -> Taken {
    let home = folder.path().join("mitmproxy");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let mut command = bare(program, folder);
    let confdir = format!("confdir={}", home.display());
    command.args(["--quiet", "--listen-host", "127.0.0.1", "--set", &confdir]);
    command
        .args(["--listen-port", &address.port().to_string()])
        .args(options);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().expect("mitmdump starts"));
    while TcpStream::connect(address).is_err() {
        thread::yield_now();
    }
    let mut command = bare(&me(), folder);
    command
        .env("HTTPS_PROXY", format!("http://x:y@{address}"))
        .env("SSL_CERT_FILE", home.join("mitmproxy-ca-cert.pem"));
    let taken = taken(command.args(["--client", &server.port().to_string()]));
    drop(running);
    taken
}

/// A process that ends with this value, and has written what it had to.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        let signal = rustix::process::Signal::INT;
        let _gone = rustix::process::kill_process(pid, signal).is_err();
        drop(self.0.wait());
    }
}

fn me() -> String {
    let me = std::env::current_exe().expect("this program");
    me.display().to_string()
}

/// Runs a command that runs the client, and reads what the client has measured.
fn taken(command: &mut Command) -> Taken {
    let output = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("taken "));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(line.is_some(), "{command:?}: {text}{said}");
    let line = line.expect("a line");
    let mut numbers = line
        .split(' ')
        .map(|number| number.parse().expect("a number"));
    let mut next = || Duration::from_nanos(numbers.next().expect("two numbers"));
    Taken {
        p50: next(),
        all: next(),
    }
}

/// Starts the server, which answers every request with so many bytes, and writes its certificate.
fn server(folder: &TempDir, size: usize) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
    fs::write(folder.path().join("server.pem"), made.cert.pem()).expect("a file");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate that fits its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            drop(stream.set_nodelay(true));
            thread::spawn(move || answer(StreamOwned::new(connection, stream), size));
        }
    });
    addr
}

fn answer(tls: StreamOwned<ServerConnection, TcpStream>, size: usize) {
    let items =
        (0..).map(|n| format!("{{\"id\":{n},\"name\":\"a flight to Oslo\",\"price\":{n}.5}},"));
    let mut body = String::from("[");
    items
        .take_while(|item| {
            body.push_str(item);
            body.len() < size - 100
        })
        .for_each(drop);
    body.push_str(&" ".repeat(size - body.len() - 3));
    body.push_str("{}]");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n{body}"
    );
    let mut tls = BufReader::new(tls);
    loop {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if tls.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        if tls.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Asks the server at this port by the proxy of the environment, and prints how long it took.
fn client(port: &str) {
    let mut environment: BTreeMap<String, String> = std::env::vars().collect();
    let port: u16 = port.parse().expect("a port");
    let mut roots = RootCertStore::empty();
    let file = environment.remove("SSL_CERT_FILE").expect("SSL_CERT_FILE");
    let certificates = CertificateDer::pem_file_iter(file).expect("certificates");
    roots.add_parsable_certificates(certificates.flatten());
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut stream = match environment.remove("HTTPS_PROXY") {
        Some(proxy) => tunnel(&proxy, port),
        None => TcpStream::connect(("127.0.0.1", port)).expect("the server"),
    };
    stream.set_nodelay(true).expect("a socket");
    let name = ServerName::try_from(HOST).expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut tls = Stream::new(&mut connection, &mut stream);
    let mut each = Vec::with_capacity(REQUESTS);
    let mut all = Duration::ZERO;
    for number in 0..REQUESTS {
        let began = Instant::now();
        let request = format!("GET /n?number={number} HTTP/1.1\r\nhost: {HOST}:{port}\r\n\r\n");
        tls.write_all(request.as_bytes())
            .expect("the request goes out");
        read_answer(&mut tls);
        let took = began.elapsed();
        all += took;
        each.push(took);
    }
    each.sort_unstable();
    println!(
        "taken {} {}",
        quantile(&each, 0.5).as_nanos(),
        all.as_nanos()
    );
}

/// Opens a tunnel by a proxy of the form `http://user:password@host:port`.
fn tunnel(proxy: &str, port: u16) -> TcpStream {
    let rest = proxy.trim_start_matches("http://").trim_end_matches('/');
    let (user, address) = rest.rsplit_once('@').expect("a user");
    let mut stream = TcpStream::connect(address).expect("the proxy");
    let authority = format!("{HOST}:{port}");
    let user = STANDARD.encode(user);
    let asked = format!(
        "CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\nproxy-authorization: Basic {user}\r\n\r\n"
    );
    stream
        .write_all(asked.as_bytes())
        .expect("the proxy listens");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the proxy answers");
        head.push(byte[0]);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream
}

/// Reads one answer with a `content-length`.
fn read_answer(stream: &mut impl Read) {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    let mut end = None;
    loop {
        let count = stream.read(&mut piece).expect("an answer");
        assert!(count > 0, "the connection ended");
        bytes.extend_from_slice(&piece[..count]);
        if end.is_none()
            && let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").trim().parse().expect("a number");
            end = Some(at + 4 + length);
        }
        if end.is_some_and(|end| bytes.len() >= end) {
            return;
        }
    }
}
