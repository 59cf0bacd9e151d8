//! Passing on, from a real provider socket through a real listener to a raw client.

use std::sync::Mutex;
use std::task::Poll;

use futures_util::TryStreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use url::Url;

use super::*;
use crate::proxy::testing::{
    Act, Provider, TOKEN, With, encode, incoming, read_message, read_to_end, read_until,
};
use crate::proxy::{Broken, HttpBackend, Options, Proxy, Upstreams};

/// A listener that forwards to a provider; what was captured comes through a channel.
struct Setup {
    proxy: Proxy,
    provider: Provider,
    captured: mpsc::Receiver<Captured>,
}

impl Setup {
    async fn new(script: Vec<Act>) -> Self {
        Self::with_limit(script, MAX_CAPTURE).await
    }

    async fn with_limit(script: Vec<Act>, limit: usize) -> Self {
        let provider = Provider::start(vec![script]).await;
        let mut upstreams = Upstreams::default();
        let url = format!("http://{}/v1", provider.addr);
        upstreams.set_url("openai", Url::parse(&url).unwrap());
        let backend: Arc<dyn Backend> = Arc::new(HttpBackend::new(upstreams));
        let (sender, captured) = mpsc::channel(8);
        let responder = With(move |incoming| {
            let sender = sender.clone();
            let done = Box::new(move |captured| sender.try_send(captured).unwrap());
            forward_keeping(Arc::clone(&backend), incoming, limit, done)
        });
        let proxy = Proxy::start(Options::new(TOKEN), Arc::new(responder))
            .await
            .unwrap();
        Self {
            proxy,
            provider,
            captured,
        }
    }

    async fn client(&self, method: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.proxy.addr()).await.unwrap();
        let request = format!(
            "{method} /r/{TOKEN}/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        client.write_all(request.as_bytes()).await.unwrap();
        client
    }

    async fn captured(&mut self) -> Captured {
        let captured = self.captured.recv().await.unwrap();
        assert!(self.captured.try_recv().is_err(), "told once only");
        captured
    }
}

fn write(text: &str) -> Act {
    Act::Write(text.as_bytes().to_vec())
}

fn chunk(text: &str) -> Act {
    write(&format!("{:x}\r\n{text}\r\n", text.len()))
}

const SSE_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: r1\r\nset-cookie: s=1\r\ntransfer-encoding: chunked\r\n\r\n";

fn events(captured: &Captured) -> Vec<String> {
    match &captured.body {
        Body::Events(events) => events
            .iter()
            .map(|event| String::from_utf8_lossy(&event.bytes).into_owned())
            .collect(),
        Body::Whole(bytes) => panic!("no events but {bytes:?}"),
    }
}

#[tokio::test]
async fn a_json_answer_passes_and_is_kept() {
    let mut setup = Setup::new(vec![write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\nx-ratelimit-limit: 5\r\n\r\n{\"a\": 1}")]).await;
    let got = read_message(&mut setup.client("POST").await).await.unwrap();
    assert!(
        got.contains("content-length: 8\r\n") && got.ends_with("{\"a\": 1}"),
        "{got}"
    );
    let captured = setup.captured().await;
    assert_eq!(captured.status, StatusCode::OK);
    assert_eq!(
        captured.body,
        Body::Whole(Bytes::from_static(b"{\"a\": 1}"))
    );
    assert_eq!(
        captured.headers,
        [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-ratelimit-limit".to_owned(), "5".to_owned())
        ]
    );
    assert!(!captured.truncated && !captured.client_gone && captured.error.is_none());
}

#[tokio::test]
async fn an_event_reaches_the_client_before_the_provider_sends_the_next() {
    let mut setup = Setup::new(vec![
        write(SSE_HEAD),
        chunk("data: 1\n\n"),
        Act::Wait,
        chunk("data: 2\n\n"),
        Act::Wait,
        chunk("data: [DONE]\n\n"),
        write("0\r\n\r\n"),
    ])
    .await;
    let mut client = setup.client("POST").await;
    read_until(&mut client, "data: 1\n\n").await;
    setup.provider.permits.send(()).await.unwrap();
    read_until(&mut client, "data: 2\n\n").await;
    assert!(setup.captured.try_recv().is_err());
    setup.provider.permits.send(()).await.unwrap();
    read_until(&mut client, "0\r\n\r\n").await;
    let captured = setup.captured().await;
    assert_eq!(
        events(&captured),
        ["data: 1\n\n", "data: 2\n\n", "data: [DONE]\n\n"]
    );
    assert!(!captured.truncated);
}

#[tokio::test]
async fn the_capture_is_told_before_the_client_sees_the_last_event() {
    // The provider keeps its stream open behind the last event: the client must not have to wait for it.
    let mut setup = Setup::new(vec![
        write(SSE_HEAD),
        chunk("data: 1\n\n"),
        Act::Wait,
        chunk("data: [DONE]\n\n"),
        Act::AwaitClose,
    ])
    .await;
    let mut client = setup.client("POST").await;
    read_until(&mut client, "data: 1\n\n").await;
    setup.provider.permits.send(()).await.unwrap();
    read_until(&mut client, "[DONE]").await;
    let captured = setup.captured.try_recv().expect("told already");
    assert!(!captured.truncated && !captured.client_gone);
    assert_eq!(events(&captured).len(), 2);
    drop(client);
    setup.provider.closed.recv().await.unwrap();
}

#[tokio::test]
async fn compressed_answers_pass_packed_and_are_kept_readable() {
    let text = "data: {\"text\": \"hello\"}\n\ndata: [DONE]\n\n";
    for coding in ["gzip", "br", "zstd", "deflate"] {
        let packed = encode(coding, text.as_bytes());
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            packed.len()
        );
        let mut setup = Setup::new(vec![write(&head), Act::Write(packed.clone())]).await;
        let mut client = setup.client("POST").await;
        let mut got = Vec::new();
        while !got.ends_with(&packed) {
            assert!(
                tokio::io::AsyncReadExt::read_buf(&mut client, &mut got)
                    .await
                    .unwrap()
                    > 0
            );
        }
        let captured = setup.captured().await;
        assert_eq!(events(&captured).concat(), text, "{coding}");
        assert!(
            captured
                .headers
                .iter()
                .all(|(name, _value)| name == "content-type"),
            "{:?}",
            captured.headers
        );
    }
}

#[tokio::test]
async fn a_coding_that_is_unknown_is_kept_with_its_bytes() {
    let mut setup = Setup::new(vec![write(
        "HTTP/1.1 200 OK\r\ncontent-encoding: dcb\r\ncontent-length: 3\r\n\r\nxyz",
    )])
    .await;
    assert!(
        read_message(&mut setup.client("POST").await)
            .await
            .unwrap()
            .ends_with("xyz")
    );
    let captured = setup.captured().await;
    assert_eq!(captured.body, Body::Whole(Bytes::from_static(b"xyz")));
    assert_eq!(
        captured.headers,
        [("content-encoding".to_owned(), "dcb".to_owned())]
    );
}

#[tokio::test]
async fn a_provider_that_breaks_off_breaks_the_client_off_and_what_came_is_kept() {
    let mut setup = Setup::new(vec![
        write(SSE_HEAD),
        chunk("data: 1\n\ndata: {\"te"),
        Act::Close,
    ])
    .await;
    let got = read_to_end(&mut setup.client("POST").await).await;
    assert!(
        got.contains("data: {\"te") && !got.ends_with("0\r\n\r\n"),
        "{got}"
    );
    let captured = setup.captured().await;
    assert_eq!(events(&captured), ["data: 1\n\n", "data: {\"te"]);
    assert!(captured.truncated && !captured.client_gone);
    assert!(captured.error.unwrap().contains("broke off"));
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_providers_work() {
    let mut setup = Setup::new(vec![write(SSE_HEAD), chunk("data: 1\n\n"), Act::AwaitClose]).await;
    let mut client = setup.client("POST").await;
    read_until(&mut client, "data: 1\n\n").await;
    drop(client);
    setup.provider.closed.recv().await.unwrap();
    let captured = setup.captured().await;
    assert!(captured.client_gone && captured.truncated && captured.error.is_none());
    assert_eq!(events(&captured), ["data: 1\n\n"]);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_told_too() {
    let mut setup = Setup::new(vec![Act::AwaitClose]).await;
    let client = setup.client("POST").await;
    setup.provider.requests.recv().await.unwrap();
    drop(client);
    setup.provider.closed.recv().await.unwrap();
    let captured = setup.captured().await;
    assert!(captured.client_gone && captured.truncated);
    assert_eq!(captured.status.as_u16(), 499);
}

#[tokio::test]
async fn answers_without_a_body_are_complete() {
    for (method, head) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
        ("POST", "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            "POST",
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
        ),
    ] {
        let mut setup = Setup::new(vec![write(head)]).await;
        read_until(&mut setup.client(method).await, "\r\n\r\n").await;
        let captured = setup.captured().await;
        assert!(
            !captured.truncated && !captured.client_gone && captured.body.is_empty(),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_provider_out_of_reach_is_answered_502_in_words() {
    let mut setup = Setup::new(vec![Act::Close]).await;
    let got = read_message(&mut setup.client("POST").await).await.unwrap();
    assert!(
        got.starts_with("HTTP/1.1 502") && !got.contains("x-should-retry"),
        "{got}"
    );
    assert!(got.contains("no answer from http://127.0.0.1"), "{got}");
    let captured = setup.captured().await;
    assert_eq!(captured.status, StatusCode::BAD_GATEWAY);
    assert!(captured.error.is_some() && !captured.truncated);
    assert!(got.ends_with(&*String::from_utf8_lossy(&captured.body.to_bytes())));
}

#[tokio::test]
async fn beyond_the_limit_everything_passes_and_the_capture_is_cut() {
    let text = "x".repeat(5000);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
    let mut setup = Setup::with_limit(vec![write(&head), write(&text)], 1000).await;
    let got = read_message(&mut setup.client("POST").await).await.unwrap();
    assert_eq!(got.split_once("\r\n\r\n").unwrap().1, text);
    let captured = setup.captured().await;
    assert!(captured.truncated && captured.body.len() <= 1000 && captured.error.is_none());
}

#[tokio::test]
async fn beyond_the_limit_a_stream_passes_too_and_its_capture_is_cut() {
    let event = "data: {\"text\": \"0123456789\"}\n\n";
    let mut script = vec![write(SSE_HEAD)];
    script.extend((0..100).map(|_nth| chunk(event)));
    script.push(write("0\r\n\r\n"));
    let mut setup = Setup::with_limit(script, 1000).await;
    let got = read_message(&mut setup.client("POST").await).await.unwrap();
    assert_eq!(got.matches("0123456789").count(), 100);
    let captured = setup.captured().await;
    let kept = events(&captured);
    assert!(captured.truncated && captured.error.is_none());
    assert!(!kept.is_empty() && kept.len() < 100, "{}", kept.len());
    assert!(kept.iter().all(|kept| kept == event));
}

#[tokio::test]
async fn ten_megabytes_pass_whole() {
    let body = vec![b'y'; 10 << 20];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut setup = Setup::new(vec![write(&head), Act::Write(body.clone())]).await;
    let got = read_message(&mut setup.client("POST").await).await.unwrap();
    assert_eq!(got.split_once("\r\n\r\n").unwrap().1.len(), body.len());
    assert_eq!(setup.captured().await.body.len(), body.len());
}

/// A backend without sockets: a stream of the test's own.
struct Fixed(Mutex<Option<Reply>>);

impl Backend for Fixed {
    fn send(&self, _incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let reply = self.0.lock().unwrap().take().unwrap();
        std::future::ready(Ok(reply)).boxed()
    }
}

async fn passed(reply: Reply) -> (Vec<Result<Bytes, Broken>>, Captured) {
    let (sender, mut receiver) = mpsc::channel(1);
    let backend = Arc::new(Fixed(Mutex::new(Some(reply))));
    let answer = forward(backend, incoming("/v1/x", ""), move |captured| {
        sender.try_send(captured).unwrap();
    })
    .await;
    let AnswerBody::Stream(stream) = answer.body else {
        panic!("no stream");
    };
    let pieces = stream.collect().await;
    (pieces, receiver.recv().await.unwrap())
}

#[tokio::test]
async fn a_piece_that_is_followed_by_the_break_still_passes_first() {
    let pieces = [Ok(Bytes::from_static(b"a")), Err(Broken("gone".to_owned()))];
    let (passed, captured) = passed(Reply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: futures_util::stream::iter(pieces).boxed(),
    })
    .await;
    assert_eq!(passed[0].as_ref().unwrap(), "a");
    assert!(passed[1].is_err() && passed.len() == 2);
    assert_eq!(captured.body, Body::Whole(Bytes::from_static(b"a")));
    assert!(captured.truncated);
}

#[tokio::test]
async fn bytes_behind_the_last_event_are_kept_when_they_come_soon() {
    let mut turn = 0;
    let body = futures_util::stream::poll_fn(move |cx| {
        turn += 1;
        match turn {
            1 => Poll::Ready(Some(Ok(Bytes::from_static(b"data: [DONE]\n\n")))),
            2 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            3 => Poll::Ready(Some(Ok(Bytes::from_static(b": bye\n\n")))),
            _ => Poll::Ready(None),
        }
    });
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("text/event-stream"),
    );
    let (passed, captured) = passed(Reply {
        status: StatusCode::OK,
        headers,
        body: body.boxed(),
    })
    .await;
    assert_eq!(
        futures_util::stream::iter(passed)
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .concat(),
        b"data: [DONE]\n\n: bye\n\n"
    );
    assert_eq!(events(&captured), ["data: [DONE]\n\n", ": bye\n\n"]);
}
