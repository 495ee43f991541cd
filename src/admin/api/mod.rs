//! The admin API for operators, one file a resource.
//!
//! | file | has |
//! |---|---|
//! | `orders`, `timeline` | orders; everything that touched one order |
//! | `stock`, `carts`, `parked`, `notifications` | the other states |
//! | `commands`, `admission` | commands over HTTP, and how many of them |
//! | `dry_run` | asking what would be |
//! | `intake` | pausing the intake |
//! | `pages` | pages of a list of states |
//! | `actors`, `audit` | the health of the actors; the check of all invariants |
//! | `backend` | the sources of answers: the store's reader, and the core |
//!
//! A `GET` of a state does not wait for the core, and the core does not wait for the `GET`: the store's
//! [`Reader`](orderly_store::Reader) answers, on one of few threads that may block. A panic in a query ends that request only.

mod actors;
mod admission;
mod audit;
mod backend;
mod carts;
mod commands;
mod dry_run;
mod intake;
mod notifications;
mod orders;
mod pages;
mod parked;
mod stock;
#[cfg(test)]
mod tests;
mod timeline;

pub use self::backend::Backend;
use self::commands::Reading;
use super::problem::Problem;
use super::route::{Route, Routes};
use crate::decode::Decoder;
use actix_web::http::StatusCode;
use orderly_actors::{names, states};
use orderly_domain::order::Status;
use orderly_domain::parked::Resolution;
use orderly_store::{self as store, Ordinal, Reader, Table};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("there is no {0} of that id")]
    NotFound(&'static str),
    #[error(
        "there is no order of that id yet; payment callbacks that wait for it: {waiting}; parked messages that name it: {parked}"
    )]
    Awaited { waiting: usize, parked: u64 },
    #[error(
        "the order was {0} for longer than history is kept: it was deleted, its id stays taken"
    )]
    Deleted(Status),
    #[error("the message is not parked any more: it was {} at {}", .0.kind, .0.at)]
    Resolved(Resolution),
    #[error(transparent)]
    State(#[from] states::Error),
    #[error("the answer cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) | Error::Awaited { .. } | Error::Deleted(_) | Error::Resolved(_) => {
                Self::not_found(error.to_string())
            }
            Error::State(_) => {
                tracing::error!(%error, "the store cannot be read");
                Self::unavailable("the store cannot be read")
            }
            Error::Encode(_) => Self::internal(&error),
        }
    }
}

/// The routes under `/api`. `decoder` reads the commands of `POST /api/commands`.
pub fn routes(backend: Backend, decoder: Decoder) -> Routes {
    table().with(backend).with(Reading(decoder))
}

/// The same without what their handlers need.
pub(super) fn table() -> Routes {
    Routes::new([
        Route::get("/api/orders", "Orders", orders::list),
        Route::get("/api/orders/{id}", "An order, with its stock and its payments", orders::one),
        Route::get(
            "/api/orders/{id}/timeline",
            "Everything that touched an order: commands, callbacks and events, the oldest first",
            timeline::of_order,
        ),
        Route::get("/api/stock", "The stock of all skus", stock::list),
        Route::get("/api/stock/{sku}", "The stock of a sku", stock::one),
        Route::get("/api/carts/{id}", "A cart", carts::one),
        Route::get(
            "/api/parked",
            "Messages that could not be processed, without their bodies",
            parked::list,
        ),
        Route::get("/api/parked/{id}", "A message that could not be processed", parked::one),
        Route::post(
            "/api/parked/{id}/replay",
            "Processes a parked message again, as it is or with other data, and answers with the verdict",
            parked::replay,
        )
        .problem(
            StatusCode::CONFLICT,
            "Only the beginning of the message is kept, and no data are given; or it was replayed before, with other data",
        ),
        Route::delete(
            "/api/parked/{id}",
            "Dismisses a parked message: it is gone, and its command is not processed",
            parked::dismiss,
        ),
        Route::post(
            "/api/parked/replay",
            "Processes the parked messages again that pass the filter",
            parked::replay_many,
        )
        .problem(StatusCode::CONFLICT, "There is another number of such messages: `count`"),
        Route::delete(
            "/api/parked",
            "Dismisses the parked messages that pass the filter",
            parked::dismiss_many,
        )
        .problem(StatusCode::CONFLICT, "There is another number of such messages: `count`"),
        Route::get(
            "/api/notifications",
            "Notifications, and their state on each channel",
            notifications::list,
        )
        .problem(StatusCode::NOT_FOUND, "There is no order of that id"),
        Route::post(
            "/api/notifications/{id}/resend",
            "Sends a notification again, through every channel that gave up on it",
            notifications::resend,
        )
        .problem(StatusCode::CONFLICT, "No channel gave up on the notification"),
        Route::post(
            "/api/notifications/resend",
            "Sends every notification again that a channel gave up on",
            notifications::resend_many,
        )
        .problem(StatusCode::NOT_FOUND, "There is no order of that id"),
        Route::post(
            "/api/commands",
            "Sends a command: a structured CloudEvent, or an object of type, id, source and data",
            commands::send,
        ),
        Route::post(
            "/api/intake/pause",
            "Takes no more messages from the broker; what has arrived is still processed",
            intake::pause,
        ),
        Route::post("/api/intake/resume", "Takes messages from the broker again", intake::resume),
        Route::get("/api/actors", "The actors, and how they are", actors::all),
        Route::get("/api/audit", "The check of all invariants, and what it counted", audit::now),
    ])
}

/// The ordinal of the entity with this id. `what` names the kind of the entity in the error.
fn find(reader: &Reader, table: Table, what: &'static str, id: &str) -> Result<Ordinal, Error> {
    reader.find(table, &names::name(id))?.ok_or(Error::NotFound(what))
}
