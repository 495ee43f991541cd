//! The operator's page: `/`, and the files that it is made of under `/page/`.
//!
//! The files are part of the program, and the same for everybody: they hold no data, so they are open. The page asks for a
//! token where one is needed, and gets all data from the API. Its policy (CSP) allows nothing but these files and requests to
//! the same server, and no text of the data can become markup: `require-trusted-types-for` turns off the ways in which a
//! script could make markup of a text.

use std::future::{Ready, ready};
use std::io::Write as _;
use std::sync::LazyLock;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::web::Path;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::operation::{Answer, Content, Input, Operation, Output};
use super::{Problem, Route};

/// Nothing inline, nothing from elsewhere, in no frame, and no markup from a text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $media_type:ident,)+) => {
        [$((
            $name,
            $media_type,
            include_bytes!(concat!("page/", $name)).as_slice(),
        ),)+]
    };
}

/// Every file of the page.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let files = files! {
        "index.html": HTML,
        "style.css": CSS,
        "icon.svg": SVG,
        "act.js": SCRIPT,
        "actors.js": SCRIPT,
        "api.js": SCRIPT,
        "app.js": SCRIPT,
        "audit.js": SCRIPT,
        "carts.js": SCRIPT,
        "dialog.js": SCRIPT,
        "dom.js": SCRIPT,
        "format.js": SCRIPT,
        "help.js": SCRIPT,
        "intake.js": SCRIPT,
        "jsontext.js": SCRIPT,
        "keys.js": SCRIPT,
        "list.js": SCRIPT,
        "live.js": SCRIPT,
        "loading.js": SCRIPT,
        "money.js": SCRIPT,
        "notifications.js": SCRIPT,
        "order-acts.js": SCRIPT,
        "order-parts.js": SCRIPT,
        "order-words.js": SCRIPT,
        "order.js": SCRIPT,
        "orders.js": SCRIPT,
        "overview.js": SCRIPT,
        "parked-acts.js": SCRIPT,
        "parked.js": SCRIPT,
        "plot.js": SCRIPT,
        "problems.js": SCRIPT,
        "router.js": SCRIPT,
        "search.js": SCRIPT,
        "session.js": SCRIPT,
        "stock.js": SCRIPT,
        "story.js": SCRIPT,
        "todo.js": SCRIPT,
        "verdict.js": SCRIPT,
    };
    files.into_iter().map(|(name, media_type, bytes)| File::new(name, media_type, bytes)).collect()
});

const INDEX: &str = "index.html";

/// A file of the page.
struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    /// The same in gzip, when that is shorter.
    gzip: Option<Vec<u8>>,
    /// Names the content (RFC 9110, section 8.8.3).
    tag: String,
}

impl File {
    fn new(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        let tag = hex::encode(&Sha256::digest(bytes)[..12]);
        Self { name, media_type, bytes, gzip: compressed(bytes), tag }
    }

    fn find(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }
}

/// The bytes in gzip, when that saves a tenth at least.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?; // writing to memory does not fail
    let gzip = encoder.finish().ok()?;
    (gzip.len() < bytes.len() / 10 * 9).then_some(gzip)
}

pub(super) fn routes() -> [Route; 2] {
    // A browser loads them before it can send a token.
    [
        Route::get("/", "The page for operators", index).open(),
        Route::get("/page/{file}", "A file of the page", file).open(),
    ]
}

async fn index(wanted: Wanted) -> Result<Served, Problem> {
    served(INDEX, wanted)
}

async fn file(name: Path<String>, wanted: Wanted) -> Result<Served, Problem> {
    served(&name, wanted)
}

fn served(name: &str, wanted: Wanted) -> Result<Served, Problem> {
    let file = File::find(name);
    let file = file.ok_or_else(|| Problem::not_found("the page has no file of that name"))?;
    Ok(Served { file, wanted })
}

/// What a browser says about the copy that it has, and about the encodings that it reads.
#[derive(Debug, Default)]
struct Wanted {
    reads_gzip: bool,
    /// `If-None-Match`, as it came.
    known: String,
}

impl Wanted {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            reads_gzip: all(headers, &ACCEPT_ENCODING).any(accepts_gzip),
            known: all(headers, &IF_NONE_MATCH).collect::<Vec<_>>().join(","),
        }
    }

    fn has(&self, tag: &str) -> bool {
        let mut tags = self.known.split(',').map(|known| known.trim().trim_start_matches("W/"));
        tags.any(|known| known == "*" || known == tag)
    }
}

fn all<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).filter_map(|value| value.to_str().ok())
}

/// Whether one header `Accept-Encoding` allows gzip: it is there, and not with a quality of 0 (RFC 9110, section 12.5.3).
fn accepts_gzip(header: &str) -> bool {
    header.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let quality = quality.trim().strip_prefix("q=").and_then(|quality| quality.parse().ok());
        name.trim().eq_ignore_ascii_case("gzip")
            && quality.is_some_and(|quality: f32| quality > 0.0)
    })
}

impl FromRequest for Wanted {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

impl Input for Wanted {
    fn describe(operation: &mut Operation) {
        let (status, about) = (StatusCode::NOT_MODIFIED, "The copy of the caller is the same");
        operation.answers.push(Answer { status, about, content: Content::Unknown });
    }
}

/// A file for a browser, or 304 when the browser has it.
struct Served {
    file: &'static File,
    wanted: Wanted,
}

impl Responder for Served {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        let Self { file, wanted } = self;
        let gzip = file.gzip.as_ref().filter(|_| wanted.reads_gzip);
        // Each encoding has a tag of its own.
        let tag = format!("\"{}{}\"", file.tag, if gzip.is_some() { "-gzip" } else { "" });
        let is_known = wanted.has(&tag);
        let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut answer = HttpResponse::build(status);
        answer
            .insert_header((ETAG, tag))
            // A browser asks each time: after an upgrade of the program no old file is used beside a new one.
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((VARY, "Accept-Encoding"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((X_FRAME_OPTIONS, "DENY"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
            .insert_header(("Cross-Origin-Resource-Policy", "same-origin"));
        if is_known {
            return answer.finish();
        }
        answer.insert_header((CONTENT_TYPE, file.media_type));
        match gzip {
            None => answer.body(file.bytes),
            Some(gzip) => answer.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.clone()),
        }
    }
}

impl Output for Served {
    fn describe(operation: &mut Operation) {
        let content = Content::Text(&["text/html", "text/css", "text/javascript", "image/svg+xml"]);
        operation.answers.push(Answer { status: StatusCode::OK, about: "", content });
    }
}

#[cfg(test)]
mod tests;
