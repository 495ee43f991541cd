//! The admin server from the outside, over a real connection.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Json, Path};
use orderly::admin::{
    Condition, Error, Health, Options, Page, Problem, Query, Readiness, Route, Routes, Server,
    Window,
};
use orderly::config::Secret;
use orderly::degraded::Degraded;
use orderly::metrics::Metrics;
use orderly::metrics::labels::{CommandType, Restriction};
use orderly_domain::command::Kind;
use orderly_domain::partition::Partitions;
use orderly_domain::verdict::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

const MAX_BODY: usize = 1024;
const TOKEN: &str = "0123456789abcdef";
const READ_TOKEN: &str = "fedcba9876543210";

/// A server on a port of its own, and a client for it.
struct Shell {
    server: Server,
    readiness: Readiness,
    degraded: Degraded,
    metrics: Metrics,
    client: ureq::Agent,
}

/// An answer of the server.
struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The problem document, after a check of the members that every problem has.
    fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let document = self.json();
        assert_eq!(document["status"], status, "{document}");
        assert_eq!(document["type"], "about:blank", "{document}");
        assert!(document["title"].is_string(), "{document}");
        document
    }
}

#[derive(Deserialize, JsonSchema)]
struct Thing {
    size: u32,
}

/// Routes such as those of a resource.
fn things() -> Routes {
    async fn list(window: Query<Window<String>>) -> Json<Page<usize>> {
        let limit = window.0.limit;
        let first = window.0.after.as_deref().map_or(0, |after| after.parse().unwrap_or(0));
        let found = (first + 1..=60).take(limit.get() + 1).collect();
        Json(Page::cut(found, limit, ToString::to_string))
    }
    async fn add(thing: Json<Thing>) -> HttpResponse {
        HttpResponse::Ok().json(json!({ "size": thing.size }))
    }
    async fn get(id: Path<u32>) -> Result<HttpResponse, Problem> {
        Err(Problem::not_found(format!("there is no thing {id}")))
    }
    async fn newest() -> &'static str {
        "the newest"
    }
    async fn fail() -> Result<HttpResponse, std::io::Error> {
        Err(std::io::Error::other("the secret plans"))
    }
    async fn slow() -> HttpResponse {
        actix_web::rt::time::sleep(Duration::from_millis(300)).await;
        HttpResponse::Ok().body("done")
    }
    Routes::new([
        Route::get("/api/things", "All things", list),
        Route::get("/api/things/{id}", "A thing", get),
        Route::get("/api/things/newest", "The newest thing", newest),
        Route::post("/api/things", "Adds a thing", add),
        Route::get("/fail", "Fails", fail),
        Route::get("/slow", "Takes its time", slow),
    ])
}

fn start(bind: SocketAddr, token: &str) -> Result<Shell, Error> {
    let (metrics, exporter) = Metrics::new();
    let readiness = Readiness::starting();
    let options = Options {
        bind,
        token: Secret::new(token),
        read_token: Secret::new(if token.is_empty() { "" } else { READ_TOKEN }),
        max_body: MAX_BODY,
        partitions: Partitions::ONE,
        grace: Duration::from_secs(5),
    };
    let degraded = Degraded::new(metrics.clone());
    let health = Health {
        readiness: readiness.clone(),
        degraded: degraded.clone(),
        exporter,
        namespace: "shop".to_owned(),
        cluster: orderly::cluster::Cluster::default(),
    };
    let server = Server::start(options, health, things())?;
    let client = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Ok(Shell { server, readiness, degraded, metrics, client })
}

impl Shell {
    fn with_token(token: &str) -> Self {
        start(any_port(), token).expect("a server")
    }

    fn open() -> Self {
        Self::with_token("")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    fn get(&self, path: &str) -> Answer {
        answer(self.client.get(self.url(path)).call())
    }

    fn get_as(&self, path: &str, authorization: &str) -> Answer {
        let request = self.client.get(self.url(path)).header("authorization", authorization);
        answer(request.call())
    }

    fn post(&self, path: &str, content_type: &str, body: &str) -> Answer {
        answer(self.client.post(self.url(path)).content_type(content_type).send(body))
    }
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn answer(answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = answered.expect("an answer");
    let body = response.body_mut().read_to_string().expect("a text");
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

#[test]
fn health_is_200_whatever_the_readiness() {
    let shell = Shell::open();
    shell.readiness.raise(Condition::Storage, "disk full");
    assert_eq!(shell.get("/healthz").status, 200);
    let head = answer(shell.client.head(shell.url("/healthz")).call());
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn readiness_follows_the_conditions() {
    let shell = Shell::open();
    let starting = shell.get("/readyz").problem(503);
    assert_eq!(starting["reasons"][0]["reason"], "starting");

    shell.readiness.clear(Condition::Starting);
    assert_eq!(shell.get("/readyz").status, 200);

    shell.readiness.raise(Condition::Broker, "connection refused");
    shell.readiness.raise(Condition::Topology, "shop.events is missing");
    let lost = shell.get("/readyz").problem(503);
    let reasons = json!([
        { "reason": "broker", "detail": "connection refused" },
        { "reason": "topology", "detail": "shop.events is missing" },
    ]);
    assert_eq!(lost["reasons"], reasons);
}

#[test]
fn a_degraded_process_is_ready_and_says_what_is_wrong() {
    let shell = Shell::open();
    shell.readiness.clear(Condition::Starting);
    assert_eq!(
        shell.get("/readyz").json(),
        json!({ "status": "ready", "role": "owner", "degraded": [] })
    );

    shell.degraded.raise(Restriction::EventsRejected, "", "a queue is full");
    let degraded = json!([{ "reason": "events_rejected", "detail": "a queue is full" }]);
    let ready = shell.get("/readyz");
    assert_eq!((ready.status, &ready.json()["degraded"]), (200, &degraded));
    let line = "orderly_degraded{reason=\"events_rejected\"} 1";
    assert!(shell.get("/metrics").body.lines().any(|found| found == line));

    shell.readiness.raise(Condition::Broker, "connection refused");
    assert_eq!(shell.get("/readyz").problem(503)["degraded"], degraded);
}

#[test]
fn metrics_are_in_the_text_format() {
    let shell = Shell::open();
    shell.metrics.commands(CommandType::Known(Kind::OrderPlace), Verdict::Applied, 2);
    let scraped = shell.get("/metrics");
    assert_eq!(scraped.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let line = "orderly_commands_total{type=\"order.place\",verdict=\"applied\"} 2";
    assert!(scraped.body.lines().any(|found| found == line), "{}", scraped.body);
}

#[test]
fn without_the_token_only_health_answers() {
    let shell = Shell::with_token(TOKEN);
    assert_eq!(shell.get("/healthz").status, 200);
    shell.get("/readyz").problem(503);
    assert_eq!(shell.get("/").status, 200, "the page has no data");
    for path in ["/metrics", "/api/things", "/nowhere", "/healthz/", "/readyz/x"] {
        let refused = shell.get(path);
        refused.problem(401);
        assert_eq!(refused.header("www-authenticate"), "Bearer", "{path}");
    }
    shell.get_as("/metrics", "Bearer wrong").problem(401);
    shell.get_as("/metrics", &format!("Basic {TOKEN}")).problem(401);
    assert_eq!(shell.get_as("/metrics", &format!("Bearer {TOKEN}")).status, 200);
    shell.get_as("/nowhere", &format!("Bearer {TOKEN}")).problem(404);
}

#[test]
fn errors_of_the_framework_are_problems_too() {
    let shell = Shell::open();
    shell.get("/nowhere").problem(404);
    shell.get("/api/things/not-a-number").problem(404);
    let posted = shell.post("/metrics", "application/json", "{}");
    posted.problem(405);
    assert_eq!(posted.header("allow"), "GET, HEAD");
}

/// Whatever the order in the table: a fixed path is not taken for one with a parameter.
#[test]
fn a_fixed_path_comes_before_one_with_a_parameter() {
    let shell = Shell::open();
    assert_eq!(shell.get("/api/things/newest").body, "the newest");
}

#[test]
fn errors_of_a_resource_are_problems_with_a_detail() {
    let shell = Shell::open();
    assert_eq!(shell.get("/api/things/7").problem(404)["detail"], "there is no thing 7");
}

#[test]
fn an_internal_error_is_not_shown_to_the_caller() {
    let shell = Shell::open();
    let failed = shell.get("/fail");
    failed.problem(500);
    assert!(!failed.body.contains("secret plans"), "{}", failed.body);
}

#[test]
fn a_body_must_be_json_of_the_right_form_and_size() {
    let shell = Shell::open();
    let add = |content_type: &str, body: &str| shell.post("/api/things", content_type, body);

    assert_eq!(add("application/json", "{\"size\":3}").json(), json!({ "size": 3 }));
    assert_eq!(add("application/cloudevents+json", "{\"size\":3}").status, 200);
    add("application/json", "{\"size\":").problem(400);
    let wrong = add("application/json", "{\"size\":\"big\"}").problem(422);
    assert!(wrong["detail"].as_str().is_some_and(|it| it.contains("big")), "{wrong}");
    add("application/json", "{}").problem(422);
    add("text/plain", "{\"size\":3}").problem(415);
    let large = format!("{{\"size\":3{}}}", " ".repeat(MAX_BODY));
    add("application/json", &large).problem(413);
}

#[test]
fn lists_come_in_pages() {
    let shell = Shell::open();
    let first = shell.get("/api/things").json();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(50));
    assert_eq!(first["next"], "50");
    let second = shell.get("/api/things?after=50&limit=500").json();
    assert_eq!(second["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(second["next"], Value::Null);
    for limit in ["0", "501", "many"] {
        let refused = shell.get(&format!("/api/things?limit={limit}")).problem(422);
        assert!(refused["detail"].as_str().is_some_and(|it| it.contains("1 to 500")), "{refused}");
    }
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind(any_port()).expect("a port");
    let bind = taken.local_addr().expect("its address");
    let error = start(bind, "").err().expect("the port is taken");
    assert!(error.to_string().contains(&bind.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_when_the_open_requests_are_answered() {
    let shell = Shell::open();
    let address = shell.server.address();
    let (client, url) = (shell.client.clone(), shell.url("/slow"));
    let slow = tokio::task::spawn_blocking(move || answer(client.get(url).call()));
    // Until the request is under way.
    tokio::time::sleep(Duration::from_millis(100)).await;

    tokio::time::timeout(Duration::from_secs(5), shell.server.stop()).await.expect("it stops");

    assert_eq!(slow.await.expect("no panic").body, "done");
    TcpStream::connect(address).expect_err("nobody listens any more");
}
