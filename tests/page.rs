//! The page for operators, in a real browser.
//!
//! | file | has |
//! |---|---|
//! | `files` | the files of the page and the stream of samples, over HTTP |
//! | `reading` | what a person finds out: the overview, an order, lists, search |
//! | `keyboard` | the page without a pointer |
//! | `acting` | what a person does: replay, dismiss, cancel, refund, resolve, pause |
//! | `money` | settled refunds, money in another currency, requests that are moot |
//! | `looks` | a telephone, the dark, the pictures of the README |
//! | `members` | the members of a cluster |
//! | `hostile` | data that would like to be markup |
//! | `tabs` | more tabs than a browser makes connections |
//! | `token` | the token, and a token for reading |
//! | `outages` | a broker and a process that are lost |

#[path = "support/browser.rs"]
mod browser;
#[path = "support/http.rs"]
mod http;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/shop.rs"]
mod shop;

mod page {
    mod acting;
    mod files;
    mod hostile;
    mod keyboard;
    mod looks;
    mod members;
    mod money;
    mod outages;
    mod reading;
    mod tabs;
    mod token;

    use crate::browser::Browser;
    use crate::shop::Shop;
    use orderly::admin::{Health, Options, Readiness, Routes, Server};
    use orderly::config::Secret;
    use orderly::degraded::Degraded;
    use orderly::metrics::Metrics;
    use orderly_domain::partition::Partitions;
    use serde_json::json;
    use std::net::SocketAddr;
    use std::time::Duration;

    /// An admin server without a processor behind it.
    fn bare_server() -> (Server, Health) {
        let (metrics, exporter) = Metrics::new();
        let options = Options {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: Secret::default(),
            read_token: Secret::default(),
            max_body: 1024,
            partitions: Partitions::ONE,
            grace: Duration::from_secs(30),
        };
        let (degraded, namespace) = (Degraded::new(metrics), "shop".to_owned());
        let health = Health {
            readiness: Readiness::starting(),
            degraded,
            exporter,
            namespace,
            cluster: orderly::cluster::Cluster::default(),
        };
        let server = Server::start(options, health.clone(), Routes::default());
        (server.expect("a server"), health)
    }

    /// A place of the page of a shop.
    fn at(shop: &Shop, place: &str) -> String {
        format!("http://{}/{place}", shop.address())
    }

    /// A browser that shows a place of the page of a shop.
    fn browse(shop: &Shop, place: &str) -> Browser {
        let browser = Browser::open();
        browser.go(&at(shop, place));
        browser
    }

    /// Clicks the button with that text.
    fn press(browser: &Browser, text: &str) {
        browser.press_button(text);
    }

    /// Puts a text into a field in place of what is in it.
    fn fill(browser: &Browser, selector: &str, text: &str) {
        browser.clear(selector);
        browser.type_into(selector, text);
    }

    fn close(browser: &Browser) {
        press(browser, "Close");
        browser.until("!document.querySelector('dialog')");
    }

    /// Leaves a dialog as it is.
    fn leave(browser: &Browser) {
        browser.press(&[crate::browser::key::ESCAPE]);
        browser.until("!document.querySelector('dialog')");
    }

    /// Every view that shows something of a shop that is loaded.
    const VIEWS: [&str; 19] = [
        "#/",
        "#/orders",
        "#/orders?status=paid",
        "#/orders/o-1",
        "#/orders?customer=u-1&sku=tea&sort=oldest",
        "#/attention",
        "#/refunds",
        "#/waiting",
        "#/holds",
        "#/carts/k-1",
        "#/search?q=u-1",
        "#/parked",
        "#/parked/p-1",
        "#/stock",
        "#/stock/tea",
        "#/notifications",
        "#/actors",
        "#/audit",
        "#/help/broker",
    ];

    /// Messages that are parked: no JSON.
    fn park(shop: &Shop, count: usize) {
        for number in 0..count {
            let data = json!({ "sku": format!("tea-{number}"), "delta": "many" });
            shop.publish("stock.adjust", &format!("wrong-{number}"), &data);
        }
        shop.wait_for("/api/parked?limit=1", |list| list["items"][0]["id"] == "p-1");
        let last = format!("/api/parked/p-{count}");
        shop.wait_for(&last, |one| one["id"].is_string());
    }
}
