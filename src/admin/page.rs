//! The operator's page: `/`, and the files that it is made of under `/page/`.
//!
//! The files are part of the program, and the same for everybody: they hold no data, so they are open. The page asks for a
//! token where one is needed, and gets all data from the API. Its policy (CSP) allows nothing but these files and requests to
//! the same server, and no text of the data can become markup: `require-trusted-types-for` turns off the ways in which a
//! script could make markup of a text.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::operation::{Answer, Content, Operation, Output};
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
        &[$(File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("page/", $name)),
        },)+]
    };
}

/// Every file of the page.
static FILES: &[File] = files! {
    "index.html": HTML,
    "style.css": CSS,
    "icon.svg": SVG,
    "act.js": SCRIPT,
    "actors.js": SCRIPT,
    "amend.js": SCRIPT,
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
    "members.js": SCRIPT,
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
    "sharing.js": SCRIPT,
    "stock.js": SCRIPT,
    "story.js": SCRIPT,
    "todo.js": SCRIPT,
    "verdict.js": SCRIPT,
};

const INDEX: &str = "index.html";

/// A file of the page.
struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl File {
    fn find(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }
}

pub(super) fn routes() -> [Route; 2] {
    // A browser loads them before it can send a token.
    [
        Route::get("/", "The page for operators", index).open(),
        Route::get("/page/{file}", "A file of the page", file).open(),
    ]
}

async fn index() -> Result<Served, Problem> {
    served(INDEX)
}

async fn file(name: Path<String>) -> Result<Served, Problem> {
    served(&name)
}

fn served(name: &str) -> Result<Served, Problem> {
    let file = File::find(name);
    file.map(Served).ok_or_else(|| Problem::not_found("the page has no file of that name"))
}

/// A file for a browser.
struct Served(&'static File);

impl Responder for Served {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        let Self(File { name: _, media_type, bytes }) = self;
        HttpResponse::Ok()
            // A browser asks each time: after an upgrade of the program no old file is used beside a new one.
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((X_FRAME_OPTIONS, "DENY"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
            .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
            .insert_header((CONTENT_TYPE, *media_type))
            .body(*bytes)
    }
}

impl Output for Served {
    fn describe(operation: &mut Operation) {
        let content = Content::Text(&["text/html", "text/css", "text/javascript", "image/svg+xml"]);
        operation.answers.push(Answer { status: StatusCode::OK, about: "", content });
        let (status, about) = (StatusCode::NOT_MODIFIED, "The copy of the caller is the same");
        operation.answers.push(Answer { status, about, content: Content::Nothing });
    }
}

#[cfg(test)]
mod tests;
