//! `GET /api/stock`, `GET /api/stock/{sku}`.

use super::{Core, Error, after, json};
use crate::admin::listing::{Page, Window};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use orderly_actors::names;
use orderly_actors::states;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::inventory::Stock;
use serde::Serialize;

#[derive(Serialize)]
struct StockView {
    sku: String,
    on_hand: u64,
    held: u64,
    available: u64,
    low_at: Option<u64>,
}

impl From<Stock> for StockView {
    fn from(stock: Stock) -> Self {
        Self {
            available: stock.available(),
            sku: stock.sku.to_string(),
            on_hand: stock.on_hand,
            held: stock.held,
            low_at: stock.low_at,
        }
    }
}

#[get("/stock/{sku}")]
pub(super) async fn one(core: Data<Core>, sku: Path<String>) -> Result<HttpResponse, Problem> {
    let stock = core
        .look(move |core| {
            let ordinal =
                names::find(core.view, tables::SKUS, &sku)?.ok_or(Error::NotFound("sku"))?;
            states::read::<Stock>(core.view, ordinal)?.ok_or(Error::NotFound("sku"))
        })
        .await?;
    Ok(json(&StockView::from(stock)))
}

#[get("/stock")]
pub(super) async fn list(core: Data<Core>, window: Query<Window>) -> Result<HttpResponse, Problem> {
    let from = after(&window)?;
    let wanted = window.limit.get() + 1;
    let found = core
        .look(move |core| {
            let mut found = Vec::new();
            for entity in core.view.scan(tables::SKUS, from, wanted)? {
                if let Some(stock) = part::<Stock>(&entity)? {
                    found.push((entity.ordinal, stock));
                }
            }
            Ok(found)
        })
        .await?;
    let page = Page::cut(found, window.limit, |(ordinal, _)| ordinal.0.to_string());
    let items: Vec<_> = page.items.into_iter().map(|(_, stock)| StockView::from(stock)).collect();
    Ok(json(&Page { items, next: page.next }))
}
