//! Who acts: a caller may say so in a header, and it is recorded with what the caller does.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use orderly_domain::id::Operator;
use schemars::json_schema;
use serde_json::json;

use super::operation::{Input, Operation};
use super::problem::Problem;
use super::query::{Expected, Parameter};

/// The header, as documents write it.
const HEADER: &str = "X-Operator";

/// The operator that a request names, if it names one.
#[derive(Debug, Clone)]
pub(super) struct NamedOperator(pub Option<Operator>);

impl NamedOperator {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let wrong = |what: &str| {
            Problem::unprocessable(format!("{HEADER}: {what}")).with("header", json!(HEADER))
        };
        let mut given = headers.get_all(HEADER);
        let Some(name) = given.next() else { return Ok(Self(None)) };
        if given.next().is_some() {
            return Err(wrong("is given more than once"));
        }
        let name = name.to_str().map_err(|_| wrong("must be printable ASCII"))?;
        match Operator::new(name) {
            Ok(name) => Ok(Self(Some(name))),
            Err(problem) => Err(wrong(&problem.to_string())),
        }
    }
}

impl FromRequest for NamedOperator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.headers()))
    }
}

impl Input for NamedOperator {
    fn describe(operation: &mut Operation) {
        operation.headers.push(Parameter {
            name: HEADER,
            about: "Who acts: a name of 1 to 128 printable ASCII characters. It is recorded with what is done, and timelines \
                    show it. It proves nothing: whoever has the token may write any name.",
            schema: |_| json_schema!({
                "type": "string", "minLength": 1, "maxLength": 128,
                // HTTP cuts off spaces at both ends
                "pattern": "^[!-~]([ -~]*[!-~])?$",
            }),
            is_required: false,
            check: |name| match name.map(Operator::new) {
                Some(Err(problem)) => Err(Expected::Other(problem.to_string())),
                Some(Ok(_)) | None => Ok(()),
            },
        });
        operation.problem(StatusCode::UNPROCESSABLE_ENTITY, "The header X-Operator has no name");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    /// 129 characters.
    const LONG: &str = "ab345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\
        1234567890123456789";

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
            headers.append(HeaderName::from_static("x-operator"), value);
        }
        let read = NamedOperator::read(&headers);
        read.map(|named| named.0.map(|name| name.to_string()))
            .map_err(|problem| problem.to_string())
    }

    #[rstest]
    #[case(&[], Ok(None))]
    #[case(&["anna"], Ok(Some("anna")))]
    #[case(&["Anna B., on call"], Ok(Some("Anna B., on call")))]
    #[case(&[""], Err("X-Operator: must not be empty"))]
    #[case(&["ä"], Err("X-Operator: must be printable ASCII"))]
    #[case(&["a", "b"], Err("X-Operator: is given more than once"))]
    #[case(&[LONG], Err("X-Operator: must have at most 128 characters, not 129"))]
    fn a_name_is_printable_and_given_once(
        #[case] values: &[&str],
        #[case] wanted: Result<Option<&str>, &str>,
    ) {
        let wanted = wanted.map(|name| name.map(str::to_owned)).map_err(str::to_owned);
        assert_eq!(read(values), wanted);
    }
}
