//! The listener on real sockets, with clients that frame their requests by hand.

mod answers;
mod connections;
mod hostile;
mod requests;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::*;
use crate::proxy::testing::{TOKEN, read_message};
use crate::proxy::{Answer, AnswerBody, Incoming};

fn answer(body: AnswerBody) -> Answer {
    Answer::new(StatusCode::OK, HeaderMap::new(), body)
}

/// Answers with what was asked: method, path, provider and body.
fn echo(incoming: &Incoming) -> Answer {
    let text = format!(
        "{} {} {} {}",
        incoming.method,
        incoming.path,
        incoming.provider,
        String::from_utf8_lossy(&incoming.body)
    );
    answer(AnswerBody::Full(Bytes::from(text)))
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.addr()).await.unwrap()
}

async fn exchange(proxy: &Proxy, request: &[u8]) -> String {
    let mut client = connect(proxy).await;
    client.write_all(request).await.unwrap();
    read_message(&mut client).await.unwrap()
}

fn post(body: &str) -> String {
    format!(
        "POST /r/{TOKEN}/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
