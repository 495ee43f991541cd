//! What operators can ask of the core, one file a resource.
//!
//! Each question is a look at the core between two commands; it holds the shop up while it looks,
//! so a look reads what it needs and renders outside.

mod actors;
mod audit;
mod carts;
mod notifications;
mod orders;
mod parked;
mod stock;
mod timeline;

use super::problem::Problem;
use crate::pipeline::{Handle, Overview, Resend};
use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig, scope};
use orderly_actors::audit::Audit;
use orderly_actors::states;
use orderly_domain::order::Status;
use orderly_store as store;
use serde::Serialize;
use std::sync::{Arc, OnceLock};

/// The way to the core; there is none while the process starts.
#[derive(Clone, Default)]
pub struct Core(Arc<OnceLock<Handle>>);

impl Core {
    /// From now on questions are answered.
    pub fn open(&self, handle: Handle) {
        let _ = self.0.set(handle); // it is opened once
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Overview<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let handle = self.0.get().ok_or_else(|| Problem::unavailable("the process is starting"))?;
        let answer = handle.look(look).await;
        Ok(answer.map_err(|gone| Problem::unavailable(gone.to_string()))??)
    }

    async fn audit(&self) -> Result<Audit, Problem> {
        let handle = self.0.get().ok_or_else(|| Problem::unavailable("the process is starting"))?;
        let audit = handle.audit().await.map_err(|gone| Problem::unavailable(gone.to_string()))?;
        Ok(audit.map_err(Error::from)?)
    }

    async fn resend(&self, notification: String) -> Result<Resend, Problem> {
        let handle = self.0.get().ok_or_else(|| Problem::unavailable("the process is starting"))?;
        let answer = handle.resend(notification).await;
        answer.map_err(|gone| Problem::unavailable(gone.to_string()))
    }
}

/// Why a look sees nothing.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("there is no {0} of that id")]
    NotFound(&'static str),
    #[error("there is no order of that id yet; payment callbacks that wait for it: {0}")]
    Awaited(usize),
    #[error("the order was {0} for longer than history is kept: it was swept, its id stays taken")]
    Swept(Status),
    #[error(transparent)]
    State(#[from] states::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) | Error::Awaited(_) | Error::Swept(_) => {
                Self::not_found(error.to_string())
            }
            Error::State(_) => {
                tracing::error!(%error, "a question cannot be answered");
                Self::unavailable("the store cannot be read")
            }
        }
    }
}

/// The routes under `/api`.
pub fn routes(core: Core) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config.app_data(Data::new(core.clone())).service(
            scope("/api")
                .service(orders::one)
                .service(orders::list)
                .service(timeline::of_order)
                .service(stock::one)
                .service(stock::list)
                .service(carts::one)
                .service(parked::one)
                .service(parked::list)
                .service(notifications::list)
                .service(notifications::resend)
                .service(actors::all)
                .service(audit::now),
        );
    }
}

fn json(value: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

/// The first ordinal of a page: the one behind `after`.
fn after(window: &super::listing::Window) -> Result<store::Ordinal, Problem> {
    match &window.after {
        None => Ok(store::Ordinal(0)),
        Some(after) => match after.parse::<u64>().ok().and_then(|last| last.checked_add(1)) {
            Some(next) => Ok(store::Ordinal(next)),
            None => Err(Problem::unprocessable("after must be the next of an earlier page")),
        },
    }
}
