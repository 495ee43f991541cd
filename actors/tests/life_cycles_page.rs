//! `docs/life-cycles.md` says what the processor does. This test runs every event in every status, writes the page, and
//! compares it with the committed one.
//!
//! ```sh
//! ORDERLY_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page   # writes it again
//! ```

#[path = "life_cycles_page/cells.rs"]
mod cells;
#[path = "life_cycles_page/page.rs"]
mod page;
mod support;

use std::path::Path;

#[actix::test]
async fn the_page_of_life_cycles_shows_what_the_shop_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/life-cycles.md");
    let page = page::write().await;
    if std::env::var_os("ORDERLY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the page can be read");
    let differs = committed.lines().zip(page.lines()).find(|(committed, now)| committed != now);
    assert!(
        committed == page,
        "docs/life-cycles.md is not what the processor does any more, first in (committed, now) {differs:?}; \
         ORDERLY_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page writes it again"
    );
}
