//! The bearer token (RFC 6750): without the token only the open routes answer.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError as _};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use super::route::Routes;
use crate::config::Secret;

/// The token that callers must send; no token is needed when it is empty.
pub(super) struct Token(Secret);

impl Token {
    pub(super) fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Whether a request with these headers may pass. The comparison takes constant time: it reveals the length of the token
    /// and nothing else.
    fn admits(&self, headers: &HeaderMap) -> bool {
        self.0.is_empty()
            || bearer(headers).is_some_and(|sent| sent.ct_eq(self.0.expose().as_bytes()).into())
    }
}

/// The credentials of `Authorization: Bearer`. RFC 9110 compares schemes without case.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, credentials) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| credentials.trim_ascii())
}

/// Answers 401 to a request that needs the token and does not have it.
pub(super) async fn require_token<B: MessageBody>(
    token: Data<Token>,
    routes: Data<Routes>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if routes.is_open(request.path()) || token.admits(request.headers()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refusal = Problem::new(StatusCode::UNAUTHORIZED)
        .detail("a bearer token is needed: Authorization: Bearer …")
        .error_response();
    Ok(request.into_response(refusal).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Bearer open sesame", true)]
    #[case("bearer open sesame", true)]
    #[case("Bearer  open sesame ", true)]
    #[case("Bearer open sesam", false)]
    #[case("Bearer open sesame!", false)]
    #[case("Bearer ", false)]
    #[case("Bearer", false)]
    #[case("Basic open sesame", false)]
    #[case("", false)]
    fn only_the_whole_token_is_admitted(#[case] header: &str, #[case] admitted: bool) {
        let token = Token::new(Secret::new("open sesame"));
        let mut headers = HeaderMap::new();
        assert!(!token.admits(&headers));
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).expect("a header"));
        assert_eq!(token.admits(&headers), admitted, "{header}");
    }

    #[test]
    fn no_token_is_needed_where_none_is_set() {
        assert!(Token::new(Secret::default()).admits(&HeaderMap::new()));
    }
}
