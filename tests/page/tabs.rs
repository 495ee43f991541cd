//! Many tabs. A browser makes few connections to a server, and all its tabs share them.

use super::{at, browse};
use crate::browser::Browser;
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
        look(&browser);
        goes_on(&browser);
    }
    // a page that is left for another one lets go as well
    for _ in 0..TABS {
        browser.go("about:blank");
        browser.go(&at(&shop, ""));
        browser.until_shown("#live-state", "Live");
    }
}

/// One window reads, and the others hear of what it reads. When it is closed, another one reads.
#[test]
fn more_windows_than_connections_are_live_at_the_same_time() {
    let shop = Shop::start();
    let browser = browse(&shop, "");
    browser.until_shown("#live-state", "Live");
    let mut windows = vec![browser.tab()];
    for _ in 1..TABS {
        windows.push(browser.open_window());
        browser.go(&at(&shop, "#/stock"));
        browser.until_shown("main", "There is no stock");
        browser.until_shown("#live-state", "Live");
    }
    for is_last in [false, true] {
        for window in &windows {
            browser.show_tab(window);
            assert_eq!(browser.run("return document.hidden"), false);
            look(&browser);
        }
        for window in &windows {
            browser.show_tab(window);
            goes_on(&browser);
        }
        // a window that hears has the plots of the one that reads
        browser.until("window.live.points.length > 1");
        if !is_last {
            browser.show_tab(&windows.remove(0));
            browser.close_tab();
        }
    }
}

/// Notes which sample is shown.
fn look(browser: &Browser) {
    browser.run("import('/page/live.js').then(({ live }) => { window.seen = live.sample.point.at; window.live = live; })");
    browser.until("window.seen");
}

/// Further samples come.
fn goes_on(browser: &Browser) {
    browser.until("window.live.sample.point.at !== window.seen");
    browser.until_shown("#live-state", "Live");
    browser.until("document.querySelector('#connection').hidden");
}
