//! The way out, against a provider on a real socket.

use futures_util::TryStreamExt as _;
use http::StatusCode;

use super::*;
use crate::proxy::testing::{Act, Provider, encode, incoming};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn backend(provider: &Provider, key: Option<&str>) -> HttpBackend {
    let mut upstreams = Upstreams::known(|_none| None);
    let url = format!("http://{}/v1", provider.addr);
    for name in ["openai", "anthropic", "google", "azure"] {
        upstreams.set_url(name, Url::parse(&url).unwrap());
        upstreams.get_mut(name).unwrap().key = key.map(|key| SecretString::from(key.to_owned()));
    }
    HttpBackend::new(upstreams)
}

async fn answering(answer: &[u8]) -> Provider {
    Provider::start(vec![vec![Act::Write(answer.to_vec())]]).await
}

async fn body(reply: Reply) -> Vec<u8> {
    let pieces: Vec<Bytes> = reply.body.try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn the_request_goes_up_once_with_its_headers_query_and_body() {
    let mut provider = answering(OK).await;
    let mut request = incoming("/v1/chat/completions?a=1", "{\"x\": 1}");
    for (name, value) in [
        ("x-mine", "1"),
        ("accept-encoding", "gzip, br"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("rewind-agent", "a"),
        ("host", "127.0.0.1:1"),
        ("expect", "100-continue"),
    ] {
        request
            .headers
            .insert(name, HeaderValue::from_static(value));
    }
    let reply = backend(&provider, Some("sk-real"))
        .send(&request)
        .await
        .unwrap();
    assert_eq!(
        (reply.status, body(reply).await.as_slice()),
        (StatusCode::OK, b"ok".as_slice())
    );
    let got = provider.requests.recv().await.unwrap();
    assert!(
        got.starts_with("POST /v1/chat/completions?a=1 HTTP/1.1\r\n"),
        "{got}"
    );
    for line in [
        "x-mine: 1",
        "accept-encoding: gzip, br",
        "authorization: Bearer sk-real",
        "content-length: 8",
    ] {
        assert!(got.contains(&format!("{line}\r\n")), "{line} in {got}");
    }
    assert!(
        got.contains(&format!("host: {}\r\n", provider.addr)),
        "{got}"
    );
    for absent in ["x-hop", "rewind-agent", "expect", "127.0.0.1:1\r\n"] {
        assert!(!got.contains(absent), "{absent} in {got}");
    }
    assert!(got.ends_with("\r\n\r\n{\"x\": 1}"), "{got}");
}

#[tokio::test]
async fn each_provider_gets_its_key_where_it_wants_it() {
    for (name, path, line) in [
        ("openai", "/v1/responses", "authorization: Bearer sk-real"),
        ("anthropic", "/v1/messages", "x-api-key: sk-real"),
        (
            "google",
            "/v1beta/models/g:generateContent",
            "x-goog-api-key: sk-real",
        ),
        (
            "azure",
            "/openai/deployments/d/chat/completions",
            "api-key: sk-real",
        ),
    ] {
        let mut provider = answering(OK).await;
        let mut upstreams = Upstreams::default();
        let mut upstream = Upstream::new(
            name,
            Url::parse(&format!("http://{}", provider.addr)).unwrap(),
        );
        upstream.key = Some(SecretString::from("sk-real".to_owned()));
        upstreams.insert(upstream);
        let mut request = incoming(path, "{}");
        request.provider = name.to_owned();
        HttpBackend::new(upstreams).send(&request).await.unwrap();
        let got = provider.requests.recv().await.unwrap();
        assert!(got.contains(&format!("\r\n{line}\r\n")), "{got}");
        assert_eq!(got.matches("sk-real").count(), 1, "{got}");
    }
}

#[tokio::test]
async fn the_real_key_is_never_added_beyond_the_model_endpoints() {
    let provider = Provider::start(Vec::new()).await;
    let backend = backend(&provider, Some("sk-real"));
    for path in [
        "/v1/files",
        "/v1/fine_tuning/jobs",
        "/v1/chat/completions/../../files",
    ] {
        let error = backend
            .send(&incoming(path, "{}"))
            .await
            .map(|_reply| ())
            .unwrap_err();
        assert!(
            matches!(
                error,
                BackendError::NotAllowed { .. } | BackendError::Unsendable { .. }
            ),
            "{error}"
        );
    }
    let error = backend
        .send(&incoming("/v1/files?x=1", ""))
        .await
        .map(|_reply| ())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`allow = [\"POST /v1/files\"]` to [upstream.openai]"),
        "{error}"
    );
}

#[tokio::test]
async fn a_listed_endpoint_gets_the_key_and_an_own_key_goes_anywhere() {
    let mut provider = Provider::start(vec![
        vec![Act::Write(OK.to_vec())],
        vec![Act::Write(OK.to_vec())],
    ])
    .await;
    let mut backend = backend(&provider, Some("sk-real"));
    let mut own = incoming("/v1/files", "{}");
    own.credential = Credential::Own;
    own.headers
        .insert("authorization", HeaderValue::from_static("Bearer sk-own"));
    backend.send(&own).await.unwrap();
    let got = provider.requests.recv().await.unwrap();
    assert!(
        got.contains("Bearer sk-own") && !got.contains("sk-real"),
        "{got}"
    );

    let allow = "POST /v1/files".parse().unwrap();
    backend
        .upstreams
        .get_mut("openai")
        .unwrap()
        .allow
        .push(allow);
    backend.send(&incoming("/v1/files", "{}")).await.unwrap();
    assert!(
        provider
            .requests
            .recv()
            .await
            .unwrap()
            .contains("Bearer sk-real")
    );
}

#[tokio::test]
async fn without_a_key_the_request_goes_up_without_one() {
    let mut provider = answering(OK).await;
    backend(&provider, None)
        .send(&incoming("/v1/anything", "{}"))
        .await
        .unwrap();
    assert!(
        !provider
            .requests
            .recv()
            .await
            .unwrap()
            .contains("authorization")
    );
}

#[tokio::test]
async fn compressed_answers_come_back_as_they_were_sent() {
    for coding in ["gzip", "br"] {
        let packed = encode(coding, b"hello hello hello");
        let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\nkeep-alive: timeout=5\r\n\r\n", packed.len()).into_bytes();
        answer.extend_from_slice(&packed);
        let provider = answering(&answer).await;
        let reply = backend(&provider, None)
            .send(&incoming("/v1/responses", "{}"))
            .await
            .unwrap();
        assert_eq!(reply.headers["content-encoding"], coding);
        assert!(!reply.headers.contains_key("keep-alive"));
        assert_eq!(body(reply).await, packed);
    }
}

#[tokio::test]
async fn redirects_and_errors_come_back_and_nothing_is_sent_twice() {
    for status in [
        "307 Temporary Redirect",
        "429 Too Many Requests",
        "503 Service Unavailable",
    ] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
        );
        let mut provider = answering(answer.as_bytes()).await;
        let reply = backend(&provider, None)
            .send(&incoming("/v1/responses", "{}"))
            .await
            .unwrap();
        assert!(status.starts_with(reply.status.as_str()));
        provider.requests.recv().await.unwrap();
        assert!(provider.requests.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_provider_that_hangs_up_before_its_answer_is_unreachable() {
    let mut provider = Provider::start(vec![vec![Act::Close], vec![Act::Close]]).await;
    let error = backend(&provider, None)
        .send(&incoming("/v1/responses?key=secret", "{}"))
        .await
        .map(|_reply| ())
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BackendError::Unreachable { .. }), "{text}");
    assert!(
        text.contains("/v1/responses: ") && !text.contains("secret"),
        "{text}"
    );
    provider.requests.recv().await.unwrap();
    assert!(
        provider.requests.try_recv().is_err(),
        "it must not be sent twice"
    );
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let mut upstreams = Upstreams::default();
    upstreams.set_url("openai", Url::parse("http://127.0.0.1:9/v1").unwrap());
    let backend = HttpBackend::new(upstreams);
    let closed = backend
        .send(&incoming("/v1/responses", "{}"))
        .await
        .map(|_reply| ())
        .unwrap_err();
    assert!(closed.to_string().contains("can't connect: "), "{closed}");
    let mut request = incoming("/v1/responses", "{}");
    request.provider = "nobody".to_owned();
    let unknown = backend.send(&request).await.map(|_reply| ()).unwrap_err();
    assert!(
        unknown.to_string().contains("[upstream.nobody]"),
        "{unknown}"
    );
}

#[tokio::test]
async fn a_provider_that_never_answers_times_out() {
    let provider = Provider::start(vec![vec![Act::Wait]]).await;
    let backend = backend(&provider, None).with_timeouts(Timeouts {
        first_byte: Duration::from_millis(30),
        ..Timeouts::default()
    });
    let error = backend
        .send(&incoming("/v1/responses", "{}"))
        .await
        .map(|_reply| ())
        .unwrap_err();
    assert!(matches!(error, BackendError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
    let provider = Provider::start(Vec::new()).await;
    let error = backend(&provider, Some("sk-\nreal"))
        .send(&incoming("/v1/responses", "{}"))
        .await
        .map(|_reply| ())
        .unwrap_err();
    assert!(
        matches!(error, BackendError::Unsendable { .. }) && !error.to_string().contains("real"),
        "{error}"
    );
}
