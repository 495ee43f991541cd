//! Commands over HTTP on the in-process broker: the answer is the verdict.

#[path = "support/http.rs"]
mod http;
#[path = "support/shop.rs"]
mod shop;

use http::{Answer, ask_with};
use serde_json::{Value, json};
use shop::Shop;
use std::num::NonZeroU16;

fn send(shop: &Shop, command: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("x-operator", "anna")];
    ask_with(shop.address(), "POST", "/api/commands", &headers, &command.to_string())
}

#[test]
fn the_answer_is_the_verdict_when_it_is_durable() {
    let shop = Shop::start();
    let set = json!({"type": "stock.set", "id": "c-1", "data": {"sku": "tea", "on_hand": 5}});
    let first = send(&shop, &set);
    let verdict = first.json();
    assert_eq!((first.status, &verdict["verdict"]), (200, &json!("applied")), "{first:?}");
    assert_eq!(shop.get("/api/stock/tea").json()["on_hand"], 5, "it can be read at once");
    let again = send(&shop, &set).json();
    assert_eq!((&again["verdict"], &again["original"]), (&json!("duplicate"), &verdict));

    let place = json!({
        "type": "order.place", "id": "c-2", "source": "web", "data": {
            "order_id": "o-1", "customer": {"id": "u-1"}, "currency": "EUR",
            "lines": [{"sku": "tea", "quantity": 9, "unit_price": 350}],
        },
    });
    let refused = send(&shop, &place).json();
    assert_eq!(
        (&refused["verdict"], &refused["reason"]),
        (&json!("rejected"), &json!("out_of_stock"))
    );
    let timeline = shop.get("/api/orders/o-1/timeline").json();
    assert_eq!(
        (&timeline[0]["operator"], &timeline[0]["kind"]),
        (&json!("anna"), &json!("order.place"))
    );

    let invalid = json!({"type": "stock.set", "id": "c-3", "data": {"sku": "tea", "on_hand": 7.5}});
    let told = send(&shop, &invalid).json();
    assert_eq!((&told["verdict"], &told["reason"]), (&json!("invalid"), &json!("validation")));
    let unknown = json!({"type": "stock.sett", "id": "c-4", "data": {}});
    assert_eq!(send(&shop, &unknown).json()["reason"], "unknown_type");
}

#[test]
fn a_dry_run_says_the_verdict_and_keeps_nothing() {
    let shop = Shop::start();
    let set = |id: &str, on_hand: Value| json!({"type": "stock.set", "id": id, "data": {"sku": "tea", "on_hand": on_hand}});
    let tried = |command: &Value| {
        let headers = [("content-type", "application/json")];
        let path = "/api/commands?dry_run=true";
        let answer = ask_with(shop.address(), "POST", path, &headers, &command.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let would = tried(&set("c-1", json!(5)));
    assert_eq!(
        (&would["verdict"], &would["events"]),
        (&json!("applied"), &json!(["stock.changed"]))
    );
    assert_eq!(tried(&set("c-1", json!(5)))["verdict"], "applied", "its identity is free");
    assert_eq!(shop.get("/api/stock/tea").status, 404);
    let wrong = tried(&set("c-1", json!(7.5)));
    assert_eq!((&wrong["verdict"], &wrong["reason"]), (&json!("invalid"), &json!("validation")));
    assert_eq!(shop.get("/api/parked").json()["items"], json!([]));

    let mut done = send(&shop, &set("c-1", json!(5))).json();
    let again = tried(&set("c-1", json!(5)));
    assert_eq!((&again["verdict"], &again["original"]), (&json!("duplicate"), &done));
    done["at"] = would["at"].clone();
    assert_eq!(done, would, "it did what it would do");
    let conflict = tried(&set("c-1", json!(6)));
    assert_eq!(
        (&conflict["verdict"], &conflict["events"]),
        (&json!("conflict"), &json!(["command.parked"]))
    );
    assert_eq!(shop.get("/api/parked").json()["items"], json!([]));
}

#[test]
fn commands_wait_for_each_other_in_no_caller() {
    let shop = Shop::start();
    let sent: Vec<_> = std::thread::scope(|scope| {
        let send = |number: u64| {
            let data = json!({"sku": format!("s-{number}"), "on_hand": number});
            let command = json!({"type": "stock.set", "id": format!("c-{number}"), "data": data});
            (number, self::send(&shop, &command))
        };
        let threads: Vec<_> = (0..40).map(|number| scope.spawn(move || send(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ended")).collect()
    });
    for (number, answer) in sent {
        let verdict = answer.json();
        assert_eq!((answer.status, &verdict["verdict"]), (200, &json!("applied")), "{answer:?}");
        assert_eq!(verdict["command_id"], format!("c-{number}"), "each caller has its own");
    }
}

#[test]
fn a_paused_intake_holds_what_is_under_way_and_refuses_more_than_the_limit() {
    let shop = Shop::with(|config| {
        config.intake.http_in_flight = NonZeroU16::new(2).expect("not zero");
    });
    let command = |number: u64| {
        let data = json!({"sku": format!("s-{number}"), "on_hand": 1});
        json!({"type": "stock.set", "id": format!("c-{number}"), "data": data})
    };
    let paused = ask_with(shop.address(), "POST", "/api/intake/pause", &[], "");
    assert_eq!(paused.status, 200);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..2)
            .map(|number| {
                let command = command(number);
                let shop = &shop;
                scope.spawn(move || {
                    // a dry run may be under way in its place
                    let mut answers = std::iter::repeat_with(|| send(shop, &command));
                    answers.find(|answer| answer.status != 503).expect("an answer")
                })
            })
            .collect();
        let mut told = None;
        for _ in 0..250 {
            // a dry run is under way for a moment only
            let headers = [("content-type", "application/json")];
            let path = "/api/commands?dry_run=true";
            let answer = ask_with(shop.address(), "POST", path, &headers, &command(7).to_string());
            if answer.status == 503 {
                told = Some(answer);
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let told = told.expect("the limit holds");
        assert_eq!(told.header("retry-after"), Some("1"));
        assert!(told.problem(503)["detail"].to_string().contains("http_in_flight"));
        let resumed = ask_with(shop.address(), "POST", "/api/intake/resume", &[], "");
        assert_eq!(resumed.json(), json!({"paused": false}));
        for waiting in waiting {
            assert_eq!(waiting.join().expect("it ended").json()["verdict"], "applied");
        }
    });
    assert_eq!(send(&shop, &command(9)).status, 200);
}
