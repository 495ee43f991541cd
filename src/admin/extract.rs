//! The errors for requests whose body or path cannot be read.

use actix_web::error::{JsonPayloadError, PathError};
use actix_web::http::StatusCode;
use actix_web::web::{JsonConfig, PathConfig, PayloadConfig, ServiceConfig};

use super::problem::Problem;

/// Sets the largest body, in bytes, and the errors for what cannot be read.
pub(super) fn configure(config: &mut ServiceConfig, max_body: usize) {
    config
        .app_data(PayloadConfig::new(max_body))
        .app_data(JsonConfig::default().limit(max_body).error_handler(|e, _| body(&e).into()))
        .app_data(PathConfig::default().error_handler(|e, _| path(&e).into()));
}

fn body(error: &JsonPayloadError) -> Problem {
    use JsonPayloadError as Cause;
    match error {
        Cause::OverflowKnownLength { limit, .. } | Cause::Overflow { limit } => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
                .detail(format!("a body has at most {limit} bytes"))
        }
        Cause::ContentType => Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail("the content type must be JSON, such as application/json"),
        Cause::Deserialize(error) if error.is_data() => Problem::unprocessable(error.to_string()),
        other => Problem::new(StatusCode::BAD_REQUEST).detail(other.to_string()),
    }
}

/// Not 400: no resource can have a path of that form.
fn path(error: &PathError) -> Problem {
    Problem::not_found(error.to_string())
}
