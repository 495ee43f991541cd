//! The files of the page and the stream of samples, over HTTP.

use super::bare_server;
use crate::http::{Answer, ask_with};
use crate::rabbit::runtime;
use crate::shop::Shop;
use orderly::admin::Condition;
use orderly::config::Secret;
use orderly::metrics::labels::Restriction;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

fn get(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask_with(shop.address(), "GET", path, headers, "")
}

#[test]
fn the_page_is_served_to_everybody_and_allows_nothing_from_elsewhere() {
    let shop = Shop::with(|config| config.admin.token = Secret::new("0123456789abcdef"));
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = get(&shop, path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(media_type), "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
    get(&shop, "/page/nothing.js", &[]).problem(404);
    get(&shop, "/page/..%2Fmod.rs", &[]).problem(404);
    // what has data asks for the token
    for path in ["/api/live", "/api/orders", "/metrics", "/page", "/page/"] {
        get(&shop, path, &[]).problem(401);
    }
}

#[test]
fn a_browser_that_has_a_file_gets_it_only_when_it_is_another_one() {
    let shop = Shop::start();
    let first = get(&shop, "/page/app.js", &[]);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = get(&shop, "/page/app.js", &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    assert!(again.header("content-security-policy").is_some());
    let of_another = get(&shop, "/page/style.css", &[("if-none-match", &tag)]);
    assert_eq!(of_another.status, 200);
}

#[test]
fn a_file_is_compressed_for_who_reads_that() {
    let shop = Shop::start();
    let plain = get(&shop, "/page/style.css", &[]);
    let head =
        |headers: &[(&str, &str)]| ask_with(shop.address(), "HEAD", "/page/style.css", headers, "");
    let gzip = head(&[("accept-encoding", "gzip, br")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    for answer in [&plain, &gzip] {
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("accept-encoding")));
    }
    let length =
        |answer: &Answer| answer.header("content-length").and_then(|one| one.parse::<usize>().ok());
    assert_eq!(length(&plain), Some(plain.body.len()));
    assert!(length(&gzip).expect("a length") * 2 < plain.body.len());
}

/// The events of a stream, as they come.
struct Events(std::io::Lines<BufReader<TcpStream>>);

impl Events {
    fn of(address: SocketAddr) -> Self {
        let mut connection = TcpStream::connect(address).expect("a connection");
        connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        connection.write_all(b"GET /api/live HTTP/1.1\r\nhost: shop\r\n\r\n").expect("it is sent");
        Self(BufReader::new(connection).lines())
    }

    /// The data of the next event of a kind; none when the stream has ended.
    fn next(&mut self, kind: &str) -> Option<Value> {
        let mut lines = self.0.by_ref().map_while(Result::ok);
        lines.find(|line| *line == format!("event: {kind}"))?;
        let data = lines.next()?;
        Some(serde_json::from_str(data.strip_prefix("data: ")?).expect("JSON"))
    }
}

#[test]
fn the_stream_has_the_last_minutes_and_then_a_sample_each_second() {
    let shop = Shop::loaded();
    let mut events = Events::of(shop.address());
    let history = events.next("history").expect("it begins with the history");
    assert!(history["points"].is_array() && history["kept"] == 300, "{history}");
    let first = events.next("sample").expect("a sample");
    assert_eq!((&first["ready"], &first["namespace"]), (&json!(true), &json!("orderly")));
    assert_eq!(first["parked"]["validation"], 1, "{first}");
    shop.observed.degraded.raise(Restriction::EventsRejected, "", "a queue is full");
    shop.observed.readiness.raise(Condition::Broker, "connection refused");
    shop.publish("stock.adjust", "c-9", &json!({ "sku": "tea", "delta": 1 }));
    let mut commands = 0.0;
    let mut last = first.clone();
    while last["ready"] == true || commands == 0.0 {
        last = events.next("sample").expect("a sample");
        commands += last["point"]["commands"].as_f64().expect("a rate");
    }
    assert_eq!(last["degraded"][0]["reason"], "events_rejected");
    assert_eq!(last["reasons"][0], json!({ "reason": "broker", "detail": "connection refused" }));
    // who comes later sees the seconds before
    let history = Events::of(shop.address()).next("history").expect("a history");
    let points = history["points"].as_array().expect("a list");
    assert!(points.len() >= 2 && points.iter().any(|one| one["at"] == first["point"]["at"]));
    assert!(points.iter().any(|one| one["p99"].as_f64().is_some_and(|time| time > 0.0)));
}

#[test]
fn listeners_have_a_limit_and_one_that_leaves_makes_room() {
    let shop = Shop::start();
    let mut all: Vec<_> = (0..64).map(|_| Events::of(shop.address())).collect();
    for events in &mut all {
        assert!(events.next("history").is_some());
    }
    let refused = get(&shop, "/api/live", &[]).problem(503);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("64")), "{refused}");
    all.truncate(60);
    let has_room = |_| Events::of(shop.address()).next("history").is_some();
    assert!((0..50).any(has_room), "the server notices that a listener is gone");
}

#[test]
fn a_server_that_stops_ends_its_streams() {
    let (server, _) = bare_server();
    let mut events = Events::of(server.address());
    assert!(events.next("sample").is_some());
    let patience = Duration::from_secs(15);
    let stopped = runtime().block_on(async { tokio::time::timeout(patience, server.stop()).await });
    assert!(stopped.is_ok(), "the open stream keeps the server for its whole grace");
    assert!(events.next("sample").is_none());
}

/// On loopback there may be no token, and a browser sends a simple request of any page to any address.
#[test]
fn a_page_of_another_site_changes_nothing() {
    let shop = Shop::loaded();
    let path = "/api/notifications/none/resend";
    let post = |headers: &[(&str, &str)]| ask_with(shop.address(), "POST", path, headers, "");
    post(&[]).problem(404);
    post(&[("sec-fetch-site", "same-origin")]).problem(404);
    let refused = post(&[("sec-fetch-site", "cross-site")]).problem(403);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("another site")));
    post(&[("origin", "https://evil.example")]).problem(403);
    let reads =
        ask_with(shop.address(), "GET", "/api/orders", &[("sec-fetch-site", "cross-site")], "");
    assert_eq!(reads.status, 200, "its answer is kept from the page by the browser");
}
