//! `/healthz`, `/readyz`, `/metrics`.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use serde_json::json;

use super::problem::Problem;
use super::readiness::Readiness;
use super::route::Route;
use crate::metrics::Exporter;

pub(super) fn routes() -> [Route; 3] {
    [
        // Whoever supervises the process asks for these two, and has no token.
        Route::get("/healthz", alive).open(),
        Route::get("/readyz", ready).open(),
        Route::get("/metrics", metrics),
    ]
}

/// Answers 200 whatever the readiness: a supervisor restarts a process that fails here, and a restart mends no condition
/// that `/readyz` shows.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

async fn ready(readiness: Data<Readiness>) -> Result<HttpResponse, Problem> {
    let reasons = readiness.reasons();
    if reasons.is_empty() {
        return Ok(HttpResponse::Ok().json(json!({ "status": "ready" })));
    }
    let names: Vec<_> = reasons.iter().map(|reason| reason.condition.as_str()).collect();
    Err(Problem::unavailable(format!("not ready: {}", names.join(", ")))
        .with("reasons", json!(reasons)))
}

/// The text format of Prometheus, version 0.0.4.
async fn metrics(exporter: Data<Exporter>) -> HttpResponse {
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    HttpResponse::Ok()
        .insert_header(ContentType(media_type.parse().expect("a media type")))
        .body(exporter.render())
}
