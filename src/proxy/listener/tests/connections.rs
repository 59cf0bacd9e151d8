//! Connections that are shared, left, broken, many, or ended.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{answer, connect, echo, exchange, post};
use crate::proxy::testing::{TOKEN, With, read_message, read_to_end, read_until, start};
use crate::proxy::{Answer, AnswerBody, Broken, Incoming, Options, Proxy};

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
