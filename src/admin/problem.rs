//! Errors of the HTTP interface as RFC 9457 problem documents, those of the framework included.

use std::fmt;
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError};
use serde_json::{Map, Value, json};
use tracing::error;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    detail: Option<String>,
    members: Map<String, Value>,
    /// Whole seconds, at least 1.
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with a status and no detail.
    pub fn new(status: StatusCode) -> Self {
        Self { status, detail: None, members: Map::new(), retry_after: None }
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 422: the request is well formed, but a value in it is not possible.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY).detail(detail)
    }

    /// 503: the request may succeed later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).detail(detail)
    }

    /// 500: an internal error. The log gets the error, the caller does not.
    pub(super) fn internal(error: &dyn fmt::Display) -> Self {
        error!(%error, "admin request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What went wrong this time, for a person.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// A member beyond those of the standard, for a program.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The request may succeed after this time.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        let begun = u64::from(time.subsec_nanos() > 0);
        self.retry_after = Some(time.as_secs().saturating_add(begun).max(1));
        self
    }

    fn document(&self) -> String {
        // The type "about:blank" means that the problem is what the status says (RFC 9457, section 4.2.1).
        let mut document = Map::from_iter([
            ("type".to_owned(), json!("about:blank")),
            ("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("Error"))),
            ("status".to_owned(), json!(self.status.as_u16())),
        ]);
        document.extend(self.detail.iter().map(|detail| ("detail".to_owned(), json!(detail))));
        document.extend(self.members.clone());
        Value::Object(document).to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(self.status.as_str()))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, MEDIA_TYPE));
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2: a 401 names the credentials that are needed.
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        response.body(self.document())
    }
}

/// Makes a problem document of every error answer, those of the framework included. The headers of the answer stay, such as
/// `Allow`.
///
/// A layer inside may fail only with a [`Problem`]: an error passes by this function, and the framework answers it itself.
pub(super) async fn in_place_of_errors<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let answered = next.call(request).await?;
    let status = answered.status();
    let is_problem = answered.headers().get(CONTENT_TYPE) == Some(&MEDIA_TYPE);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return Ok(answered.map_into_left_body());
    }
    let problem = of_error(status, &answered);
    let mut answered = answered.map_body(|_, _| BoxBody::new(problem.document()));
    answered.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    Ok(answered.map_into_right_body())
}

/// The problem for an error of the framework.
fn of_error<B>(status: StatusCode, answered: &ServiceResponse<B>) -> Problem {
    let error = answered.response().error().map(ToString::to_string);
    let problem = Problem::new(status);
    if status.is_server_error() {
        // The log gets the error, the caller does not.
        error!(path = answered.request().path(), error, "admin request failed");
        return problem;
    }
    match error {
        Some(error) => problem.detail(error),
        None => problem,
    }
}
