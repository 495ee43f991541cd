//! `GET /api/carts/{id}`.

use super::{Core, Error, json};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use orderly_actors::names;
use orderly_actors::states;
use orderly_actors::tables;
use orderly_domain::cart::Cart;
use orderly_domain::event::face::CartData;

#[get("/carts/{id}")]
pub(super) async fn one(core: Data<Core>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let cart = core
        .look(move |core| {
            let ordinal =
                names::find(core.view, tables::CARTS, &id)?.ok_or(Error::NotFound("cart"))?;
            states::read::<Cart>(core.view, ordinal)?.ok_or(Error::NotFound("cart"))
        })
        .await?;
    Ok(json(&CartData::new(&cart)))
}
