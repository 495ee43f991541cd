//! `/healthz`, `/readyz`, `/metrics`.

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
use crate::degraded::Entry;

pub(super) fn routes() -> [Route; 3] {
    const NOT_READY: &str = "The process should be given no work; `reasons` says why";
    [
        // Whoever supervises the process asks for these two, and has no token.
        Route::get("/healthz", "Whether the process lives", alive).open(),
        Route::get("/readyz", "Whether the process should be given work", ready)
            .open()
            .problem(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
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
    if reasons.is_empty() {
        return Ok(Json::new(&Ready { status: ReadyStatus::Ready, degraded })?);
    }
    let names: Vec<_> = reasons.iter().map(|reason| reason.condition.as_str()).collect();
    Err(Problem::unavailable(format!("not ready: {}", names.join(", ")))
        .with("reasons", json!(reasons))
        .with("degraded", json!(degraded)))
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
