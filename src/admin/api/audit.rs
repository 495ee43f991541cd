//! `GET /api/audit`: the core reads every state, a few at a time between commands, and answers when all are checked.

use super::Backend;
use super::backend::Json;
use crate::admin::problem::Problem;
use actix_web::web::Data;

pub(super) async fn now(backend: Data<Backend>) -> Result<Json, Problem> {
    Ok(Json::new(&backend.audit().await?)?)
}
