//! The listener on real sockets, with clients that frame their requests by hand.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::*;
use crate::proxy::testing::{TOKEN, With, encode, read_message, read_to_end, read_until, start};
use crate::proxy::{Answer, AnswerBody, Broken, Incoming};

fn answer(body: AnswerBody) -> Answer {
    Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body,
    }
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
async fn one_connection_serves_many_requests() {
    let proxy = start(|incoming| echo(&incoming)).await;
    let mut client = connect(&proxy).await;
    for number in 0..50 {
        client
            .write_all(post(&number.to_string()).as_bytes())
            .await
            .unwrap();
        let got = read_message(&mut client).await.unwrap();
        assert!(got.ends_with(&format!("openai {number}")), "{got}");
    }
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
        let all = events.clone();
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
        Answer {
            status: StatusCode::OK,
            headers,
            body: if incoming.method == http::Method::HEAD {
                AnswerBody::Full(Bytes::new())
            } else {
                AnswerBody::Stream(stream::iter(pieces).boxed())
            },
        }
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

/// A stream that gives one event, then nothing, and tells when it is dropped.
struct Watched {
    first: Option<Bytes>,
    _dropped: oneshot::Sender<()>,
}

impl Stream for Watched {
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.first
            .take()
            .map_or(Poll::Pending, |first| Poll::Ready(Some(Ok(first))))
    }
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_answer_it_was_reading() {
    let (sender, dropped) = oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let proxy = start(move |_incoming| {
        let watched = Watched {
            first: Some(Bytes::from_static(b"data: 1\n\n")),
            _dropped: sender.lock().unwrap().take().unwrap(),
        };
        answer(AnswerBody::Stream(watched.boxed()))
    })
    .await;
    let mut client = connect(&proxy).await;
    client.write_all(post("").as_bytes()).await.unwrap();
    read_until(&mut client, "data: 1").await;
    drop(client);
    assert!(dropped.await.is_err(), "dropping the sender is the signal");
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_request_it_was_waiting_for() {
    let (sender, dropped) = oneshot::channel::<()>();
    let (began_sender, mut began) = mpsc::channel(1);
    let sender = std::sync::Mutex::new(Some(sender));
    let responder = With(move |_incoming| {
        let (sender, began) = (sender.lock().unwrap().take(), began_sender.clone());
        async move {
            began.send(()).await.unwrap();
            let _held = sender;
            std::future::pending::<Answer>().await
        }
        .boxed()
    });
    let proxy = Proxy::start(Options::new(TOKEN), Arc::new(responder))
        .await
        .unwrap();
    let mut client = connect(&proxy).await;
    client.write_all(post("").as_bytes()).await.unwrap();
    began.recv().await.unwrap();
    drop(client);
    assert!(dropped.await.is_err());
}

#[tokio::test]
async fn a_panic_is_answered_and_the_next_request_served() {
    let proxy = start(|incoming| {
        assert!(incoming.path != "/v1/bad", "planted");
        echo(&incoming)
    })
    .await;
    let got = exchange(
        &proxy,
        format!("GET /r/{TOKEN}/v1/bad HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(
        got.starts_with("HTTP/1.1 500") && got.contains("bug in Rewind"),
        "{got}"
    );
    assert!(
        exchange(&proxy, post("on").as_bytes())
            .await
            .ends_with("openai on")
    );
}

#[tokio::test]
async fn a_panic_inside_a_stream_ends_that_connection_only() {
    let proxy = start(|incoming| {
        if incoming.path == "/v1/bad" {
            let bad =
                stream::poll_fn(|_cx| -> Poll<Option<Result<Bytes, Broken>>> { panic!("planted") });
            return answer(AnswerBody::Stream(bad.boxed()));
        }
        echo(&incoming)
    })
    .await;
    let mut client = connect(&proxy).await;
    client
        .write_all(format!("GET /r/{TOKEN}/v1/bad HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    assert!(!read_to_end(&mut client).await.ends_with("0\r\n\r\n"));
    assert!(
        exchange(&proxy, post("on").as_bytes())
            .await
            .ends_with("openai on")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_at_once_get_their_own_answers() {
    let gate = Arc::new(Semaphore::new(0));
    let (arrived_sender, mut arrived) = mpsc::channel(1000);
    let responder = {
        let gate = Arc::clone(&gate);
        With(move |incoming: Incoming| {
            let (gate, arrived) = (Arc::clone(&gate), arrived_sender.clone());
            async move {
                arrived.send(()).await.unwrap();
                let _permit = gate.acquire().await.unwrap();
                echo(&incoming)
            }
            .boxed()
        })
    };
    let proxy = Arc::new(
        Proxy::start(Options::new(TOKEN), Arc::new(responder))
            .await
            .unwrap(),
    );
    let clients: Vec<_> = (0..1000)
        .map(|number| {
            let proxy = Arc::clone(&proxy);
            tokio::spawn(async move {
                let got = exchange(&proxy, post(&format!("n{number}")).as_bytes()).await;
                assert!(got.ends_with(&format!("openai n{number}")), "{got}");
            })
        })
        .collect();
    for _ in 0..1000 {
        arrived.recv().await.unwrap();
    }
    gate.add_permits(1000);
    for client in clients {
        client.await.unwrap();
    }
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

#[tokio::test]
async fn a_shutdown_lets_a_running_answer_end_and_takes_no_more() {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Broken>>(1);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let proxy = start(move |_incoming| {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        answer(AnswerBody::Stream(
            stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed(),
        ))
    })
    .await;
    let addr = proxy.addr();
    let mut client = connect(&proxy).await;
    client.write_all(post("").as_bytes()).await.unwrap();
    sender
        .send(Ok(Bytes::from_static(b"data: 1\n\n")))
        .await
        .unwrap();
    read_until(&mut client, "data: 1").await;
    let ending = tokio::spawn(proxy.shutdown());
    sender
        .send(Ok(Bytes::from_static(b"data: 2\n\n")))
        .await
        .unwrap();
    drop(sender);
    assert!(read_to_end(&mut client).await.ends_with("0\r\n\r\n"));
    ending.await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_idle_or_endless_connections() {
    let mut options = Options::new(TOKEN);
    options.grace = Duration::from_millis(50);
    let responder = With(|_incoming| std::future::pending().boxed());
    let proxy = Proxy::start(options, Arc::new(responder)).await.unwrap();
    let _idle = connect(&proxy).await;
    let mut endless = connect(&proxy).await;
    endless.write_all(post("").as_bytes()).await.unwrap();
    proxy.shutdown().await;
    assert_eq!(read_to_end(&mut endless).await, "");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = start(|incoming| echo(&incoming)).await;
    let mut options = Options::new(TOKEN);
    options.bind = first.addr();
    let responder = With(|incoming| std::future::ready(echo(&incoming)).boxed());
    let error = Proxy::start(options, Arc::new(responder))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&first.addr().to_string()) && error.contains("[capture] bind"),
        "{error}"
    );
}

#[tokio::test]
async fn agents_elsewhere_get_the_advertised_host() {
    let advertised = async |host: &str| {
        let mut options = Options::new(TOKEN);
        options.advertise = Some(host.to_owned());
        let responder = With(|incoming| std::future::ready(echo(&incoming)).boxed());
        let proxy = Proxy::start(options, Arc::new(responder)).await.unwrap();
        proxy
            .base()
            .replace(&proxy.addr().port().to_string(), "PORT")
    };
    assert_eq!(
        advertised("host.docker.internal").await,
        "http://host.docker.internal:PORT/r/t0ken"
    );
    assert_eq!(advertised("gateway:81").await, "http://gateway:81/r/t0ken");
}
