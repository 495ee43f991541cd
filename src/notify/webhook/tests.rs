//! The client with endpoints on a real socket, working and failing ones.

use super::*;
use orderly_broker::Properties;
use rstest::rstest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "0123456789abcdef";
const BODY: &str = r#"{"notification_id":"n-1-ab"}"#;
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The reaction of an endpoint to a request.
#[derive(Debug, Clone)]
enum Manner {
    /// Answers with these bytes, and keeps the connection.
    Answer(String),
    /// Answers with these bytes, and closes the connection.
    AnswerAndClose(String),
    /// Answers with these bytes after a time.
    Late(Duration, String),
    /// Reads the request and sends no answer.
    Hang,
    /// Closes the connection without an answer.
    Close,
    /// Answers with a head, then with a body that does not end.
    Flood,
}

/// A received request.
#[derive(Debug, Clone, Default)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    /// The number of its connection, from 0.
    connection: usize,
}

struct Endpoint {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Endpoint {
    async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(stream, connection, manner.clone(), Arc::clone(&requests)));
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic in here").clone()
    }
}

/// Reads requests until the other side has enough; `None`: there are no more.
async fn request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let mut more = [0; 1024];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&more[..read]),
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).expect("a head is text");
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().expect("a length");
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        let mut more = [0; 1024];
        let read = stream.read(&mut more).await.expect("the body");
        body.extend_from_slice(&more[..read]);
    }
    Some(Seen { line, headers, body, connection: 0 })
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    manner: Manner,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    while let Some(request) = request(&mut stream).await {
        seen.lock().expect("no panic in here").push(Seen { connection, ..request });
        match &manner {
            Manner::Answer(answer) => stream.write_all(answer.as_bytes()).await.expect("written"),
            Manner::AnswerAndClose(answer) => {
                stream.write_all(answer.as_bytes()).await.expect("written");
                return;
            }
            Manner::Late(time, answer) => {
                tokio::time::sleep(*time).await;
                let _ = stream.write_all(answer.as_bytes()).await; // nobody may wait any more
            }
            Manner::Hang => tokio::time::sleep(Duration::from_secs(3600)).await,
            Manner::Close => return,
            Manner::Flood => {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n";
                stream.write_all(head.as_bytes()).await.expect("written");
                while stream.write_all(&[b'x'; 8 << 10]).await.is_ok() {}
                return;
            }
        }
    }
}

fn config(url: &str) -> config::Webhook {
    config::Webhook {
        url: url.parse().expect("a URL"),
        secret: Secret::new(SECRET),
        timeout: config::Duration::from_millis(300),
        connect_timeout: config::Duration::from_millis(200),
        ..config::Webhook::default()
    }
}

fn message() -> Message {
    Message {
        properties: Properties {
            message_id: Some("n-1-ab".to_owned()),
            traceparent: Some(TRACE.to_owned()),
            ..Properties::default()
        },
        body: Bytes::from_static(BODY.as_bytes()),
        ..Message::default()
    }
}

async fn attempt(url: &str) -> Attempt {
    Webhook::new(&config(url)).expect("a webhook").send(&message()).await
}

async fn post(url: &str) -> (Sent, Health) {
    let Attempt { sent, health, .. } = attempt(url).await;
    (sent, health)
}

fn status(line: &str) -> Manner {
    Manner::Answer(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n"))
}

#[tokio::test]
async fn a_request_has_its_headers_and_a_valid_signature() {
    let endpoint = Endpoint::new(status("204 No Content")).await;
    let before = SystemClock::default().now().since(Timestamp::EPOCH).as_secs();
    assert_eq!(post(&endpoint.url).await, (Sent::Delivered, Health::Well));

    let [request] = &endpoint.seen()[..] else { panic!("one request") };
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(request.line, "POST /hook HTTP/1.1");
    assert_eq!(request.body, BODY.as_bytes());
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("idempotency-key"), Some("n-1-ab"));
    assert_eq!(header("traceparent"), Some(TRACE));
    let timestamp: u64 = header("orderly-timestamp").expect("a time").parse().expect("seconds");
    assert!((before..before + 60).contains(&timestamp));
    let signature = header("orderly-signature").expect("a signature");
    assert_eq!(signature, signature::sign(SECRET.as_bytes(), timestamp, &request.body));
}

/// Each status and its outcome.
#[rstest]
#[case("200 OK", "delivered")]
#[case("202 Accepted", "delivered")]
#[case("408 Request Timeout", "later")]
#[case("425 Too Early", "later")]
#[case("429 Too Many Requests", "later")]
#[case("500 Internal Server Error", "later")]
#[case("503 Service Unavailable", "later")]
#[case("400 Bad Request", "never")]
#[case("401 Unauthorized", "never")]
#[case("404 Not Found", "never")]
#[case("410 Gone", "never")]
#[case("304 Not Modified", "never")]
#[tokio::test]
async fn the_status_decides(#[case] line: &str, #[case] wanted: &str) {
    let endpoint = Endpoint::new(status(line)).await;
    let why = Failure::Status(line[..3].parse().expect("a number"));
    let wanted = match wanted {
        "delivered" => (Sent::Delivered, Health::Well),
        "later" => (Sent::Failed { why, retry_after: None }, Health::Ill),
        _ => (Sent::Refused { why }, Health::Well),
    };
    assert_eq!(post(&endpoint.url).await, wanted);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Endpoint::new(status("200 OK")).await;
    let endpoint = Endpoint::new(Manner::Answer(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        other.url
    )))
    .await;
    assert_eq!(
        post(&endpoint.url).await,
        (Sent::Refused { why: Failure::Status(307) }, Health::Well)
    );
    assert!(other.seen().is_empty());
}

#[rstest]
#[case("retry-after: 30", Some(30))]
#[case("retry-after: soon", None)]
#[case("retry-after: Sun, 06 Nov 1994 08:49:37 GMT", Some(0))]
#[case("x-nothing: 1", None)]
#[tokio::test]
async fn retry_after_is_passed_on(#[case] header: &str, #[case] seconds: Option<u64>) {
    let endpoint = Endpoint::new(Manner::Answer(format!(
        "HTTP/1.1 429 Too Many Requests\r\n{header}\r\ncontent-length: 0\r\n\r\n"
    )))
    .await;
    let retry_after = seconds.map(Duration::from_secs);
    let wanted = Sent::Failed { why: Failure::Status(429), retry_after };
    assert_eq!(post(&endpoint.url).await, (wanted, Health::Ill));
}

#[test]
fn retry_after_may_be_a_date() {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
    let now = Timestamp::parse("1994-11-06T08:48:37Z").expect("a time");
    assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(60)));
}

/// Endpoints that give no whole answer in time.
#[rstest]
#[case(Manner::Hang, Failure::Timeout)]
#[case(Manner::Close, Failure::Broken)]
#[case(Manner::Late(Duration::from_secs(2), "HTTP/1.1 200 OK\r\n\r\n".to_owned()), Failure::Timeout)]
#[case(Manner::AnswerAndClose("HTTP/1.1 200".to_owned()), Failure::Broken)]
#[case(Manner::AnswerAndClose("SSH-2.0-OpenSSH_9.2\r\n".to_owned()), Failure::Broken)]
#[case(Manner::AnswerAndClose("HTTP/1.1 200 OK\r\nbad header\r\n\r\n".to_owned()), Failure::Broken)]
#[tokio::test]
async fn no_whole_answer_in_time_is_tried_again(#[case] manner: Manner, #[case] why: Failure) {
    let endpoint = Endpoint::new(manner).await;
    let began = SystemClock::default();
    let wanted = Sent::Failed { why, retry_after: None };
    assert_eq!(post(&endpoint.url).await, (wanted, Health::Ill));
    assert!(began.monotonic() < Duration::from_secs(2), "{:?}", began.monotonic());
}

#[tokio::test]
async fn an_answer_that_comes_late_but_in_time_counts() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned();
    let endpoint = Endpoint::new(Manner::Late(Duration::from_millis(150), answer)).await;
    assert_eq!(post(&endpoint.url).await, (Sent::Delivered, Health::Well));
}

/// Checks that an attempt failed for that reason, and that a person is told what failed and where to, and no secret.
async fn assert_fails(url: &str, why: Failure, text: &str) {
    let Attempt { sent, health, problem } = attempt(&format!("{url}/s3cret?key=s3cret")).await;
    assert_eq!((sent, health), (Sent::Failed { why, retry_after: None }, Health::Ill));
    let problem = problem.expect("it failed");
    assert!(problem.starts_with(text) && problem.ends_with(&format!("({url})")), "{problem}");
    assert!(!problem.contains("s3cret"), "{problem}");
}

#[tokio::test]
async fn a_failure_says_which_step_failed_and_where_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let scheme = |scheme: &str| format!("{scheme}://{address}");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.expect("written");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_fails(&scheme("http"), Failure::Broken, "the connection broke").await;
    assert_fails(&scheme("https"), Failure::Tls, "TLS failed: ").await;
    let unresolved = "http://nowhere.invalid:8080";
    assert_fails(unresolved, Failure::Unresolved, "the host name cannot be resolved").await;

    let endpoint = Endpoint::new(Manner::Hang).await;
    let url = endpoint.url.trim_end_matches("/hook");
    assert_fails(url, Failure::Timeout, "no answer in time").await;
    let endpoint = Endpoint::new(status("503 Service Unavailable")).await;
    let url = endpoint.url.trim_end_matches("/hook");
    assert_fails(url, Failure::Status(503), "status 503").await;
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    assert_fails(&url, Failure::Refused, "connection refused").await;
}

#[rstest]
#[case(Manner::Flood)]
#[case(Manner::AnswerAndClose("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf".to_owned()))]
#[case(Manner::Answer("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhangs".to_owned()))]
#[tokio::test]
async fn the_body_of_an_answer_changes_nothing(#[case] manner: Manner) {
    let endpoint = Endpoint::new(manner).await;
    let began = SystemClock::default();
    assert_eq!(post(&endpoint.url).await, (Sent::Delivered, Health::Well));
    assert!(began.monotonic() < Duration::from_secs(2), "{:?}", began.monotonic());
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let endpoint = Endpoint::new(status("200 OK")).await;
    let webhook = Webhook::new(&config(&endpoint.url)).expect("a webhook");
    for _ in 0..5 {
        let Attempt { sent, problem, .. } = webhook.send(&message()).await;
        assert_eq!((sent, problem), (Sent::Delivered, None));
    }
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|request| request.connection == 0), "{seen:?}");
}
