//! Bytes that no honest client sends: before the door, in a tunnel, in TLS and on a WebSocket.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::*;
use crate::proxy::testing::{read_until, start_with};

/// What is sent where.
#[derive(Clone, Debug)]
enum Place {
    /// At once.
    Door,
    /// As a request to another host, with the token.
    Through,
    /// In a tunnel.
    Tunnel,
    /// In a tunnel, as if TLS began.
    Tls,
    /// On an open WebSocket.
    Socket,
}

/// Pieces that mean something to a reader of HTTP, of TLS or of frames, and some that mean nothing.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "GET /r/t0ken/v1/models HTTP/1.1\r\n",
        "POST /r/wrong/v1/chat/completions HTTP/1.1\r\n",
        "GET http://weather.test/ HTTP/1.1\r\n",
        "CONNECT weather.test:443 HTTP/1.1\r\n",
        "CONNECT weather.test:0x1bb HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/9.9\r\n",
        "host: x\r\n",
        "host: x\r\nhost: y\r\n",
        "content-length: 5\r\n",
        "content-length: 5, 6\r\n",
        "content-length: -1\r\n",
        "content-length: 99999999999999999999\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "upgrade: websocket\r\nconnection: upgrade\r\n",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "proxy-authorization: Basic cmV3aW5kOnQwa2Vu\r\n",
        "proxy-authorization: Basic !!!\r\n",
        "x:\r\n folded\r\n",
        "x: a\nb: c\r\n",
        "\r\n",
        "\r\n\r\n",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "ffffffffffffffff\r\n",
        "\u{16}\u{3}\u{1}",
        "\u{81}\u{fe}\u{ff}\u{ff}",
    ]);
    let random = prop::collection::vec(any::<u8>(), 0..40);
    let piece = prop_oneof![3 => known.prop_map(|text| text.as_bytes().to_vec()), 1 => random];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn places() -> impl Strategy<Value = Place> {
    prop::sample::select(vec![
        Place::Door,
        Place::Through,
        Place::Tunnel,
        Place::Tls,
        Place::Socket,
    ])
}

/// Sends the bytes to their place and the end behind them, and reads what comes until the other side ends.
async fn attack(proxy: &Proxy, place: &Place, bytes: &[u8]) {
    let token = STANDARD.encode(format!("rewind:{TOKEN}"));
    let door = format!("proxy-authorization: Basic {token}\r\n");
    let mut client = connect(proxy).await;
    let (before, awaited) = match place {
        Place::Door => (String::new(), ""),
        Place::Through => (format!("GET http://weather.test/ HTTP/1.1\r\n{door}"), ""),
        Place::Tunnel | Place::Tls => {
            let asked = format!("CONNECT weather.test:443 HTTP/1.1\r\n{door}\r\n");
            (asked, "\r\n\r\n")
        }
        Place::Socket => {
            let key =
                "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let asked = format!(
                "GET http://weather.test/live HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n{key}{door}\r\n"
            );
            (asked, "\r\n\r\n")
        }
    };
    client.write_all(before.as_bytes()).await.unwrap();
    if !awaited.is_empty() {
        read_until(&mut client, awaited).await;
    }
    if matches!(place, Place::Tls) {
        drop(client.write_all(&[0x16, 3, 1]).await);
    }
    // The other side may have hung up on the first bytes.
    drop(client.write_all(bytes).await);
    drop(client.shutdown().await);
    crate::proxy::testing::read_to_end(&mut client).await;
}

#[test]
fn no_bytes_do_harm_or_get_past_the_token() {
    let runtime = Runtime::new().unwrap();
    let strangers = Arc::new(AtomicU32::new(0));
    let proxy = runtime.block_on(async {
        let strangers = Arc::clone(&strangers);
        let options = Options {
            intercept: Some(Interception::default()),
            ..Options::new(TOKEN)
        };
        start_with(options, move |incoming: Incoming| {
            // Another host may have such paths.
            let is_own = incoming.origin.is_none();
            let is_wrong =
                is_own && (incoming.path.contains("wrong") || incoming.path.contains("/r/"));
            strangers.fetch_add(u32::from(is_wrong), Ordering::Relaxed);
            if incoming.is_socket {
                return Answer::open(HeaderMap::new(), |mut socket| {
                    Box::pin(async move { while let Some(Ok(_)) = socket.next().await {} })
                });
            }
            echo(&incoming)
        })
        .await
    });
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&(places(), pieces()), |(place, bytes)| {
        runtime.block_on(async {
            attack(&proxy, &place, &bytes).await;
            let answer = exchange(&proxy, post("hello").as_bytes()).await;
            prop_assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            prop_assert!(answer.ends_with("openai hello"), "{answer}");
            Ok(())
        })
    });
    outcome.unwrap();
    assert_eq!(strangers.load(Ordering::Relaxed), 0);
    runtime.block_on(proxy.shutdown());
}
