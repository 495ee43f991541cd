//! `POST /api/intake/pause` and `/resume`: the processor takes no messages from the broker for a while. A member of a cluster takes
//! none for the partitions that it owns.

use super::Backend;
use crate::admin::operation::{Json, View};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Serialize;

/// Whether the intake is paused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Intake")]
pub(super) struct IntakeView {
    paused: bool,
}

impl View for IntakeView {
    type Kind = Self;
}

pub(super) async fn pause(
    backend: Data<Backend>,
    operator: NamedOperator,
) -> Result<Json<IntakeView>, Problem> {
    set(&backend, true, operator).await
}

pub(super) async fn resume(
    backend: Data<Backend>,
    operator: NamedOperator,
) -> Result<Json<IntakeView>, Problem> {
    set(&backend, false, operator).await
}

async fn set(
    backend: &Backend,
    paused: bool,
    NamedOperator(operator): NamedOperator,
) -> Result<Json<IntakeView>, Problem> {
    for backend in backend.processing()? {
        backend.set_paused(paused, operator.clone()).await?;
    }
    Ok(Json::new(&IntakeView { paused })?)
}
