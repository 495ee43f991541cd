//! What a route takes and answers. Both follow from the types of its handler: what an argument reads is taken, and what the
//! handler returns is answered. The checks of a request and the document of the API rest on it.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

use super::listing::Page;
use super::problem::Problem;
use super::query::{Parameter, Parameters, Query};

/// Makes a schema, and adds those that it refers to to the generator.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a route takes and answers.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// The query parameters.
    pub query: Vec<Parameter>,
    /// The headers that it reads.
    pub headers: Vec<Parameter>,
    /// The JSON of the body, where there may be one.
    pub body: Option<Body>,
    /// The answers that the handler makes. A status may be there more than once.
    pub answers: Vec<Answer>,
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// Whether a request must have it.
    pub required: bool,
    /// The content types that it may have, each with its schema.
    pub media_types: &'static [(&'static str, SchemaOf)],
}

/// One kind of answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// When it is given, for a person; empty where the route says it.
    pub about: &'static str,
    /// What it has.
    pub content: Content,
}

/// The body of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// JSON.
    Json(SchemaOf),
    /// Text of one of these media types.
    Text(&'static [&'static str]),
    /// Bytes of one of these media types.
    Bytes(&'static [&'static str]),
    /// A problem document.
    Problem,
    /// There is none.
    Nothing,
    /// Nothing is known about it.
    Unknown,
}

impl Operation {
    /// Adds an answer with a problem document.
    pub fn problem(&mut self, status: StatusCode, about: &'static str) {
        self.answers.push(Answer { status, about, content: Content::Problem });
    }

    /// Adds the answers to a body that is not the JSON that it should be.
    pub(super) fn problems_of_json(&mut self) {
        self.problem(StatusCode::BAD_REQUEST, "The body is not JSON");
        self.problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large");
        self.problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The content type of the body is not JSON",
        );
        self.problem(StatusCode::UNPROCESSABLE_ENTITY, "A value in the body is not possible");
    }

    fn succeeds(&mut self, content: Content) {
        self.answers.push(Answer { status: StatusCode::OK, about: "", content });
    }
}

/// What a handler takes from a request, in a tuple.
pub trait Inputs: FromRequest {
    /// Adds what is taken, and the answers when it cannot be.
    fn describe(operation: &mut Operation);
}

/// One argument of a handler.
pub trait Input: FromRequest {
    /// Adds what is taken, and the answers when it cannot be.
    fn describe(operation: &mut Operation);
}

/// What a handler returns.
pub trait Output: Responder {
    /// Adds the answers.
    fn describe(operation: &mut Operation);
}

macro_rules! inputs {
    ($($argument:ident)*) => {
        impl<$($argument: Input + 'static),*> Inputs for ($($argument,)*) {
            fn describe(operation: &mut Operation) {
                $($argument::describe(operation);)*
            }
        }
    };
}
inputs!(A);
inputs!(A B);
inputs!(A B C);
inputs!(A B C D);
inputs!(A B C D E);
inputs!(A B C D E F);

impl Inputs for () {
    fn describe(_: &mut Operation) {}
}

/// Data that all handlers of the process share.
pub trait Shared: 'static {
    /// Adds the answers when the data is not there yet.
    fn describe(operation: &mut Operation) {
        let _ = operation;
    }
}

impl<T: Shared> Input for Data<T> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T: DeserializeOwned> Input for web::Path<T> {
    fn describe(operation: &mut Operation) {
        operation.problem(StatusCode::NOT_FOUND, "There is no such thing");
    }
}

impl<T: Parameters> Input for Query<T> {
    fn describe(operation: &mut Operation) {
        operation.query.extend(T::all());
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> Input for web::Json<T> {
    fn describe(operation: &mut Operation) {
        operation.body = Some(Body {
            required: true,
            media_types: &[("application/json", SchemaGenerator::subschema_for::<T>)],
        });
        operation.problems_of_json();
    }
}

/// An error answers with a [`Problem`]: the route says which.
impl<T: Output, E: Into<actix_web::Error>> Output for Result<T, E> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T: Serialize + JsonSchema> Output for web::Json<T> {
    fn describe(operation: &mut Operation) {
        operation.succeeds(Content::Json(SchemaGenerator::subschema_for::<T>));
    }
}

impl Output for &'static str {
    fn describe(operation: &mut Operation) {
        operation.succeeds(Content::Text(&["text/plain"]));
    }
}

impl Output for HttpResponse {
    fn describe(operation: &mut Operation) {
        operation.succeeds(Content::Unknown);
    }
}

/// What an answer shows. A view borrows what it shows; `Kind` is the same type without the borrow, and has the schema.
pub trait View: Serialize {
    /// The type that has the schema.
    type Kind: JsonSchema + 'static;
}

impl<T: View> View for Vec<T> {
    type Kind = Vec<T::Kind>;
}

impl<T: View> View for Page<T> {
    type Kind = Page<T::Kind>;
}

/// Makes views of types with one lifetime.
macro_rules! views {
    ($($name:ident),+) => {$(
        impl $crate::admin::operation::View for $name<'_> {
            type Kind = $name<'static>;
        }
    )+};
}
pub(crate) use views;

/// An answer as JSON with the schema of `T`. It is encoded by the thread that makes it, since a large answer takes long.
#[derive(Debug)]
pub struct Json<T> {
    bytes: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

impl<T> Json<T> {
    /// The JSON of a view.
    pub fn new(view: &impl View<Kind = T>) -> Result<Self, serde_json::Error> {
        Ok(Self { bytes: serde_json::to_vec(view)?, kind: PhantomData })
    }
}

impl<T> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        HttpResponse::Ok().content_type(ContentType::json()).body(self.bytes)
    }
}

impl<T: JsonSchema> Output for Json<T> {
    fn describe(operation: &mut Operation) {
        operation.succeeds(Content::Json(SchemaGenerator::subschema_for::<T>));
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(&error)
    }
}
