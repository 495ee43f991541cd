//! The admin HTTP server: health, metrics, and the routes under `/api`.
//!
//! The server has a thread of its own with one worker, and a few threads for queries, so a slow caller delays no command.
//! Where a token is set, only `/healthz` and `/readyz` answer without the token. Every error is an RFC 9457 problem
//! document, those of the framework included. The server handles no signals: the process does.
//!
//! | file | has |
//! |---|---|
//! | `api` | the routes under `/api` |
//! | `health`, `readiness` | `/healthz`, `/readyz`, `/owner`, `/metrics`; the conditions that keep the process from being ready |
//! | `route` | the table of routes: which requests there are, and the answers to all others |
//! | `query`, `values` | query parameters; the values of those that are words of the shop |
//! | `operation` | what a route takes and answers, from the types of its handler |
//! | `body`, `operator` | bodies that may be absent; who acts, as a caller says |
//! | `openapi` | `/openapi.json`: the document of all routes |
//! | `page` | the page for operators at `/`, with its files in the folder `page` |
//! | `live` | `/api/live`: what the page shows each second |
//! | `listing` | the window of a list that a caller asks for, and the page that the caller gets |
//! | `auth`, `origin` | the bearer tokens; requests that a browser makes for another site |
//! | `as_of` | the moment that the answers of a standby are of |
//! | `transfer` | what has not changed is not sent again; what is long is compressed |
//! | `problem`, `extract` | errors as problem documents; the errors for requests that cannot be read |

mod api;
mod as_of;
mod auth;
mod body;
mod extract;
mod health;
mod listing;
mod live;
mod openapi;
mod operation;
mod operator;
mod origin;
mod page;
mod problem;
mod query;
mod readiness;
mod route;
mod transfer;
mod values;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::X_CONTENT_TYPE_OPTIONS;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer, rt};
use orderly_domain::partition::Partitions;
use tokio::sync::watch;
use tracing::{error, info};

use crate::cluster::Cluster;
use crate::config::Secret;
use crate::degraded::Degraded;
use crate::metrics::Exporter;
use crate::pipeline::workers::failpoint;

pub use self::api::{Backend, routes, shown};
pub use self::listing::{Limit, Page, Window};
use self::live::Live;
pub use self::openapi::Document;
pub(crate) use self::openapi::never_null;
pub use self::operation::{
    Answer, Body, Content, Input, Inputs, Json, Operation, Output, SchemaOf, Shared, View,
};
pub use self::problem::Problem;
pub use self::query::{Expected, Field, Given, Parameter, Parameters, Query, Value};
pub use self::readiness::{Condition, Readiness, Reason, STARTING, UPGRADING};
pub use self::route::{Route, Routes};

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address and port to listen on; port 0 takes any free one.
    pub bind: SocketAddr,
    /// The token that callers must send; no token is needed when it is empty.
    pub token: Secret,
    /// The token of callers who may only read; empty where there is none.
    pub read_token: Secret,
    /// The largest body that is read, in bytes.
    pub max_body: usize,
    /// The partitions of the namespace, which decide how the `next` of a page looks.
    pub partitions: Partitions,
    /// The time that open requests have to finish when the server stops.
    pub grace: Duration,
}

/// What the server shows of the process.
#[derive(Clone)]
pub struct Health {
    /// Whether the process should be given work.
    pub readiness: Readiness,
    /// What a person should see although the process goes on.
    pub degraded: Degraded,
    /// The metrics.
    pub exporter: Exporter,
    /// The namespace on the broker, which tells one environment from another.
    pub namespace: String,
    /// The members of the namespace.
    pub cluster: Cluster,
}

/// Why the admin server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is in use, belongs to another machine, or is not allowed.
    #[error("cannot listen on {bind} for the admin server")]
    Bind {
        /// The address as configured.
        bind: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The system started no thread or no runtime.
    #[error("cannot start the admin server")]
    Start(#[source] io::Error),
    /// The server's thread ended without being asked. The log has the reason.
    #[error("the admin server ended by itself")]
    Ended,
}

/// A server that runs until it is stopped.
pub struct Server {
    address: SocketAddr,
    routes: Routes,
    live: Live,
    handle: ServerHandle,
    thread: thread::JoinHandle<()>,
    /// Nothing is sent: the sender is dropped when the thread ends, also by a panic.
    running: watch::Receiver<()>,
}

/// Connections at a time; further ones wait in the backlog of the system.
const MAX_CONNECTIONS: usize = 256;

/// Queries that run at a time; further ones wait. A query may take some megabytes for its answer, and a core of the machine.
const QUERIES: usize = 4;

/// The time that a caller has to send the head of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The routes beside those of the API.
fn own_routes() -> Routes {
    let document = Route::get(
        "/openapi.json",
        "This document: what the API takes and answers (OpenAPI 3.1)",
        openapi::show,
    );
    Routes::new(health::routes().into_iter().chain([document, live::route()]).chain(page::routes()))
}

/// Every route that there is, without what its handlers need.
pub fn table() -> Routes {
    own_routes().and(api::table())
}

impl Server {
    /// Starts a server with `routes` beside those for health and metrics.
    pub fn start(options: Options, health: Health, routes: Routes) -> Result<Self, Error> {
        let live = Live::new();
        let routes = own_routes().with(live.clone()).and(routes);
        let document = Document::new(&routes).with_cursors_of(options.partitions);
        let routes = routes.with(document);
        let table = routes.clone();
        let bind = options.bind;
        let bound = |source| Error::Bind { bind, source };
        let listener = TcpListener::bind(bind).map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        let (started, starting) = mpsc::sync_channel(1);
        let (runs, running) = watch::channel(());
        let watched = live.clone().run(health.clone());
        let thread = thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || {
                let _runs = runs;
                let system = rt::System::new();
                system.block_on(async move {
                    rt::spawn(watched);
                    match http(listener, &options, health, table) {
                        Err(error) => drop(started.send(Err(error))),
                        Ok(server) => {
                            // `start` waits for this message, so the receiver is there.
                            drop(started.send(Ok(server.handle())));
                            failpoint("admin");
                            if let Err(error) = server.await {
                                error!(%error, "admin server failed");
                            }
                        }
                    }
                });
            })
            .map_err(Error::Start)?;
        let gone = |_| Error::Start(io::Error::other("the thread of the server ended"));
        let handle = starting.recv().map_err(gone)?.map_err(Error::Start)?;
        info!(%address, "admin server listens");
        Ok(Self { address, routes, live, handle, thread, running })
    }

    /// Every route that the server has.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The address that the server listens on. Where `bind` has port 0, the port is the one that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when the server's thread has ended without being asked; pends while the thread runs. Dropping the future
    /// loses nothing.
    pub async fn failed(&self) -> Error {
        let mut running = self.running.clone();
        while running.changed().await.is_ok() {}
        Error::Ended
    }

    /// Accepts no further requests. Returns when the open ones are answered or the grace is over.
    pub async fn stop(self) {
        self.live.end();
        self.handle.stop(true).await;
        // The thread ends with its server. Its panic, if any, was logged, and there is nothing left to do about one.
        drop(self.thread.join());
    }
}

fn http(
    listener: TcpListener,
    options: &Options,
    health: Health,
    routes: Routes,
) -> io::Result<actix_web::dev::Server> {
    let health = Data::new(health);
    let tokens =
        Data::new(auth::Tokens { all: options.token.clone(), read: options.read_token.clone() });
    let table = Data::new(routes.clone());
    let max_body = options.max_body;
    let server = HttpServer::new(move || {
        // The last one wrapped is the outermost: it makes problem documents of the errors of the others too.
        App::new()
            .app_data(health.clone())
            .app_data(tokens.clone())
            .app_data(table.clone())
            .configure(|config| extract::configure(config, max_body))
            .configure(|config| routes.configure(config))
            .wrap(from_fn(as_of::of_a_standby))
            .wrap(from_fn(transfer::when_changed))
            .wrap(from_fn(auth::require_token))
            .wrap(from_fn(origin::refuse_other_sites))
            .wrap(from_fn(problem::in_place_of_errors))
            .wrap(DefaultHeaders::new().add((X_CONTENT_TYPE_OPTIONS, "nosniff")))
    });
    let server = server
        .workers(1)
        .worker_max_blocking_threads(QUERIES)
        .max_connections(MAX_CONNECTIONS)
        .client_request_timeout(REQUEST_TIMEOUT)
        .shutdown_timeout(options.grace.as_secs())
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
