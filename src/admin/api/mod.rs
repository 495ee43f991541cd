//! The admin API for operators, one file a resource.
//!
//! | file | has |
//! |---|---|
//! | `orders`, `timeline` | orders; everything that touched one order |
//! | `holds`, `refunds`, `waiting` | what ends next, or waits: holds, refunds, callbacks |
//! | `attention` | orders that a person must look at |
//! | `stock`, `carts`, `parked`, `notifications` | the other states |
//! | `commands`, `admission` | commands over HTTP, and how many of them |
//! | `dry_run` | asking what would be |
//! | `intake` | pausing the intake |
//! | `search` | what has an id, whatever it is |
//! | `pages`, `lists` | pages of all states of a kind; pages of the lists that the store keeps |
//! | `merged` | the pages of all partitions as one |
//! | `store` | a backup of the store |
//! | `shown` | what the API shows of the states in a store, for an export |
//! | `cluster`, `copies` | the members of the namespace; a copy of the store for another member |
//! | `actors`, `audit` | the health of the actors; the check of all invariants |
//! | `backend` | the sources of answers: the store's reader, and the core |
//!
//! A `GET` of a state does not wait for the core, and the core does not wait for the `GET`: the store's
//! [`Reader`](orderly_store::Reader) answers, on one of few threads that may block. A panic in a query ends that request only.

mod actors;
mod admission;
mod attention;
mod audit;
mod backend;
mod carts;
mod cluster;
mod commands;
mod copies;
mod dry_run;
mod holds;
mod intake;
mod lists;
mod merged;
mod notifications;
mod orders;
mod pages;
mod parked;
mod refunds;
mod search;
pub mod shown;
mod stock;
mod store;
#[cfg(test)]
mod tests;
mod timeline;
mod waiting;

pub use self::backend::Backend;
use self::backend::{local_id, shown_id};
use self::commands::Reading;
pub(super) use self::merged::pattern as pattern_of_cursors;
use super::problem::Problem;
use super::route::{Route, Routes};
use crate::decode::Decoder;
use actix_web::http::StatusCode;
use orderly_actors::{names, states};
use orderly_domain::order::Status;
use orderly_domain::parked::Resolution;
use orderly_domain::time::Timestamp;
use orderly_store::{Ordinal, Reader, Table};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("there is no {0} of that id")]
    NotFound(&'static str),
    #[error(
        "there is no order of that id yet{}{}",
        counted("payment callbacks that wait for it", *waiting),
        counted("parked messages that name it", *parked)
    )]
    Awaited { waiting: u64, parked: u64 },
    #[error(
        "the order was {0} for longer than history is kept: it was deleted, its id stays taken"
    )]
    Deleted(Status),
    #[error("there was no order of that id at {0}: it came at {1}")]
    NotYet(String, Timestamp),
    #[error(
        "the order cannot be shown at {0}: the journal was pruned since, and has the order from sequence {1} on"
    )]
    Pruned(String, u64),
    #[error("the lists are being built from a store of an earlier build: see the log")]
    ListsNotBuilt,
    #[error("the message is not parked any more: it was {} at {}", .0.kind, .0.at)]
    Resolved(Resolution),
    #[error(transparent)]
    State(#[from] states::Error),
    #[error("the answer cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// What there is besides, if there is any.
fn counted(what: &str, count: u64) -> String {
    if count == 0 { String::new() } else { format!("; {what}: {count}") }
}

impl From<orderly_store::Error> for Error {
    fn from(error: orderly_store::Error) -> Self {
        Self::State(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_)
            | Error::Awaited { .. }
            | Error::Deleted(_)
            | Error::NotYet(..)
            | Error::Pruned(..)
            | Error::Resolved(_) => Self::not_found(error.to_string()),
            Error::ListsNotBuilt => Self::unavailable(error.to_string()),
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
    let all = of_the_shop()
        .into_iter()
        .chain(of_parked_messages())
        .chain(of_the_process())
        .chain(of_the_cluster());
    Routes::new(all)
}

/// Orders, stock and carts, the lists of what waits, and the search.
fn of_the_shop() -> [Route; 11] {
    [
        Route::get("/api/orders", "Orders, the newest first", orders::list),
        Route::get(
            "/api/orders/{id}",
            "An order, with its stock and its payments, now or as it was then",
            orders::one,
        ),
        Route::get(
            "/api/orders/{id}/timeline",
            "Everything that touched an order: commands, callbacks and events, the oldest first",
            timeline::of_order,
        ),
        Route::get(
            "/api/holds",
            "Orders whose stock is held, the hold that ends next first",
            holds::list,
        ),
        Route::get(
            "/api/refunds",
            "Refunds that wait for their provider, those of the oldest order first",
            refunds::list,
        ),
        Route::get(
            "/api/waiting",
            "Payment callbacks that wait for their order, those that came first first",
            waiting::list,
        ),
        Route::get(
            "/api/attention",
            "Orders that a person must look at, the oldest first",
            attention::list,
        ),
        Route::get("/api/search", "What has this id, whatever it is", search::find),
        Route::get("/api/stock", "The stock of all skus", stock::list),
        Route::get("/api/stock/{sku}", "The stock of a sku", stock::one),
        Route::get("/api/carts/{id}", "A cart", carts::one),
    ]
}

/// Messages that could not be processed.
fn of_parked_messages() -> [Route; 6] {
    [
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
    ]
}

/// Notifications, commands, and the process itself.
fn of_the_process() -> [Route; 9] {
    [
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
        Route::post(
            "/api/store/backup",
            "A backup of the store: the files of a folder that `orderly store restore` reads, as a tar archive",
            store::back_up,
        )
        .problem(StatusCode::CONFLICT, "Another backup is under way"),
    ]
}

/// The members of the namespace.
fn of_the_cluster() -> [Route; 4] {
    [
        Route::get(
            "/api/cluster",
            "The members of the namespace, who owns it, and how far this one has come",
            cluster::show,
        ),
        Route::post(
            "/api/cluster/step-down",
            "Leaves the ownership to another member: finishes what is in hand, and ends the process (exit code 76)",
            cluster::step_down,
        )
        .problem(StatusCode::CONFLICT, "The namespace has one process: nobody would take over"),
        Route::post(
            "/api/cluster/copies",
            "Begins a copy of the store for another member of the namespace, which asks for its parts",
            copies::begin,
        )
        .problem(StatusCode::CONFLICT, "Another copy is under way, or the namespace has one process"),
        Route::get(
            "/api/cluster/copies/{id}",
            "A part of a copy: a piece of the archive that a backup would be",
            copies::part,
        ),
    ]
}

/// The ordinal of the entity with this id. `what` names the kind of the entity in the error.
fn find(reader: &Reader, table: Table, what: &'static str, id: &str) -> Result<Ordinal, Error> {
    reader.find(table, &names::name(id))?.ok_or(Error::NotFound(what))
}
