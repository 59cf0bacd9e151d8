//! How answers leave.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::{answer, connect, exchange, post};
use crate::proxy::testing::{TOKEN, read_to_end, read_until, start};
use crate::proxy::{Answer, AnswerBody, Broken};

#[tokio::test]
async fn each_event_leaves_before_the_next_one_exists() {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Broken>>(1);
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let proxy = start(move |_incoming| {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        answer(AnswerBody::Stream(
            stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed(),
        ))
    })
    .await;
    let mut client = connect(&proxy).await;
    client.write_all(post("").as_bytes()).await.unwrap();
    read_until(&mut client, "\r\n\r\n").await;
    for number in 0..5 {
        let event = format!("data: {number}\n\n");
        sender.send(Ok(Bytes::from(event.clone()))).await.unwrap();
        read_until(&mut client, &event).await;
    }
    drop(sender);
    assert!(
        read_until(&mut client, "0\r\n\r\n")
            .await
            .ends_with("0\r\n\r\n")
    );
}

#[tokio::test]
async fn ready_events_leave_as_one_chunk() {
    let events: Vec<Bytes> = (0..100)
        .map(|n| Bytes::from(format!("data: {n}\n\n")))
        .collect();
    let text = events.concat();
    let chunk = format!(
        "\r\n\r\n{:X}\r\n{}\r\n0\r\n\r\n",
        text.len(),
        String::from_utf8_lossy(&text)
    );
    let streamed = events.clone();
    let proxy = start(move |incoming| {
        let all = Bytes::from(events.concat());
        answer(if incoming.path == "/v1/events" {
            AnswerBody::Events(all)
        } else {
            AnswerBody::Stream(stream::iter(streamed.clone()).map(Ok).boxed())
        })
    })
    .await;
    for path in ["events", "stream"] {
        let got = exchange(
            &proxy,
            format!("GET /r/{TOKEN}/v1/{path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes(),
        )
        .await;
        assert!(got.ends_with(&chunk), "{path}: {got}");
    }
}

#[tokio::test]
async fn a_broken_stream_breaks_the_connection_off_after_everything_before_it() {
    for size in [10, 3 << 20] {
        let proxy = start(move |_incoming| {
            let pieces = [
                Ok(Bytes::from(vec![b'x'; size])),
                Err(Broken("gone".to_owned())),
            ];
            answer(AnswerBody::Stream(stream::iter(pieces).boxed()))
        })
        .await;
        let mut client = connect(&proxy).await;
        client.write_all(post("").as_bytes()).await.unwrap();
        let got = read_to_end(&mut client).await;
        let body = got.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(body.matches('x').count(), size);
        assert!(!got.ends_with("0\r\n\r\n"), "the end must be missing");
    }
}

#[tokio::test]
async fn a_promised_length_is_kept_for_streams_and_for_head() {
    let proxy = start(|incoming| {
        let mut headers = HeaderMap::new();
        headers.insert("content-length", HeaderValue::from_static("6"));
        headers.insert("connection", HeaderValue::from_static("x-hop"));
        headers.insert("x-hop", HeaderValue::from_static("1"));
        let pieces = [
            Ok(Bytes::from_static(b"abc")),
            Ok(Bytes::from_static(b"def")),
        ];
        let body = if incoming.method == http::Method::HEAD {
            AnswerBody::Full(Bytes::new())
        } else {
            AnswerBody::Stream(stream::iter(pieces).boxed())
        };
        Answer::new(StatusCode::OK, headers, body)
    })
    .await;
    let got = exchange(&proxy, post("").as_bytes()).await;
    assert!(
        got.contains("content-length: 6\r\n") && got.ends_with("\r\n\r\nabcdef"),
        "{got}"
    );
    assert!(!got.contains("x-hop") && !got.contains("chunked"), "{got}");
    let mut client = connect(&proxy).await;
    client
        .write_all(format!("HEAD /r/{TOKEN}/v1/x HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let got = read_until(&mut client, "\r\n\r\n").await;
    assert!(got.contains("content-length: 6\r\n"), "{got}");
}

#[tokio::test]
async fn a_body_of_ten_megabytes_goes_in_and_out() {
    let proxy = start(|incoming| answer(AnswerBody::Full(incoming.body))).await;
    let body = "0123456789".repeat(1 << 20);
    let (mut read, mut write) = connect(&proxy).await.into_split();
    let request = post(&body);
    let sending = tokio::spawn(async move {
        write.write_all(request.as_bytes()).await.unwrap();
        write
    });
    let mut got = Vec::new();
    while !(got.len() > body.len() && got.ends_with(body.as_bytes())) {
        let count = tokio::io::AsyncReadExt::read_buf(&mut read, &mut got).await;
        assert!(count.unwrap() > 0, "ended after {} bytes", got.len());
    }
    drop(sending.await.unwrap());
}
