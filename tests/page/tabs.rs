//! Many tabs. A browser makes few connections to a server, and all its tabs share them.

use super::{at, browse};
use crate::shop::Shop;

/// More tabs than a browser makes connections.
const TABS: usize = 7;

#[test]
fn more_tabs_than_connections_are_live_when_they_are_shown() {
    let shop = Shop::start();
    let browser = browse(&shop, "");
    browser.until_shown("#live-state", "Live");
    let mut tabs = vec![browser.tab()];
    for _ in 1..TABS {
        tabs.push(browser.open_tab());
        browser.go(&at(&shop, ""));
        browser.until_shown("#live-state", "Live");
    }
    // what was hidden goes on when it is shown, and the others have let go
    for tab in &tabs {
        browser.show_tab(tab);
        browser.run("import('/page/live.js').then(({ live }) => { window.seen = live.sample.point.at; window.live = live; })");
        browser.until("window.seen && window.live.sample.point.at !== window.seen");
        browser.until_shown("#live-state", "Live");
        browser.until("document.querySelector('#connection').hidden");
    }
    // a page that is left for another one lets go as well
    for _ in 0..TABS {
        browser.go("about:blank");
        browser.go(&at(&shop, ""));
        browser.until_shown("#live-state", "Live");
    }
}
