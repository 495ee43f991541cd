//! `GET /api/carts/{id}`.

use super::{Backend, Error, find};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path};
use orderly_actors::states::{State, decode};
use orderly_domain::cart::Cart;
use orderly_domain::event::payload::CartData;

views!(CartData);

pub(super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
) -> Result<Json<CartData<'static>>, Problem> {
    let query = move |reader: &orderly_store::Reader| {
        let ordinal = find(reader, Cart::TABLE, "cart", &id)?;
        let stored = reader.read(Cart::TABLE, ordinal, Cart::PART)?;
        let cart: Cart = decode(ordinal, &stored.ok_or(Error::NotFound("cart"))?)?;
        Ok(Json::new(&CartData::new(&cart))?)
    };
    backend.query(query).await
}
