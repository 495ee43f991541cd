//! `GET /api/audit`: the core reads every state, a few at a time between commands, and answers when all are checked.

use super::Backend;
use crate::admin::operation::{Json, View};
use crate::admin::problem::Problem;
use actix_web::web::Data;
use orderly_actors::audit::Audit;

impl View for Audit {
    type Kind = Self;
}

pub(super) async fn now(backend: Data<Backend>) -> Result<Json<Audit>, Problem> {
    Ok(Json::new(&backend.audit().await?)?)
}
