//! What is read of a request, and what is refused.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::FutureExt as _;
use tokio::io::AsyncWriteExt as _;

use super::{answer, connect, echo, exchange, post};
use crate::proxy::testing::{TOKEN, With, encode, read_to_end, read_until, start};
use crate::proxy::{AnswerBody, Options, Proxy};

#[tokio::test]
async fn a_request_reaches_the_responder_without_its_token() {
    let proxy = start(|incoming| echo(&incoming)).await;
    let got = exchange(&proxy, post("hello").as_bytes()).await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    assert!(
        got.ends_with("POST /v1/chat/completions openai hello"),
        "{got}"
    );
    assert_eq!(proxy.base(), format!("http://{}/r/{TOKEN}", proxy.addr()));
}

#[tokio::test]
async fn a_wrong_or_missing_token_is_answered_403_and_says_why() {
    let proxy = start(|incoming| echo(&incoming)).await;
    for (path, why) in [
        ("/v1/models", "must begin with /r/TOKEN"),
        ("/r/other/v1/models", "not this run's"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let got = exchange(&proxy, request.as_bytes()).await;
        assert!(got.starts_with("HTTP/1.1 403"), "{got}");
        assert!(
            got.contains(why) && got.contains("x-should-retry: false"),
            "{got}"
        );
    }
}

#[tokio::test]
async fn a_big_body_with_a_wrong_token_still_gets_its_answer() {
    let proxy = start(|incoming| echo(&incoming)).await;
    let body = vec![b'x'; 4 << 20];
    let mut request = format!(
        "POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    assert!(exchange(&proxy, &request).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn chunked_and_expected_bodies_are_read() {
    let proxy = start(|incoming| echo(&incoming)).await;
    let chunked = format!(
        "POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n"
    );
    assert!(
        exchange(&proxy, chunked.as_bytes())
            .await
            .ends_with("openai abcde")
    );

    let mut client = connect(&proxy).await;
    let head = format!(
        "POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let go_on = read_until(&mut client, "\r\n\r\n").await;
    assert!(go_on.starts_with("HTTP/1.1 100"), "{go_on}");
    client.write_all(b"late").await.unwrap();
    assert!(read_until(&mut client, "late").await.contains("200 OK"));
}

#[tokio::test]
async fn compressed_requests_are_readable_and_kept_as_they_came() {
    let proxy = start(|incoming| {
        let same = incoming.raw_body != incoming.body;
        answer(AnswerBody::Full(Bytes::from(format!(
            "{same} {}",
            incoming.body.len()
        ))))
    })
    .await;
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let body = encode(coding, &[b'a'; 5000]);
        let mut request = format!(
            "POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        let got = exchange(&proxy, &request).await;
        assert!(got.ends_with("true 5000"), "{coding}: {got}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_plain_or_packed() {
    let mut options = Options::new(TOKEN);
    options.max_body = 1000;
    let responder = With(|incoming| std::future::ready(echo(&incoming)).boxed());
    let proxy = Proxy::start(options, Arc::new(responder)).await.unwrap();
    let plain = post(&"x".repeat(1001)).into_bytes();
    let bomb = encode("gzip", &vec![0; 100_000]);
    let mut packed = format!("POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes();
    packed.extend_from_slice(&bomb);
    let chunked = format!("POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001)).into_bytes();
    for request in [plain, packed, chunked] {
        let got = exchange(&proxy, &request).await;
        assert!(got.starts_with("HTTP/1.1 413"), "{got}");
        assert!(got.contains("1000 bytes"), "{got}");
    }
}

#[tokio::test]
async fn what_hides_behind_a_doubly_framed_request_is_never_served() {
    let proxy = start(|incoming| echo(&incoming)).await;
    let hidden = format!("GET /r/{TOKEN}/v1/hidden HTTP/1.1\r\nhost: x\r\n\r\n");
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
    ] {
        let mut client = connect(&proxy).await;
        let request = format!(
            "POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}"
        );
        client.write_all(request.as_bytes()).await.unwrap();
        assert!(
            !read_to_end(&mut client).await.contains("hidden"),
            "{framing}"
        );
    }
    for framing in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "transfer-encoding: chunked, gzip",
    ] {
        let mut client = connect(&proxy).await;
        let request =
            format!("POST /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\nhello{hidden}");
        client.write_all(request.as_bytes()).await.unwrap();
        let got = read_to_end(&mut client).await;
        assert!(
            got.starts_with("HTTP/1.1 400") && !got.contains("200 OK"),
            "{framing}: {got}"
        );
    }
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let proxy = start(|incoming| echo(&incoming)).await;
    let mut client = connect(&proxy).await;
    let request = format!(
        "GET /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "x".repeat(300 << 10)
    );
    let _reset = client.write_all(request.as_bytes()).await;
    assert!(!read_to_end(&mut client).await.contains("200 OK"));
}

#[tokio::test]
async fn the_agent_in_the_path_becomes_a_header() {
    let proxy = start(|incoming| {
        answer(AnswerBody::Full(Bytes::copy_from_slice(
            incoming.headers["rewind-agent"].as_bytes(),
        )))
    })
    .await;
    let request = format!("GET /r/{TOKEN}/a/writer/p/groq/v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(
        exchange(&proxy, request.as_bytes())
            .await
            .ends_with("\r\n\r\nwriter")
    );
}
