//! `docs/life-cycles.md` is what the shop does: the page is written by running it over every
//! status and whatever may happen there, and compared with the page that is kept.
//!
//! ```sh
//! ORDERLY_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page   # writes it anew
//! ```

#[path = "life_cycles_page/cells.rs"]
mod cells;
#[path = "life_cycles_page/page.rs"]
mod page;
mod support;

use std::path::Path;

#[actix::test]
async fn the_page_of_life_cycles_is_what_the_shop_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/life-cycles.md");
    let page = page::write().await;
    if std::env::var_os("ORDERLY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("the page can be read");
    let differs = kept.lines().zip(page.lines()).find(|(kept, now)| kept != now);
    assert!(
        kept == page,
        "docs/life-cycles.md is not what the shop does any more, first in (kept, now) {differs:?}; \
         ORDERLY_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page writes it anew"
    );
}
