//! `GET /api/actors`.

use super::{Core, json};
use crate::admin::problem::Problem;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;

#[derive(Serialize)]
struct ActorView {
    actor: &'static str,
    state: &'static str,
    restarts: u64,
    handled: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
}

#[get("/actors")]
pub(super) async fn all(core: Data<Core>) -> Result<HttpResponse, Problem> {
    let actors = core.look(|core| Ok(core.actors.clone())).await?;
    let actors: Vec<_> = actors
        .into_iter()
        .map(|(owner, vitals)| ActorView {
            actor: owner.as_str(),
            state: vitals.health.as_str(),
            restarts: vitals.restarts,
            handled: vitals.handled,
            last_failure: vitals.last_failure,
        })
        .collect();
    Ok(json(&actors))
}
