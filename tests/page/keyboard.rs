//! The page without a pointer.

use super::{browse, park};
use crate::browser::{Browser, key};
use crate::shop::Shop;

/// The outline of the element that has the focus: a person must see where it is.
fn outline(browser: &Browser) -> String {
    let script = "
        const style = getComputedStyle(document.activeElement);
        return `${document.activeElement.tagName} ${style.outlineStyle} ${style.outlineWidth}`;
    ";
    browser.run(script).as_str().expect("a text").to_owned()
}

#[test]
fn every_view_has_a_key() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "");
    browser.until_shown("#wrong", "parked");
    for (second, hash, shown) in [
        ("o", "#/orders", "Orders"),
        ("t", "#/attention", "Orders that wait for a person"),
        ("p", "#/parked", "Parked"),
        ("s", "#/stock", "Stock"),
        ("n", "#/notifications", "Notifications"),
        ("a", "#/actors", "Actors"),
        ("u", "#/audit", "Audit"),
        ("h", "#/overview", "Overview"),
    ] {
        browser.press(&["g", second]);
        browser.until(&format!("location.hash === '{hash}'"));
        browser.until_shown("h1", shown);
        let entry = if second == "t" { "To do" } else { shown };
        assert!(browser.text("#nav [aria-current]").starts_with(entry), "{second}");
    }
    browser.press(&["?"]);
    browser.until_shown("dialog[open]", "Next and previous row");
    browser.press(&["g", "o", key::ESCAPE]);
    browser.until("!document.querySelector('dialog')");
    assert!(browser.url().ends_with("#/overview"), "the keys rest while a dialog is open");
}

#[test]
fn a_list_is_walked_and_opened_with_keys() {
    let shop = Shop::start();
    park(&shop, 120);
    let browser = browse(&shop, "#/parked");
    browser.until_shown(".rows", "p-1");
    let focused = || {
        browser
            .run("return document.activeElement.innerText")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let ids = browser.texts(".rows td:first-child");
    browser.press(&["j"]);
    assert_eq!(focused(), ids[0]);
    browser.press(&["j", "j", "k"]);
    assert_eq!(focused(), ids[1]);
    assert!(outline(&browser).starts_with("A solid 2px"), "{}", outline(&browser));
    browser.press(&["]"]);
    browser.until_shown(".pager", "51 to 100");
    browser.press(&["]"]);
    browser.until_shown(".pager", "101 to 120");
    browser.press(&["["]);
    browser.until_shown(".pager", "51 to 100");
    let ids = browser.texts(".rows td:first-child");
    browser.press(&["k", key::ENTER]);
    browser.until(&format!("location.hash === '#/parked/{}'", ids[49]));
    browser.until_shown(".body", "many");
}

#[test]
fn whatever_takes_the_focus_shows_it_and_what_is_typed_into_a_field_is_no_key() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "#/orders");
    browser.until_shown(".rows", "o-1");
    // the first stop leads past the head of the page
    browser.press(&[key::TAB]);
    assert_eq!(browser.run("return document.activeElement.innerText"), "Skip to the content");
    for stop in 0..16 {
        let shown = outline(&browser);
        assert!(shown.contains("solid 2px") || shown.starts_with("BODY"), "stop {stop}: {shown}");
        browser.press(&[key::TAB]);
    }
    // the last stop was in a field, where keys are text
    browser.press(&[key::ESCAPE]);
    browser.press(&["/", "g", "o", "?", "j"]);
    assert_eq!(browser.run("return document.querySelector('#search-text').value"), "go?j");
    assert_eq!(browser.count("dialog"), 0);
    browser.press(&[key::ESCAPE]);
    browser.until("document.activeElement === document.body");
}
