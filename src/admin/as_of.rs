//! What a standby answers is as of a moment before: the header `Orderly-As-Of` of its answers says which. With partitions it is the
//! earliest of those of the partitions that this member does not own.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use orderly_domain::time::Timestamp;

use super::Health;

const HEADER: HeaderName = HeaderName::from_static("orderly-as-of");

/// Says of every answer of a standby as of when it is, by the owner's clock.
pub(super) async fn of_a_standby<B: MessageBody>(
    health: Data<Health>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    // before the store is read: what is shown is at least as new
    let as_of = health.cluster.as_of().map(Timestamp::from_micros);
    let mut response = next.call(request).await?;
    if let Some(value) = as_of.and_then(|as_of| HeaderValue::try_from(as_of.to_string()).ok()) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}
