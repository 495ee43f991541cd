//! The bearer tokens (RFC 6750): one for everything, and one for reading. Without a token only the open routes answer.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError as _};
use subtle::{Choice, ConstantTimeEq};

use super::problem::Problem;
use super::route::Routes;
use crate::config::Secret;

/// The tokens that callers may send. No token is needed when that for everything is empty.
pub(super) struct Tokens {
    /// For everything.
    pub(super) all: Secret,
    /// For reading only; empty where there is none.
    pub(super) read: Secret,
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// Nothing: no token was sent.
    Nothing,
    /// Nothing: a token was sent that is none of this process.
    WrongToken,
    Read,
    All,
}

impl Tokens {
    /// What a request with these headers may do. The comparison takes constant time: it reveals the lengths of the tokens
    /// and nothing else.
    fn right(&self, headers: &HeaderMap) -> Right {
        if self.all.is_empty() {
            return Right::All;
        }
        let Some(sent) = bearer(headers) else { return Right::Nothing };
        let (all, read) = (is_token(sent, &self.all), is_token(sent, &self.read));
        if all.into() {
            Right::All
        } else if read.into() {
            Right::Read
        } else {
            Right::WrongToken
        }
    }
}

/// An empty token is none.
fn is_token(sent: &[u8], token: &Secret) -> Choice {
    sent.ct_eq(token.expose().as_bytes()) & Choice::from(u8::from(!token.is_empty()))
}

/// The credentials of `Authorization: Bearer`. RFC 9110 compares schemes without case.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, credentials) = value.split_at_checked("Bearer ".len())?;
    let credentials = credentials.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !credentials.is_empty()).then_some(credentials)
}

/// Answers 401 to a request without a token that it needs, and 403 to one whose token is not enough.
pub(super) async fn require_token<B: MessageBody>(
    tokens: Data<Tokens>,
    routes: Data<Routes>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let refusal = match tokens.right(request.headers()) {
        Right::All => None,
        _ if routes.is_open(request.path()) => None,
        Right::Read if reads => None,
        Right::Read => Some(
            Problem::new(StatusCode::FORBIDDEN)
                .detail("this token may only read (GET and HEAD): admin.token is needed"),
        ),
        Right::Nothing => Some(
            Problem::new(StatusCode::UNAUTHORIZED)
                .detail("a bearer token is needed: Authorization: Bearer …"),
        ),
        Right::WrongToken => Some(
            Problem::new(StatusCode::UNAUTHORIZED)
                .detail("the bearer token is wrong: it is neither admin.token nor admin.read_token of this process"),
        ),
    };
    match refusal {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(problem) => Ok(request.into_response(problem.error_response()).map_into_right_body()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn tokens(all: &str, read: &str) -> Tokens {
        Tokens { all: Secret::new(all), read: Secret::new(read) }
    }

    fn sent(header: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).expect("a header"));
        headers
    }

    #[rstest]
    #[case("Bearer open sesame", Right::All)]
    #[case("bearer open sesame", Right::All)]
    #[case("Bearer  open sesame ", Right::All)]
    #[case("Bearer look here", Right::Read)]
    #[case("bEARER look here", Right::Read)]
    #[case("Bearer open sesam", Right::WrongToken)]
    #[case("Bearer open sesame!", Right::WrongToken)]
    #[case("Bearer look", Right::WrongToken)]
    #[case("Bearer ", Right::Nothing)]
    #[case("Bearer", Right::Nothing)]
    #[case("Basic open sesame", Right::Nothing)]
    #[case("", Right::Nothing)]
    fn only_a_whole_token_gives_a_right(#[case] header: &str, #[case] right: Right) {
        let both = tokens("open sesame", "look here");
        assert_eq!(both.right(&HeaderMap::new()), Right::Nothing);
        assert_eq!(both.right(&sent(header)), right, "{header}");
    }

    #[test]
    fn an_empty_token_for_reading_is_none() {
        let one = tokens("open sesame", "");
        assert_eq!(one.right(&sent("Bearer ")), Right::Nothing);
        assert_eq!(one.right(&sent("Bearer open sesame")), Right::All);
    }

    #[test]
    fn no_token_is_needed_where_none_is_set() {
        assert_eq!(tokens("", "").right(&HeaderMap::new()), Right::All);
    }
}
