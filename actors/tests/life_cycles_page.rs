//! `docs/life-cycles.md` says what the processor does. This test runs every event in every status, writes the page, and
//! compares it with the committed one.
//!
//! ```sh
//! ORDERLY_TEST_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page   # writes it again
//! ```

#[path = "life_cycles_page/cells.rs"]
mod cells;
#[path = "life_cycles_page/page.rs"]
mod page;
#[path = "life_cycles_page/special_cases.rs"]
mod special_cases;
mod support;

use orderly_domain::command::Kind;
use orderly_domain::order::Status;
use std::collections::BTreeSet;
use std::path::Path;

/// Commands that have no row of their own in the tables of the page: what they do to an order that was placed is nothing,
/// or has the rows of callbacks.
const WITHOUT_ROW: [Kind; 9] = [
    Kind::StockSet,
    Kind::StockAdjust,
    Kind::CartPut,
    Kind::CartAdd,
    Kind::CartClear,
    Kind::CartCheckout,
    Kind::OrderPlace,
    Kind::PaymentCallback,
    Kind::CartMerge,
];

#[test]
fn every_status_and_every_command_on_an_order_is_on_the_page() {
    let statuses: BTreeSet<_> = page::STATUSES.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, Status::ALL.iter().map(|status| status.as_str()).collect());
    let rows: BTreeSet<_> =
        page::HAPPENS.iter().filter_map(|(row, _)| row.split(' ').next()).collect();
    for kind in Kind::ALL {
        let has_row = rows.contains(kind.as_str());
        assert_ne!(has_row, WITHOUT_ROW.contains(kind), "{} has a row", kind.as_str());
    }
}

#[actix::test]
async fn the_page_of_life_cycles_shows_what_the_shop_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/life-cycles.md");
    let page = page::write().await;
    if std::env::var_os("ORDERLY_TEST_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the page can be read");
    let differs = committed.lines().zip(page.lines()).find(|(committed, now)| committed != now);
    assert!(
        committed == page,
        "docs/life-cycles.md is not what the processor does any more, first in (committed, now) {differs:?}; \
         ORDERLY_TEST_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page writes it again"
    );
}
