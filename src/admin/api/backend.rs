//! The sources of answers: the store's reader for states, the core for everything else.

use super::Error;
use crate::admin::operation::{Operation, Shared};
use crate::admin::problem::Problem;
use crate::pipeline::{Handle, Resend};
use actix_web::http::StatusCode;
use actix_web::web;
use orderly_actors::audit::Audit;
use orderly_store::Reader;
use std::sync::{Arc, OnceLock};

/// The store's reader and the core, as far as the process has started them: first the reader, then the core.
#[derive(Clone, Default)]
pub struct Backend(Arc<Inner>);

impl Shared for Backend {
    fn describe(operation: &mut Operation) {
        operation.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "The process is starting or ends, or its store cannot be read",
        );
    }
}

#[derive(Default)]
struct Inner {
    reader: OnceLock<Reader>,
    core: OnceLock<Handle>,
}

impl Backend {
    /// Sets the reader: from now on states can be read.
    pub fn read_from(&self, reader: Reader) {
        let _ = self.0.reader.set(reader); // a second reader would be of the same store
    }

    /// Sets the core: from now on it can be asked.
    pub fn ask(&self, core: Handle) {
        let _ = self.0.core.set(core); // a process has one core
    }

    /// The core, or 503 before it runs.
    pub(super) fn core(&self) -> Result<&Handle, Problem> {
        self.0.core.get().ok_or_else(|| Problem::unavailable("no commands are processed yet"))
    }

    /// Runs a query on a thread that may block. There are few such threads (`QUERIES`); further queries wait. A query that
    /// panics is answered with 500 and does no other harm.
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
            tracing::error!(%error, "audit failed: the store cannot be read");
            Problem::unavailable("the store cannot be read")
        })
    }

    pub(super) async fn resend(&self, notification: String) -> Result<Resend, Problem> {
        let answer = self.core()?.resend(notification).await;
        answer.map_err(|gone| Problem::unavailable(gone.to_string()))
    }
}
