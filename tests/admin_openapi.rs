//! `/openapi.json` beside the server: every route is in it and nothing else, every answer that a route gives is
//! documented, and every documented answer is given.

#[path = "support/http.rs"]
mod http;
#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "support/shop.rs"]
mod shop;

use http::{Answer, ask, ask_with};
use json_schema::Schemas;
use orderly::admin::{self, Backend, Health, Options, Readiness, Route, Server};
use orderly::config::Secret;
use orderly::decode::Decoder;
use orderly::degraded::Degraded;
use orderly::metrics::Metrics;
use orderly_domain::partition::Partitions;
use regex_lite::Regex;
use serde_json::{Value, json};
use shop::Shop;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef";
const READ_TOKEN: &str = "fedcba9876543210";

/// The document of a server, and what its routes have answered.
struct Documented {
    document: Value,
    seen: BTreeMap<String, BTreeSet<u16>>,
}

impl Documented {
    fn by(shop: &Shop) -> Self {
        Self { document: shop.get("/openapi.json").json(), seen: BTreeMap::new() }
    }

    fn operation(&self, route: &Route) -> &Value {
        &self.document["paths"][route.path()][route.method().as_str().to_lowercase()]
    }

    /// Checks an answer of a route.
    fn check(&mut self, route: &Route, answer: &Answer) {
        let name = format!("{} {}", route.method(), route.path());
        let documented = &self.operation(route)["responses"][answer.status.to_string()];
        assert!(documented.is_object(), "{name}: {answer:?}");
        if answer.status == 304 {
            assert_eq!((&documented["content"], &*answer.body), (&Value::Null, ""), "{name}");
            self.seen.entry(name).or_default().insert(answer.status);
            return;
        }
        let content = documented["content"].as_object().expect("the content is documented");
        let media_type = answer.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default();
        let schema = content.get(media_type).unwrap_or_else(|| panic!("{name}: {answer:?}"));
        if media_type.ends_with("json") {
            // a problem may have members of its own
            let body = match answer.json() {
                Value::Object(mut members) if media_type == "application/problem+json" => {
                    members.retain(|member, _| member != "degraded");
                    Value::Object(members)
                }
                body => body,
            };
            let problem = Schemas(&self.document).problem(&body, &schema["schema"]);
            assert_eq!(problem, None, "{name}: {body}");
        }
        self.seen.entry(name).or_default().insert(answer.status);
    }
}

fn routes(shop: &Shop) -> Vec<Route> {
    shop.observed.server.routes().all().to_vec()
}

fn path_without_things(route: &Route) -> String {
    whole(&route.path().replace(['{', '}'], ""))
}

/// The path with what it cannot do without: a search needs a text.
fn whole(path: &str) -> String {
    if path == "/api/search" { format!("{path}?q=x") } else { path.to_owned() }
}

#[test]
fn the_document_has_every_route_and_nothing_else() {
    let shop = Shop::start();
    let document = shop.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut documented = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            documented.insert((path.clone(), method.to_uppercase()));
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id), "{id} is there twice");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{id}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let is_told = parameter["in"] == "path" || parameter["description"].is_string();
                assert!(is_told && parameter["schema"].is_object(), "{id}: {parameter}");
            }
        }
    }
    let all = routes(&shop);
    let served: BTreeSet<_> =
        all.iter().map(|route| (route.path().to_owned(), route.method().to_string())).collect();
    assert_eq!(documented, served);
    // and each of them answers: it is neither an unknown path nor a wrong method
    for (path, method) in documented {
        let answer = ask(shop.address(), &method, &path.replace(['{', '}'], ""));
        assert_ne!(answer.status, 405, "{method} {path}");
        assert!(!answer.body.contains("nothing at this path"), "{method} {path}");
    }
}

#[test]
fn every_reference_of_the_document_is_there_and_every_schema_is_used() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = Shop::start().get("/openapi.json").json();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let there: BTreeSet<_> =
        schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
    assert_eq!(found, there.iter().map(String::as_str).collect());
}

/// Answers that the probes below do not provoke, each with where it is seen.
const SEEN_ELSEWHERE: [(&str, u16); 14] = [
    // only in a namespace with several processes
    ("GET /api/cluster", 503),
    ("GET /owner", 503),
    ("POST /api/cluster/step-down", 200),
    ("POST /api/cluster/step-down", 503),
    ("POST /api/cluster/copies", 200),
    ("POST /api/cluster/copies", 503),
    ("GET /api/cluster/copies/{id}", 200),
    ("GET /api/cluster/copies/{id}", 503),
    // another backup is under way: `store_backup`
    ("POST /api/store/backup", 409),
    // a notification that was given up: `serve_webhook`
    ("POST /api/notifications/{id}/resend", 200),
    // a message that is not kept whole: `serve_parked`
    ("POST /api/parked/{id}/replay", 409),
    // RabbitMQ, and more than the rate allows: `serve_http_commands`
    ("POST /api/commands", 202),
    ("POST /api/commands", 429),
    // too many listeners: `page`
    ("GET /api/live", 503),
];

/// Bodies for a route that takes one, each with its content type: right and wrong ones.
fn bodies(path: &str) -> Vec<(&'static str, String)> {
    let right = match path {
        "/api/commands" => {
            json!({"type": "stock.set", "id": "b-1", "data": {"sku": "b", "on_hand": 1}})
        }
        // it stays parked
        "/api/parked/{id}/replay" => json!({"data": {"sku": "tea", "on_hand": "many"}}),
        other => panic!("{other} takes a body: add one"),
    };
    let long = json!({"long": "x".repeat(80_000)}).to_string();
    let json = [right.to_string(), "{".to_owned(), "7".to_owned(), "{}".to_owned(), long];
    let json = json.map(|body| ("application/json", body));
    json.into_iter().chain([("text/plain", right.to_string())]).collect()
}

#[test]
fn every_answer_is_documented_and_every_documented_answer_is_given() {
    let shop = Shop::loaded();
    let mut documented = Documented::by(&shop);
    let locked = Shop::with(|config| {
        config.admin.token = Secret::new(TOKEN);
        config.admin.read_token = Secret::new(READ_TOKEN);
    });
    let starting = Starting::new();
    let reading = format!("Bearer {READ_TOKEN}");
    for route in routes(&shop) {
        let method = route.method().as_str();
        let mut targets = vec![shop.example(route.path()), path_without_things(&route)];
        for parameter in &route.operation().query {
            let name = parameter.name;
            let values = ["", "paid", "delivered", "validation", "o-1", "none", "1", "0", "%00"];
            targets.extend(values.map(|value| format!("{}?{name}={value}", targets[0])));
        }
        targets.push(format!("{}?customr=u-1", targets[0]));
        for target in &targets {
            documented.check(&route, &ask(shop.address(), method, target));
        }
        if route.operation().body.is_some() {
            for (content_type, body) in bodies(route.path()) {
                let headers = [("content-type", content_type)];
                for (address, target) in
                    [(shop.address(), &targets[0]), (starting.address(), &targets[0])]
                {
                    documented.check(&route, &ask_with(address, method, target, &headers, &body));
                }
            }
        }
        let unnamed = [("x-operator", "")];
        documented.check(&route, &ask_with(shop.address(), method, &targets[0], &unnamed, ""));
        let known = [("if-none-match", "*")];
        documented
            .check(&route, &ask_with(shop.address(), method, &whole(&targets[0]), &known, ""));
        let path = path_without_things(&route);
        documented.check(&route, &ask(locked.address(), method, &path));
        let headers = [("authorization", reading.as_str())];
        documented.check(&route, &ask_with(locked.address(), method, &path, &headers, ""));
        for path in [&path, &targets[0]] {
            documented.check(&route, &ask(starting.address(), method, path));
        }
    }
    let elsewhere = SEEN_ELSEWHERE.map(|(name, status)| (name.to_owned(), status));
    let mut unseen = BTreeSet::new();
    for route in routes(&shop) {
        let name = format!("{} {}", route.method(), route.path());
        let responses = documented.operation(&route)["responses"].as_object().expect("answers");
        for status in responses.keys().map(|status| status.parse::<u16>().expect("a status")) {
            if !documented.seen[&name].contains(&status) {
                unseen.insert((name.clone(), status));
            }
        }
    }
    assert_eq!(unseen, BTreeSet::from(elsewhere), "documented, and never seen");
}

#[test]
fn every_documented_value_of_a_parameter_is_accepted_and_every_other_one_refused() {
    let shop = Shop::loaded();
    let documented = Documented::by(&shop);
    let mut checked = BTreeSet::new();
    for route in routes(&shop) {
        let method = route.method().as_str();
        let path = shop.example(route.path());
        for parameter in &route.operation().query {
            let name = parameter.name;
            let parameters = documented.operation(&route)["parameters"].as_array();
            let schema = parameters.into_iter().flatten().find(|known| known["name"] == name);
            let mut schema = &schema.unwrap_or_else(|| panic!("{path}: {name}"))["schema"];
            if let Some(reference) = schema["$ref"].as_str() {
                schema = documented.document.pointer(&reference[1..]).expect("a schema");
            }
            let ask = |value: &str| {
                let text = if path == "/api/search" && name != "q" { "q=o-1&" } else { "" };
                let target = format!("{path}?{text}{name}={value}");
                if route.operation().body.is_none() {
                    return ask(shop.address(), method, &target);
                }
                let (content_type, body) = bodies(route.path()).swap_remove(0);
                let headers = [("content-type", content_type)];
                ask_with(shop.address(), method, &target, &headers, &body)
            };
            // nothing is confirmed, so nothing is done to many things
            let accepted = |value: &str| {
                let status = ask(value).status;
                let expected = if path.contains("/copies/") { [200, 404] } else { [200, 409] };
                assert!(expected.contains(&status), "{status}: {path}?{name}={value}");
            };
            let refused = |value: &str| {
                let told = ask(value).problem(422);
                assert_eq!(told["parameter"], name, "{path}?{name}={value}: {told}");
                told
            };
            if let Some(allowed) = schema["enum"].as_array() {
                for value in allowed.iter().filter_map(Value::as_str) {
                    accepted(value);
                    refused(&value.to_uppercase());
                    refused(&format!("{value}s"));
                }
                assert_eq!(refused("nonsense")["allowed"], json!(allowed));
                checked.insert("enum");
            } else if schema["type"] == "boolean" {
                for value in ["true", "false"] {
                    accepted(value);
                }
                for value in ["TRUE", "1", "yes", ""] {
                    drop(refused(value));
                }
                checked.insert("boolean");
            } else if schema["type"] == "integer" {
                let (least, most) = (&schema["minimum"], &schema["maximum"]);
                for value in [least, most, &schema["default"]] {
                    if let Some(value) = value.as_i64() {
                        accepted(&value.to_string());
                    }
                }
                let (least, most) = (least.as_i64(), most.as_i64());
                refused(&(least.expect("a minimum") - 1).to_string());
                refused(&(most.expect("a maximum") + 1).to_string());
                let nonsense = ["x", "", "1.5", "1e1", "%2B1x", "99999999999999999999"];
                drop(nonsense.map(refused));
                checked.insert("integer");
            } else if schema["anyOf"].is_array() {
                // a sequence or a time; there may be nothing then
                for value in ["1", "00012", "9999999999999999999", "2026-01-31T12:00:00Z"] {
                    assert!([200, 404].contains(&ask(value).status), "{path}?{name}={value}");
                }
                for value in ["", "0", "-1", "1.5", "today"] {
                    drop(refused(value));
                }
                checked.insert("moment");
            } else if schema["format"] == "date-time" {
                for value in ["2026-01-31T12:00:00Z", "2026-01-31T14:00:00%2B02:00"] {
                    assert_eq!(ask(value).status, 200, "{path}?{name}={value}");
                }
                for value in ["", "1", "today", "2026-01-31"] {
                    drop(refused(value));
                }
                checked.insert("time");
            } else {
                assert_eq!(schema["type"], "string", "{path}: {name}");
                refused("");
                if let Some(pattern) = schema["pattern"].as_str() {
                    let pattern = Regex::new(pattern).expect("a pattern");
                    let rows = ["0", "00", "7", "p-7", "n-7-", "n-7-ab", "n-7", "p-", "x7", "7x"];
                    for value in [&rows[..], &[&"9".repeat(19), &"9".repeat(20)]].concat() {
                        if pattern.is_match(value) {
                            accepted(value);
                        } else {
                            drop(refused(value));
                        }
                    }
                } else {
                    assert_eq!(schema["minLength"], 1, "{path}: {name}");
                }
                checked.insert("string");
            }
        }
    }
    assert_eq!(checked.len(), 6, "boolean, enum, integer, moment, string, time: {checked:?}");
}

/// The admin server of a process that has not read its store yet.
struct Starting(Server);

impl Starting {
    fn new() -> Self {
        let (metrics, exporter) = Metrics::new();
        let options = Options {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: Secret::default(),
            read_token: Secret::default(),
            max_body: 1024,
            partitions: Partitions::ONE,
            grace: Duration::from_secs(1),
        };
        let routes = admin::routes(
            Backend::default(),
            Decoder { max_command_size: 1024, partitions: Partitions::ONE },
        );
        let readiness = Readiness::starting();
        let health = Health {
            readiness,
            degraded: Degraded::new(metrics),
            exporter,
            namespace: "shop".to_owned(),
            cluster: orderly::cluster::Cluster::default(),
        };
        Self(Server::start(options, health, routes).expect("a server"))
    }

    fn address(&self) -> SocketAddr {
        self.0.address()
    }
}
