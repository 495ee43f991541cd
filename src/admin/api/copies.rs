//! `POST /api/cluster/copies` and `GET /api/cluster/copies/{id}`: a copy of the store for another member, in parts.

use super::Backend;
use crate::admin::operation::{Answer, Content, Json, Operation, Output, View};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Query, Value, parameters};
use crate::admin::values::{self, PartitionNumber};
use crate::cluster::ClusterRole;
use crate::config::Mode;
use crate::copy::source::Refused;
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use orderly_domain::id::Operator;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use uuid::Uuid;

/// The media type of the parts together.
const TAR: &str = "application/x-tar";

/// A copy that this member gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Copy")]
pub(super) struct CopyView {
    /// Names the copy. Its parts are at `/api/cluster/copies/{copy}?part=0` and so on.
    copy: String,
    /// The namespace that the store belongs to.
    namespace: String,
    /// The incarnation of the store.
    incarnation: String,
    /// The sequence at which the copy ends, at least.
    end_sequence: u64,
    /// About how many bytes the copy has.
    bytes: u64,
}

impl View for CopyView {
    type Kind = Self;
}

parameters! {
    /// The part that a caller asks for.
    pub(super) struct Wanted {
        /// The number of the part, from 0 on: the next one, or again the one before. The parts together are an archive of the
        /// form of tar, whose end is in the last one.
        part: Option<Part>,
    }
}

parameters! {
    /// The store that a copy is made of.
    pub(super) struct OfStore {
        /// The number of the partition whose store it is. It must be given where there are partitions, and means nothing where
        /// there are none.
        partition: Option<PartitionNumber>,
    }
}

/// The number of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part(u64);

impl Part {
    const MOST: u64 = u32::MAX as u64;
}

impl Value for Part {
    fn parse(text: &str) -> Result<Self, Expected> {
        values::number(text, Self::MOST).map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": Self::MOST })
    }
}

/// A part of a copy.
pub(super) struct PartOfCopy(Bytes);

impl Output for PartOfCopy {
    fn describe(operation: &mut Operation) {
        let content = Content::Bytes(&[TAR]);
        operation.answers.push(Answer { status: StatusCode::OK, about: "", content });
    }
}

impl Responder for PartOfCopy {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type(TAR).insert_header((CACHE_CONTROL, "no-store")).body(self.0)
    }
}

pub(super) async fn begin(
    backend: Data<Backend>,
    of: Query<OfStore>,
    NamedOperator(operator): NamedOperator,
) -> Result<Json<CopyView>, Problem> {
    let backend = backend.chosen(of.0.partition)?;
    let cluster = backend.cluster();
    if cluster.mode() == Mode::Single {
        return Err(Problem::new(StatusCode::CONFLICT).detail(
            "the namespace has one process (`cluster.mode` is `single`): a copy that goes on beside it would be another store of \
             the same incarnation. Make a backup",
        ));
    }
    if cluster.role() == ClusterRole::Joining {
        return Err(Problem::unavailable(
            "this member does not have all that the journal has: ask another one",
        ));
    }
    if backend.copies().is_busy() {
        return Err(Problem::new(StatusCode::CONFLICT).detail("another copy is under way"));
    }
    let files = backend.begin_copy().await?;
    let bytes = files.store_bytes().map_err(|error| Problem::internal(&error))?;
    let manifest = files.manifest().clone();
    let begun = backend.give_copy(files).map_err(|error| Problem::internal(&error))?;
    tracing::info!(
        copy = %begun, partition = backend.partition(), operator = operator.as_ref().map(Operator::as_str),
        "a copy of the store was asked for"
    );
    Ok(Json::new(&CopyView {
        copy: begun.to_string(),
        namespace: manifest.namespace,
        incarnation: manifest.incarnation,
        end_sequence: manifest.end_sequence,
        bytes,
    })?)
}

pub(super) async fn part(
    backend: Data<Backend>,
    id: Path<String>,
    wanted: Query<Wanted>,
) -> Result<PartOfCopy, Problem> {
    let unknown =
        || Problem::not_found("there is no copy of that id, or it was given up: begin another one");
    let id = Uuid::try_parse(&id).map_err(|_| unknown())?;
    let Part(part) = wanted.0.part.unwrap_or(Part(0));
    let content = backend.copies().part(id, part).await;
    content.map(PartOfCopy).map_err(|refused| match refused {
        Refused::Unknown => unknown(),
        Refused::Elsewhere => Problem::not_found(
            "the copy does not have this part now: only the next one can be asked for, and again the one before",
        ),
        Refused::Failed => Problem::unavailable("the store cannot be read"),
    })
}
