//! Requests that a browser makes for another site.
//!
//! On loopback no token may be needed, and a browser lets every page send a simple POST to every address. So a request to
//! change something is refused when the browser says that another site makes it. Programs send none of these headers.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _};

use super::problem::Problem;

/// Answers 403 to a change that another site asks for.
pub(super) async fn refuse_other_sites<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads || !is_of_another_site(request.headers()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let problem = Problem::new(StatusCode::FORBIDDEN)
        .detail("a browser sent this for a page of another site: nothing is changed for it");
    Ok(request.into_response(problem.error_response()).map_into_right_body())
}

/// Browsers of today say it in `Sec-Fetch-Site`, older ones have only `Origin`.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_none() || host != text(HOST.as_str())
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use rstest::rstest;

    #[rstest]
    #[case(&[], false)]
    #[case(&[("sec-fetch-site", "same-origin"), ("origin", "http://shop:8080")], false)]
    #[case(&[("sec-fetch-site", "none")], false)]
    #[case(&[("sec-fetch-site", "cross-site")], true)]
    #[case(&[("sec-fetch-site", "same-site")], true)]
    #[case(&[("origin", "http://shop:8080")], false)]
    #[case(&[("origin", "http://shop:80")], true)]
    #[case(&[("origin", "https://evil.example")], true)]
    #[case(&[("origin", "null")], true)]
    fn a_request_for_another_site_is_known(#[case] sent: &[(&str, &str)], #[case] found: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("shop:8080"));
        for (name, value) in sent {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        assert_eq!(is_of_another_site(&headers), found);
    }
}
