//! Where answers come from: the store's reader for states, the core for what only it can do.

use super::Error;
use crate::admin::problem::Problem;
use crate::pipeline::{Handle, Resend};
use actix_web::body::BoxBody;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use orderly_actors::audit::Audit;
use orderly_store::Reader;
use serde::Serialize;
use std::sync::{Arc, OnceLock};

/// What the routes read from and ask. Both come while the process starts: first the store, then the core.
#[derive(Clone, Default)]
pub struct Backend(Arc<Inner>);

#[derive(Default)]
struct Inner {
    reader: OnceLock<Reader>,
    core: OnceLock<Handle>,
}

impl Backend {
    /// From now on states can be read.
    pub fn read_from(&self, reader: Reader) {
        let _ = self.0.reader.set(reader); // a second one would be of the same store
    }

    /// From now on the core can be asked.
    pub fn ask(&self, core: Handle) {
        let _ = self.0.core.set(core); // there is one
    }

    /// The core, once it runs.
    pub(super) fn core(&self) -> Result<&Handle, Problem> {
        self.0.core.get().ok_or_else(|| Problem::unavailable("no commands are processed yet"))
    }

    /// Runs a query on a thread that may block. The threads are few (`QUERIES`): what comes beyond them waits.
    /// A query that panics ends with 500, and nothing but it.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = self.0.reader.get().cloned();
        let reader = reader.ok_or_else(|| Problem::unavailable("the process is starting"))?;
        match web::block(move || query(&reader)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Problem::internal(&"a query panicked")),
        }
    }

    pub(super) async fn audit(&self) -> Result<Audit, Problem> {
        let audit =
            self.core()?.audit().await.map_err(|gone| Problem::unavailable(gone.to_string()))?;
        audit.map_err(|error| {
            tracing::error!(%error, "the audit cannot be made");
            Problem::unavailable("the store cannot be read")
        })
    }

    pub(super) async fn resend(&self, notification: String) -> Result<Resend, Problem> {
        let answer = self.core()?.resend(notification).await;
        answer.map_err(|gone| Problem::unavailable(gone.to_string()))
    }
}

/// An answer as JSON, encoded where it was made: large ones take their time.
#[derive(Debug)]
pub(super) struct Json(Vec<u8>);

impl Json {
    pub(super) fn new(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self(serde_json::to_vec(value)?))
    }
}

impl Responder for Json {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        HttpResponse::Ok().content_type(ContentType::json()).body(self.0)
    }
}
