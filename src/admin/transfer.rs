//! Answers that are sent again only when they have changed (`ETag`, `If-None-Match`), and compressed where that is shorter.
//!
//! Both are for answers to `GET` and `HEAD` with 200 that are in memory as a whole; a stream is left as it is. An answer with
//! `Cache-Control: no-store` is another one each time, so it gets no entity tag.

use std::io::Write as _;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, EntityTag, Header as _, HeaderValue,
    IfNoneMatch,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// A shorter answer fits into one packet anyway.
const WORTH_COMPRESSING: usize = 1024;

/// Adds an entity tag to an answer, and answers 304 to a caller who has it already. Otherwise compresses for a caller who can
/// read that.
pub(super) async fn when_changed(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.call(request).await?;
    if !reads || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(stream) => return Ok(ServiceResponse::new(request, response.set_body(stream))),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, text("accept-encoding, authorization"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Nobody else may keep it, and the caller asks each time whether it has changed.
        headers.insert(header::CACHE_CONTROL, text("private, no-cache"));
    }
    if headers.get(header::CACHE_CONTROL).is_none_or(|control| control != "no-store") {
        // It is the same for the compressed answer, so it is a weak one.
        let tag = EntityTag::new_weak(hex::encode(&Sha256::digest(&body)[..16]));
        headers.insert(header::ETAG, text(&tag.to_string()));
        if is_known(&request, &tag) {
            headers.remove(header::CONTENT_TYPE);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(()))));
        }
    }
    let body = match gzip(&request, &body) {
        Some(compressed) => {
            response.headers_mut().insert(header::CONTENT_ENCODING, text("gzip"));
            compressed
        }
        None => body,
    };
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))))
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("printable ASCII")
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

/// The body in gzip, when the caller reads it and it is shorter.
fn gzip(request: &HttpRequest, body: &Bytes) -> Option<Bytes> {
    let accepted = AcceptEncoding::parse(request).ok()?;
    let (gzip, as_it_is) = (Encoding::Known(ContentEncoding::Gzip), Encoding::identity());
    let chosen = accepted.negotiate([&gzip, &as_it_is].into_iter());
    if body.len() < WORTH_COMPRESSING || chosen.as_ref() != Some(&gzip) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).expect("a vector takes all");
    let compressed = encoder.finish().expect("a vector takes all");
    (compressed.len() < body.len()).then(|| compressed.into())
}
