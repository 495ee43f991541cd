//! Bodies of requests: those that may be absent, and those that must be.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::operation::{Body, Input, Operation};
use super::problem::Problem;

/// The JSON in the body of a request; none where the body is empty.
#[derive(Debug)]
pub(super) struct OptionalJson<T>(pub Option<T>);

/// Reads the whole body, up to the limit of the server.
pub(super) async fn bytes(read: <Bytes as FromRequest>::Future) -> Result<Bytes, Problem> {
    read.await.map_err(|error| {
        let status = error.as_response_error().status_code();
        Problem::new(status).detail(error.to_string())
    })
}

/// The essence of the content type, in lower case; empty where there is none.
pub(super) fn content_type(request: &HttpRequest) -> String {
    request.content_type().trim().to_ascii_lowercase()
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = content_type(request);
        let read = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = bytes(read).await?;
            if body.is_empty() {
                return Ok(Self(None));
            }
            if content_type != "application/json" {
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                    .detail("the content type must be application/json"));
            }
            match serde_json::from_slice(&body) {
                Ok(value) => Ok(Self(Some(value))),
                Err(error) if error.is_data() => Err(Problem::unprocessable(error.to_string())),
                Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST).detail(error.to_string())),
            }
        })
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Input for OptionalJson<T> {
    fn describe(operation: &mut Operation) {
        operation.body = Some(Body {
            required: false,
            media_types: &[("application/json", SchemaGenerator::subschema_for::<T>)],
        });
        operation.problems_of_json();
    }
}

/// The request has no body. One that has is refused, since nothing would be done with it.
#[derive(Debug)]
pub(super) struct NoBody;

impl FromRequest for NoBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = Bytes::from_request(request, payload);
        Box::pin(async move {
            // one that is too large to read is one
            if bytes(read).await.is_ok_and(|body| body.is_empty()) {
                return Ok(Self);
            }
            let detail = "this request takes no body, and nothing was done: other data are given for one message, by its id";
            Err(Problem::unprocessable(detail))
        })
    }
}

impl Input for NoBody {
    fn describe(operation: &mut Operation) {
        operation.problem(StatusCode::UNPROCESSABLE_ENTITY, "There is a body");
    }
}
