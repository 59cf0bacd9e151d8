//! Hosts that speak HTTP/2 and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tokio_rustls::TlsAcceptor;

use super::server::{certified, config};
use crate::support::App;

/// Starts `https://two.test`, which answers `two` over HTTP/2; returns its address and its certificate.
fn start() -> (SocketAddr, String) {
    let made = certified(&["two.test"]);
    let mut own = Arc::unwrap_or_clone(config(&made));
    own.alpn_protocols = vec![b"h2".to_vec()];
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(own));
            while let Ok((stream, _peer)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_request, mut respond))) = connection.accept().await {
                    let mut body = respond
                        .send_response(http::Response::new(()), false)
                        .unwrap();
                    body.send_data("two".into(), true).unwrap();
                }
            }
        });
    });
    (addr, made.cert.pem())
}

#[test]
fn a_host_that_speaks_http_2_is_reached_recorded_and_served() {
    let app = App::new();
    let (addr, certificate) = start();
    app.write("two.pem", &certificate);
    let config = format!(
        "[capture]\nproxy = true\nupstream_ca = \"two.pem\"\nresolve = {{ \"two.test\" = \"{addr}\" }}\n"
    );
    app.write("rewind.toml", &config);
    let command = ["--", "curl", "-sS", "https://two.test/"];
    let run = app
        .run(["record", "--name", "two"].iter().chain(&command))
        .exits(0);
    assert!(
        run.stdout.starts_with("two"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let replay = app
        .run(["replay", "two", "--offline"].iter().chain(&command))
        .exits(0);
    assert!(replay.stdout.starts_with("two"), "{}", replay.stdout);
}
