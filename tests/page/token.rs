//! The token: asked for, kept in memory only.

use super::{at, browse};
use crate::browser::key;
use crate::shop::Shop;
use orderly::config::Secret;
use serde_json::json;

const TOKEN: &str = "correct-horse-0123456789";
const READ_TOKEN: &str = "only-to-look-9876543210";

fn locked() -> Shop {
    Shop::with(|config| {
        config.admin.token = Secret::new(TOKEN);
        config.admin.read_token = Secret::new(READ_TOKEN);
    })
}

#[test]
fn the_page_asks_for_the_token_and_says_when_it_is_wrong() {
    let shop = locked();
    let browser = browse(&shop, "#/stock");
    browser.until_shown("dialog[open]", "asks for a token");
    assert_eq!(browser.count("dialog"), 1, "one question, however many requests wait for it");
    browser.press(&[key::ESCAPE]);
    for wrong in ["wrong", "täglich"] {
        browser.clear("#token");
        browser.type_into("#token", &format!("{wrong}{}", key::ENTER));
        browser.until_shown("dialog [role=alert]", "That token is wrong");
    }
    browser.clear("#token");
    browser.type_into("#token", &format!("{TOKEN}{}", key::ENTER));
    browser.until("!document.querySelector('dialog')");
    browser.until_shown("main", "There is no stock");
    browser.until_shown("#live-state", "Live");

    // it is in no place that outlives the page
    let kept = browser.run("
        return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state, window.name,
            document.documentElement.outerHTML]);
    ");
    assert!(!kept.as_str().expect("a text").contains(TOKEN), "{kept}");
    assert_eq!(browser.run("return indexedDB.databases().then((all) => all.length)"), 0);
    browser.reload();
    browser.until_shown("dialog[open]", "asks for a token");
}

/// Windows share a stream of samples, and nothing else.
#[test]
fn another_window_is_told_nothing_before_it_has_the_token() {
    let shop = locked();
    let browser = browse(&shop, "");
    browser.until_shown("dialog[open]", "asks for a token");
    browser.type_into("#token", &format!("{TOKEN}{}", key::ENTER));
    browser.until_shown("#live-state", "Live");

    browser.open_window();
    browser.go(&at(&shop, ""));
    browser.until_shown("dialog[open]", "asks for a token");
    let passed_on = browser.run(
        "
        const all = [];
        return new Promise((done) => {
            new BroadcastChannel('orderly-live-1').onmessage = ({ data }) => { if (all.push(data) === 3) done(JSON.stringify(all)); };
        });
    ",
    );
    let passed_on = passed_on.as_str().expect("a text");
    assert!(passed_on.contains("broker_connected") && !passed_on.contains(TOKEN), "{passed_on}");
    let sample = "import('/page/live.js').then(({ live }) => live.sample)";
    assert_eq!(browser.run(&format!("return {sample}")), json!(null));
    browser.type_into("#token", &format!("{TOKEN}{}", key::ENTER));
    browser.until_shown("#live-state", "Live");
}

#[test]
fn a_token_for_reading_reads() {
    let shop = locked();
    let browser = browse(&shop, "");
    browser.until_shown("dialog[open]", "asks for a token");
    browser.type_into("#token", READ_TOKEN);
    browser.type_into("#operator", "Zoë (on call)");
    browser.click("dialog button.primary");
    browser.until_shown("#wrong", "Nothing is wrong.");
    browser.until_shown(".first", "Nothing has come yet");
    let authorization = format!("Bearer {READ_TOKEN}");
    let read = crate::http::ask_with(
        shop.address(),
        "GET",
        "/api/stock",
        &[("authorization", &authorization)],
        "",
    );
    assert_eq!(read.json(), json!({ "items": [], "next": null }));
}
