//! `GET /api/audit`: reads every state, a few at a time beside the shop's work, and answers when it has read them all.

use super::{Core, json};
use crate::admin::problem::Problem;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};

#[get("/audit")]
pub(super) async fn now(core: Data<Core>) -> Result<HttpResponse, Problem> {
    Ok(json(&core.audit().await?))
}
