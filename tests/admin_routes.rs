//! What holds for every route of the admin API, without an exception: each test here walks the whole table.

#[path = "support/http.rs"]
mod http;
#[path = "support/shop.rs"]
mod shop;

use http::{ask, ask_with};
use orderly::admin::Route;
use orderly::config::Secret;
use serde_json::{Value, json};
use shop::Shop;
use std::collections::{BTreeMap, BTreeSet};

fn routes(shop: &Shop) -> Vec<Route> {
    let all = shop.observed.server.routes().all().to_vec();
    assert!(all.len() > 10, "the table is there");
    all
}

fn names(route: &Route) -> Vec<&'static str> {
    route.operation().query.iter().map(|parameter| parameter.name).collect()
}

#[test]
fn an_unknown_query_parameter_is_refused_and_those_that_exist_are_named() {
    let shop = Shop::loaded();
    for route in routes(&shop) {
        let path = shop.example(route.path());
        let method = route.method().as_str();
        let told = ask(shop.address(), method, &format!("{path}?customr=u-1")).problem(422);
        assert_eq!(told["parameter"], "customr", "{path}: {told}");
        assert_eq!(told["parameters"], json!(names(&route)), "{path}: {told}");
        let detail = told["detail"].as_str().expect("a text");
        assert!(detail.contains("\"customr\""), "{path}: {told}");
        assert!(names(&route).iter().all(|name| detail.contains(name)), "{path}: {told}");
        // nor does one that exists excuse another, and none is given twice
        for name in names(&route) {
            let both = format!("{path}?{name}=1&customr=u-1&{name}=2");
            let told = ask(shop.address(), method, &both).problem(422);
            assert_eq!(told["parameter"], "customr", "{both}");
            let twice = format!("{path}?{name}=1&{name}=1");
            let told = ask(shop.address(), method, &twice).problem(422);
            assert_eq!(told["parameter"], name, "{twice}");
        }
    }
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let shop = Shop::loaded();
    // What differs from one moment to the next, whatever the method.
    let changes = ["date"];
    for route in routes(&shop).iter().filter(|route| route.method() == "GET") {
        let path = shop.example(route.path());
        for path in [path.clone(), format!("{path}?customr=u-1")] {
            let (get, head) = (shop.get(&path), ask(shop.address(), "HEAD", &path));
            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
            assert!(!get.body.is_empty(), "{path}");
            let headers = |answer: &http::Answer| -> BTreeMap<String, String> {
                let all = answer.headers.iter().cloned();
                all.filter(|(name, _)| !changes.contains(&name.as_str())).collect()
            };
            let (mut of_get, mut of_head) = (headers(&get), headers(&head));
            if ["/metrics", "/api/actors"].contains(&path.as_str()) {
                // the numbers in it grow meanwhile
                assert!(of_get.remove("content-length").is_some(), "{path}");
                assert!(of_head.remove("content-length").is_some(), "{path}");
                assert_eq!(of_head.remove("etag").is_some(), of_get.remove("etag").is_some());
            }
            assert_eq!(of_head, of_get, "{path}");
        }
    }
}

#[test]
fn another_method_of_a_known_path_is_405_with_those_that_there_are() {
    const METHODS: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];
    let shop = Shop::loaded();
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let all = routes(&shop);
    for route in &all {
        let methods = known.entry(route.path()).or_default();
        methods.insert(route.method().as_str());
        if route.method() == "GET" {
            methods.insert("HEAD");
        }
    }
    for (path, methods) in known {
        let path = shop.example(path);
        for method in METHODS.into_iter().filter(|method| !methods.contains(method)) {
            let answer = ask(shop.address(), method, &path);
            let allow = answer.header("allow").unwrap_or_default();
            assert_eq!(allow.split(", ").collect::<BTreeSet<_>>(), methods, "{method} {path}");
            assert_eq!(answer.status, 405, "{method} {path}");
            if method != "HEAD" {
                let told = answer.problem(405);
                let allowed = told["allowed"].as_array().expect("a list");
                let allowed: BTreeSet<_> = allowed.iter().filter_map(Value::as_str).collect();
                assert_eq!(allowed, methods, "{method} {path}: {told}");
            }
        }
    }
}

#[test]
fn a_path_that_is_not_there_is_404_whatever_the_method() {
    let shop = Shop::loaded();
    let mut paths: Vec<String> = Vec::new();
    for route in routes(&shop) {
        let path = shop.example(route.path());
        paths.extend([format!("{path}/"), format!("{path}/nothing/there"), format!("/v2{path}")]);
    }
    paths.extend(["/api", "/api/", "/api/order", "/nowhere?x=1"].map(str::to_owned));
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            ask(shop.address(), method, &path).problem(404);
        }
        let head = ask(shop.address(), "HEAD", &path);
        assert_eq!((head.status, head.body.as_str()), (404, ""), "{path}");
    }
}

#[test]
fn a_thing_that_is_not_there_is_404_with_what_is_missing() {
    let shop = Shop::loaded();
    for route in routes(&shop) {
        let Some((before, after)) = route.path().split_once('{') else { continue };
        let (_, after) = after.split_once('}').expect("the end of the parameter");
        for id in ["none", "%C3%A4%00", "..%2F..%2Fetc", "n-1-1"] {
            let path = format!("{before}{id}{after}");
            ask(shop.address(), route.method().as_str(), &path).problem(404);
        }
    }
}

/// Without a token only whoever supervises the process is answered, with the token for reading only reads are, and nothing
/// is changed by any of the refusals.
#[test]
fn every_route_asks_for_the_token_that_it_needs() {
    // The page has no data, and a browser has no token before it has the page.
    const OPEN: [&str; 5] = ["/healthz", "/readyz", "/owner", "/", "/page/{file}"];
    let shop = Shop::with(|config| {
        config.admin.token = Secret::new("0123456789abcdef");
        config.admin.read_token = Secret::new("fedcba9876543210");
    });
    let ask_as = |token: &str, method: &str, path: &str| {
        let authorization = format!("Bearer {token}");
        ask_with(shop.address(), method, path, &[("authorization", &authorization)], "")
    };
    for route in routes(&shop) {
        let path = route.path().replace(['{', '}'], "");
        let method = route.method().as_str();
        let reads = method == "GET";
        let methods = if reads { vec!["GET", "HEAD"] } else { vec![method] };
        for method in methods {
            let without = ask(shop.address(), method, &path);
            let wrong = ask_as("0123456789abcdeX", method, &path);
            if OPEN.contains(&route.path()) {
                let served = if path == "/page/file" { 404 } else { 200 };
                assert_eq!((without.status, wrong.status), (served, served), "{method} {path}");
                continue;
            }
            for refused in [without, wrong] {
                assert_eq!(refused.status, 401, "{method} {path}");
                assert_eq!(refused.header("www-authenticate"), Some("Bearer"), "{path}");
            }
            let whole = ask_as("0123456789abcdef", method, &path);
            assert!(![401, 403].contains(&whole.status), "{method} {path}: {whole:?}");
            let reading = ask_as("fedcba9876543210", method, &path);
            if reads {
                assert_eq!(reading.status, whole.status, "{method} {path}");
            } else {
                reading.problem(403);
            }
        }
        // whatever the path may learn to do one day
        for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
            if !OPEN.contains(&route.path()) {
                ask_as("fedcba9876543210", method, &path).problem(403);
            }
        }
    }
    ask_as("fedcba9876543210", "POST", "/nowhere").problem(403);
    ask_as("fedcba9876543210", "GET", "/nowhere").problem(404);
}
