//! `GET /api/stock`, `GET /api/stock/{sku}`.

use super::merged::{self, Combined, Order};
use super::pages::{self, List};
use super::{Backend, Error, find};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use actix_web::web::{Data, Path};
use orderly_actors::states::part;
use orderly_actors::states::{State, decode};
use orderly_domain::inventory::Stock;
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The stock of a sku.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Stock")]
pub(super) struct StockView<'a> {
    sku: &'a str,
    on_hand: u64,
    held: u64,
    available: u64,
    low_at: Option<u64>,
    version: u64,
}

views!(StockView);

impl<'a> From<&'a Stock> for StockView<'a> {
    fn from(stock: &'a Stock) -> Self {
        let Stock { sku, on_hand, held, low_at, version } = stock;
        Self {
            sku: sku.as_str(),
            on_hand: *on_hand,
            held: *held,
            available: stock.available(),
            low_at: *low_at,
            version: *version,
        }
    }
}

pub(super) async fn one(
    backend: Data<Backend>,
    sku: Path<String>,
) -> Result<Json<StockView<'static>>, Problem> {
    let of = sku.clone();
    let query = move |reader: &Reader| {
        let ordinal = find(reader, Stock::TABLE, "sku", &sku)?;
        let stored = reader.read(Stock::TABLE, ordinal, Stock::PART)?;
        let stock: Stock = decode(ordinal, &stored.ok_or(Error::NotFound("sku"))?)?;
        Ok(Json::new(&StockView::from(&stock))?)
    };
    backend.of_id(&of).query(query).await
}

/// What the API shows of the stock of a sku.
pub(super) fn shown(entity: &Entity) -> Result<Option<Value>, Error> {
    let stock = part::<Stock>(entity)?;
    let view = stock.as_ref().map(|stock| serde_json::to_value(StockView::from(stock)));
    Ok(view.transpose()?)
}

/// All skus.
struct Skus;

impl List for Skus {
    type Item = Stock;
    const TABLE: Table = Stock::TABLE;
    const PARTS: Parts = Parts::of(&[Stock::PART]);

    fn items(&self, entity: &Entity) -> Result<Vec<(String, Stock)>, Error> {
        let stock = part::<Stock>(entity)?;
        Ok(stock.into_iter().map(|stock| (Self::behind(entity.ordinal), stock)).collect())
    }

    fn behind(ordinal: Ordinal) -> String {
        ordinal.0.to_string()
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    window: Query<Window<Combined<Ordinal>>>,
) -> Result<Json<Page<StockView<'static>>>, Problem> {
    let page = |_: Option<u16>, reader: &Reader, window: &Window<Ordinal>| {
        pages::page(&Skus, reader, pages::first(window.after), window.limit)
    };
    let page = merged::page(&backend, window.0, Order::by_partition(), page).await?;
    Ok(pages::json(&page, StockView::from)?)
}
