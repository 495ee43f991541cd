//! `GET /api/audit`: reads every state, so it holds the shop up for as long as that takes (about
//! a second for some hundred thousand orders).

use super::{Core, json};
use crate::admin::problem::Problem;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};

#[get("/audit")]
pub(super) async fn now(core: Data<Core>) -> Result<HttpResponse, Problem> {
    let audit = core.look(|core| Ok(orderly_actors::audit::audit(core.view)?)).await?;
    Ok(json(&audit))
}
