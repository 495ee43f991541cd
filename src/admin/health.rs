//! `/healthz`, `/readyz`, `/owner`, `/metrics`.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CacheControl, CacheDirective, ContentType};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::Health;
use super::operation::{Answer, Content, Json, Operation, Output, Shared, View};
use super::problem::Problem;
use super::route::Route;
use crate::cluster::{Cluster, ClusterRole};
use crate::degraded::Entry;

pub(super) fn routes() -> [Route; 4] {
    const NOT_READY: &str = "The process should be given no work; `reasons` says why";
    [
        // Whoever supervises the process asks for these two, and has no token.
        Route::get("/healthz", "Whether the process lives", alive).open(),
        Route::get("/readyz", "Whether the process should be given work", ready)
            .open()
            .problem(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
        // For load balancers that must send requests to the owner only.
        Route::get("/owner", "Whether this member owns the namespace", owner)
            .open()
            .problem(StatusCode::SERVICE_UNAVAILABLE, "Another member owns the namespace, or none"),
        Route::get("/metrics", "The metrics, in the text format of Prometheus", metrics),
    ]
}

impl Shared for Health {}

/// The process lives.
#[derive(Serialize, JsonSchema)]
struct Alive {
    status: AliveStatus,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AliveStatus {
    Alive,
}

/// The process should be given work.
#[derive(Serialize, JsonSchema)]
struct Ready {
    status: ReadyStatus,
    /// What this process is among the members of its namespace. With partitions: `owner` when it owns one of them, else
    /// `claiming`, `joining` or `standby`, the first of these that it is in one of them.
    role: ClusterRole,
    /// How far a standby is behind the owner, in milliseconds; with partitions, where it is the furthest. Absent for an owner (of
    /// all partitions).
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_millis: Option<u64>,
    /// What a person should see and the process can live with.
    degraded: Vec<Entry>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ReadyStatus {
    Ready,
}

impl View for Alive {
    type Kind = Self;
}

impl View for Ready {
    type Kind = Self;
}

/// Answers 200 whatever the readiness: a supervisor restarts a process that fails here, and a restart mends no condition
/// that `/readyz` shows.
async fn alive() -> Result<Json<Alive>, Problem> {
    Ok(Json::new(&Alive { status: AliveStatus::Alive })?)
}

/// Degraded, the process is ready all the same: to give it no work would mend nothing.
async fn ready(health: Data<Health>) -> Result<Json<Ready>, Problem> {
    let (reasons, degraded) = (health.readiness.reasons(), health.degraded.entries());
    let role = health.cluster.role();
    let lag_millis = lag_millis(&health.cluster);
    if reasons.is_empty() {
        let status = ReadyStatus::Ready;
        return Ok(Json::new(&Ready { status, role, lag_millis, degraded })?);
    }
    let names: Vec<_> = reasons.iter().map(|reason| reason.condition.as_str()).collect();
    Err(Problem::unavailable(format!("not ready: {}", names.join(", ")))
        .with("role", json!(role))
        .with("reasons", json!(reasons))
        .with("degraded", json!(degraded)))
}

/// How far a standby is behind the owner, in milliseconds.
fn lag_millis(cluster: &Cluster) -> Option<u64> {
    Some(u64::try_from(cluster.lag()?.as_millis()).unwrap_or(u64::MAX))
}

/// This member owns the namespace.
#[derive(Serialize, JsonSchema)]
struct Owns {
    status: OwnsStatus,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum OwnsStatus {
    Owner,
}

impl View for Owns {
    type Kind = Self;
}

async fn owner(health: Data<Health>) -> Result<Json<Owns>, Problem> {
    if health.cluster.owns() {
        return Ok(Json::new(&Owns { status: OwnsStatus::Owner })?);
    }
    Err(Problem::unavailable("this member does not own the namespace")
        .with("reason", json!("not_owner"))
        .with("role", json!(health.cluster.role())))
}

/// The text format of Prometheus, version 0.0.4.
struct Exposition(String);

impl Responder for Exposition {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        let media_type = "text/plain; version=0.0.4; charset=utf-8";
        HttpResponse::Ok()
            .insert_header(ContentType(media_type.parse().expect("a media type")))
            .insert_header(CacheControl(vec![CacheDirective::NoStore]))
            .body(self.0)
    }
}

impl Output for Exposition {
    fn describe(operation: &mut Operation) {
        let (status, about) = (StatusCode::OK, "");
        operation.answers.push(Answer { status, about, content: Content::Text(&["text/plain"]) });
    }
}

async fn metrics(health: Data<Health>) -> Exposition {
    Exposition(health.exporter.render())
}
