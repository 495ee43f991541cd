//! `GET /api/actors`: the health of each actor, read without a message to the actor. A member of a cluster has those of the partitions
//! that it owns.

use super::Backend;
use crate::admin::operation::{Json, View};
use crate::admin::problem::Problem;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Serialize;

/// An actor.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Actor")]
pub(super) struct ActorView {
    /// The number of its partition. Absent where there are no partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<u16>,
    actor: &'static str,
    state: &'static str,
    restarts: u64,
    handled: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
}

impl View for ActorView {
    type Kind = Self;
}

pub(super) async fn all(backend: Data<Backend>) -> Result<Json<Vec<ActorView>>, Problem> {
    let mut all = Vec::new();
    for backend in backend.processing()? {
        let partition = backend.partition();
        all.extend(backend.core()?.actors().iter().map(|(owner, stats)| ActorView {
            partition,
            actor: owner.as_str(),
            state: stats.health().as_str(),
            restarts: stats.restarts(),
            handled: stats.handled_so_far(),
            last_failure: stats.last_failure(),
        }));
    }
    Ok(Json::new(&all)?)
}
