//! The demo as in the README, and days of other seeds: the results of the processor are those of the model, which shares no code
//! with it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// Runs a day to its end. Returns whether the exit code says that the books balance, and the output.
fn day(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_orderly"))
        .args(["demo", "--exit", "--bind", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .expect("runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_books_of_the_default_day_balance() {
    let (balances, said) = day(&[]);
    assert!(balances, "{said}");
    assert!(said.contains("The books balance"), "{said}");
}

#[test]
fn the_books_of_other_days_balance() {
    for seed in ["6", "42", "99"] {
        let (balances, said) = day(&["--seed", seed]);
        assert!(balances, "seed {seed}: {said}");
    }
}

/// Without `--exit` the shop goes on after its day, and has trouble for a person to find.
#[test]
fn after_the_day_the_shop_goes_on_with_some_trouble() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("its address");
    drop(socket);
    let mut demo = Command::new(env!("CARGO_BIN_EXE_orderly"))
        .args(["demo", "--orders", "50", "--bind", &address.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let said = BufReader::new(demo.stdout.take().expect("its output")).lines();
    let mut said = said.map_while(Result::ok);
    assert!(said.any(|line| line.contains(&format!("http://{address} until Ctrl-C"))));
    let get = |path: &str| -> serde_json::Value {
        let answer = ureq::get(format!("http://{address}{path}")).call();
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string());
        text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    };
    let wait_for = |path: &str, wanted: &dyn Fn(&serde_json::Value) -> bool| {
        let mut found = serde_json::Value::Null;
        for _ in 0..600 {
            found = get(path);
            if wanted(&found) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("not in time: {path}: {found}");
    };
    for (order, status) in [
        ("stuck-1001", "awaiting_payment"),
        ("paid-too-much-1002", "under_review"),
        ("paid-in-euro-1003", "under_review"),
        ("paid-in-part-1004", "partially_paid"),
        ("disputed-1007", "paid"),
        ("too-few-glasses-1011", "rejected"),
    ] {
        wait_for(&format!("/api/orders/{order}"), &|found| found["status"] == status);
    }
    wait_for("/api/orders/paid-twice-1005", &|order| order["refunds"][0]["state"] == "requested");
    wait_for("/api/orders/refund-failed-1006", &|order| order["refunds"][0]["state"] == "failed");
    // who comes later is served, too
    wait_for("/api/orders/evening-000003", &|order| order["order_id"].is_string());
    wait_for("/api/audit", &|audit| audit["balanced"] == true);
    let stopped = Command::new("kill").arg(demo.id().to_string()).status().expect("kill");
    assert!(stopped.success() && demo.wait().expect("it ends").success());
}
