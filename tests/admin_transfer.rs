//! What has not changed is not sent again, and what is long is compressed.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use flate2::read::GzDecoder;
use orderly::admin::{Health, Options, Problem, Readiness, Route, Routes, Server, Shared};
use orderly::config::Secret;
use orderly::degraded::Degraded;
use orderly::metrics::Metrics;
use orderly_domain::partition::Partitions;

/// How many lines the text has that the server shows.
#[derive(Clone)]
struct Lines(Arc<AtomicUsize>);

impl Shared for Lines {}

struct Shell {
    server: Server,
    lines: Lines,
    client: ureq::Agent,
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    fn unpacked(&self) -> String {
        assert_eq!(self.header("content-encoding"), "gzip", "{:?}", self.headers);
        let mut text = String::new();
        GzDecoder::new(&*self.body).read_to_string(&mut text).expect("gzip");
        text
    }
}

fn text(lines: usize) -> String {
    "the same line\n".repeat(lines)
}

impl Shell {
    fn start() -> Self {
        async fn show(lines: Data<Lines>) -> HttpResponse {
            HttpResponse::Ok().body(text(lines.0.load(Ordering::Relaxed)))
        }
        async fn live(lines: Data<Lines>) -> HttpResponse {
            let mut answer = HttpResponse::Ok();
            answer.insert_header(("cache-control", "no-store"));
            answer.body(text(lines.0.load(Ordering::Relaxed)))
        }
        async fn nowhere() -> Result<HttpResponse, Problem> {
            Err(Problem::not_found("it is not here. ".repeat(200)))
        }
        let lines = Lines(Arc::new(AtomicUsize::new(1000)));
        let routes = [
            Route::get("/text", "A text", show),
            Route::get("/live", "The text, and never the same", live),
            Route::post("/text", "The text once more", show),
            Route::get("/nowhere", "Is not found", nowhere),
        ];
        let routes = Routes::new(routes).with(lines.clone());
        let (metrics, exporter) = Metrics::new();
        let health = Health {
            readiness: Readiness::starting(),
            degraded: Degraded::new(metrics),
            exporter,
            namespace: "shop".into(),
            cluster: orderly::cluster::Cluster::default(),
        };
        let options = Options {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: Secret::new(""),
            read_token: Secret::new(""),
            max_body: 1024,
            partitions: Partitions::ONE,
            grace: Duration::from_secs(5),
        };
        let server = Server::start(options, health, routes).expect("a server");
        let client = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { server, lines, client }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("http://{}{path}", self.server.address());
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut response =
            self.client.run(request.body(()).expect("a request")).expect("an answer");
        let body = response.body_mut().read_to_vec().expect("a body");
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let shell = Shell::start();
    let first = shell.ask("GET", "/text", &[]);
    assert_eq!((first.status, &*first.body), (200, text(1000).as_bytes()));
    let tag = first.header("etag");
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.header("cache-control"), "private, no-cache");

    let others = format!("\"another\", {tag}");
    for known in [tag, &others, "*"] {
        let again = shell.ask("GET", "/text", &[("if-none-match", known)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    let head = shell.ask("HEAD", "/text", &[("if-none-match", tag)]);
    assert_eq!(head.status, 304);

    shell.lines.0.store(1001, Ordering::Relaxed);
    let changed = shell.ask("GET", "/text", &[("if-none-match", tag)]);
    assert_eq!((changed.status, &*changed.body), (200, text(1001).as_bytes()));
    assert_ne!(changed.header("etag"), tag);
    for known in ["nonsense", ""] {
        assert_eq!(shell.ask("GET", "/text", &[("if-none-match", known)]).status, 200, "{known}");
    }
}

#[test]
fn a_long_answer_is_compressed_for_who_reads_gzip() {
    let shell = Shell::start();
    for accepted in ["gzip", "gzip, deflate, br, zstd", "br;q=0.5, gzip;q=0.8"] {
        let answer = shell.ask("GET", "/text", &[("accept-encoding", accepted)]);
        assert_eq!(answer.unpacked(), text(1000), "{accepted}");
        assert!(answer.body.len() < 500, "{accepted}: {} bytes", answer.body.len());
        assert!(answer.header("vary").contains("accept-encoding"), "{accepted}");
    }
    for accepted in ["", "identity", "*", "br", "gzip;q=0", "gzip;q=0.1, identity;q=0.9"] {
        let answer = shell.ask("GET", "/text", &[("accept-encoding", accepted)]);
        assert_eq!(answer.header("content-encoding"), "", "{accepted}");
        assert_eq!(answer.body, text(1000).as_bytes(), "{accepted}");
    }
    let tag = shell.ask("GET", "/text", &[]).header("etag").to_owned();
    let known = [("accept-encoding", "gzip"), ("if-none-match", &*tag)];
    assert_eq!(shell.ask("GET", "/text", &known).status, 304);

    shell.lines.0.store(10, Ordering::Relaxed);
    let short = shell.ask("GET", "/text", &[("accept-encoding", "gzip")]);
    assert_eq!((short.header("content-encoding"), &*short.body), ("", text(10).as_bytes()));
}

#[test]
fn other_answers_are_left_as_they_are() {
    let shell = Shell::start();
    let headers = [("accept-encoding", "gzip"), ("if-none-match", "*")];
    for (method, path, status) in [("POST", "/text", 200), ("GET", "/nowhere", 404)] {
        let answer = shell.ask(method, path, &headers);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!((answer.header("etag"), answer.header("content-encoding")), ("", ""), "{path}");
        assert!(answer.body.len() > 1024, "{path}");
    }
    let live = shell.ask("GET", "/live", &headers);
    assert_eq!((live.status, live.header("etag")), (200, ""), "nobody keeps it");
    assert_eq!(live.unpacked(), text(1000));
}
