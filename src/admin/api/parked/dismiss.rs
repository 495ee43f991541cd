//! `DELETE /api/parked/{id}`: a message is dismissed. `DELETE /api/parked`: all that pass a filter.

use super::filter::{self, Confirmation, Filter, not_parked};
use crate::admin::api::Backend;
use crate::admin::body::NoBody;
use crate::admin::operation::{Json, View};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::pipeline::Dismissed;
use actix_web::web::{Data, Path};
use schemars::JsonSchema;
use serde::Serialize;

/// Messages that are dismissed at a time; commands run in between.
const AT_ONCE: usize = 256;

/// How many messages were dismissed.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "DismissedMessages")]
pub(in super::super) struct DismissedView {
    dismissed: u64,
}

impl View for DismissedView {
    type Kind = Self;
}

pub(in super::super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
    NamedOperator(operator): NamedOperator,
    NoBody: NoBody,
) -> Result<Json<DismissedView>, Problem> {
    let (backend, message) = filter::one(&backend, &id)?;
    match backend.dismiss(vec![message], operator).await?.pop() {
        Some(Dismissed::Done) => Ok(Json::new(&DismissedView { dismissed: 1 })?),
        Some(Dismissed::NotParked(resolution)) => Err(not_parked(resolution)),
        None => Err(Problem::internal(&"a dismissal without an answer")),
    }
}

pub(in super::super) async fn many(
    backend: Data<Backend>,
    query: Query<(Filter, Confirmation)>,
    NamedOperator(operator): NamedOperator,
    NoBody: NoBody,
) -> Result<Json<DismissedView>, Problem> {
    let (filter, confirmation) = query.0;
    let found = filter.in_all(&backend).await?;
    confirmation.check(found.iter().map(|(_, messages)| messages.len()).sum())?;
    let mut view = DismissedView::default();
    for (backend, messages) in found {
        for some in messages.chunks(AT_ONCE) {
            let dismissed = backend.dismiss(some.to_vec(), operator.clone()).await?;
            let done = dismissed.iter().filter(|one| **one == Dismissed::Done);
            view.dismissed += done.count() as u64;
        }
    }
    Ok(Json::new(&view)?)
}
