//! How many commands come in over HTTP: so many in a second, and so many at a time.

use super::Backend;
use crate::admin::operation::{Input, Operation};
use crate::admin::problem::Problem;
use crate::config;
use crate::token_bucket::TokenBucket;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use orderly_actors::clock::{Clock as _, SystemClock};
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The time after which a caller may come again when too many wait.
const AGAIN: Duration = Duration::from_secs(1);

/// The limits of commands over HTTP.
pub(super) struct Admission {
    bucket: TokenBucket,
    permits: Arc<Semaphore>,
    clock: SystemClock,
}

/// One command may be under way.
pub(super) struct Permit {
    _held: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(intake: &config::Intake) -> Self {
        Self {
            bucket: TokenBucket::new(intake.http_rate, intake.http_burst),
            permits: Arc::new(Semaphore::new(intake.http_in_flight.get().into())),
            clock: SystemClock::default(),
        }
    }

    pub(super) fn admit(&self) -> Result<Permit, Problem> {
        let now = self.clock.monotonic();
        self.bucket.take(now).map_err(|at| {
            Problem::new(StatusCode::TOO_MANY_REQUESTS)
                .detail("more commands than intake.http_rate and intake.http_burst allow")
                .retry_after(at.saturating_sub(now))
        })?;
        let held = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| {
            Problem::unavailable("intake.http_in_flight commands are under way already")
                .retry_after(AGAIN)
        })?;
        Ok(Permit { _held: held })
    }
}

/// The request is within the limits. The body of another one is not read.
pub(super) struct Admitted(pub(super) Permit);

impl FromRequest for Admitted {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let backend = request.app_data::<Data<Backend>>();
        let backend = backend.ok_or_else(|| Problem::internal(&"the routes have no backend"));
        ready(backend.and_then(|backend| backend.admit()).map(Self))
    }
}

impl Input for Admitted {
    fn describe(operation: &mut Operation) {
        operation.problem(
            StatusCode::TOO_MANY_REQUESTS,
            "There are more than `intake.http_rate` allows: `Retry-After` says in how many seconds to come again",
        );
        operation.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "`intake.http_in_flight` commands are under way already, or the broker cannot be reached or does not take the \
             command. Send it again under the same id",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError as _;
    use std::num::{NonZeroU16, NonZeroU32};

    fn admission(rate: u32, burst: u32, in_flight: u16) -> Admission {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        Admission::new(&config::Intake {
            http_rate: number(rate),
            http_burst: number(burst),
            http_in_flight: NonZeroU16::new(in_flight).expect("not zero"),
            ..config::Intake::default()
        })
    }

    #[test]
    fn beyond_the_burst_a_caller_is_told_when_to_come_again() {
        let admission = admission(1, 3, 100);
        let held: Vec<_> = (0..3).map(|_| admission.admit().expect("within the burst")).collect();
        assert_eq!(held.len(), 3);
        let Err(problem) = admission.admit() else { panic!("it is beyond the burst") };
        let response = problem.error_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers().get("retry-after").expect("a header"), "1");
    }

    #[test]
    fn beyond_the_permits_nothing_is_let_in_until_one_is_given_back() {
        let admission = admission(1_000, 1_000, 2);
        let first = admission.admit().expect("there is a permit");
        let _second = admission.admit().expect("there is a permit");
        let Err(problem) = admission.admit() else { panic!("there is no permit") };
        let response = problem.error_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get("retry-after").expect("a header"), "1");
        drop(first);
        assert!(admission.admit().is_ok());
    }
}
