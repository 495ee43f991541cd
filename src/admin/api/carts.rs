//! `GET /api/carts/{id}`.

use super::{Backend, Error, find};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path};
use orderly_actors::states::{State, decode, part};
use orderly_domain::cart::Cart;
use orderly_domain::event::payload::CartData;
use orderly_store::Entity;
use serde_json::Value;

views!(CartData);

pub(super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
) -> Result<Json<CartData<'static>>, Problem> {
    let of = id.clone();
    let query = move |reader: &orderly_store::Reader| {
        let ordinal = find(reader, Cart::TABLE, "cart", &id)?;
        let stored = reader.read(Cart::TABLE, ordinal, Cart::PART)?;
        let cart: Cart = decode(ordinal, &stored.ok_or(Error::NotFound("cart"))?)?;
        Ok(Json::new(&CartData::new(&cart))?)
    };
    backend.of_id(&of).query(query).await
}

/// What the API shows of a cart.
pub(super) fn shown(entity: &Entity) -> Result<Option<Value>, Error> {
    let cart = part::<Cart>(entity)?;
    let view = cart.as_ref().map(|cart| serde_json::to_value(CartData::new(cart)));
    Ok(view.transpose()?)
}
