//! The admin HTTP server: health, metrics, and the routes that it is given.
//!
//! The server has a thread, one worker and a few threads for queries of its own, so that a slow caller holds up no
//! command. Without the token, where one is set, nothing but `/healthz` and `/readyz` answers. Every error, whoever
//! made it, is an RFC 9457 problem document. Signals are left to the process.
//!
//! | file | has |
//! |---|---|
//! | `api` | the routes under `/api` |
//! | `health`, `readiness` | `/healthz`, `/readyz`, `/metrics`; what keeps the process from being ready |
//! | `listing` | the window of a list that a caller asks for, and the page that is answered |
//! | `auth` | the bearer token |
//! | `problem`, `extract` | errors as problem documents; what cannot be read of a request |

mod api;
mod auth;
mod extract;
mod health;
mod listing;
mod problem;
mod readiness;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer, rt};
use tracing::{error, info};

use crate::config::Secret;
use crate::metrics::Exporter;

pub use self::api::{Backend, routes};
pub use self::listing::{Limit, Page, Window};
pub use self::problem::Problem;
pub use self::readiness::{Condition, Readiness, Reason};

/// What the server needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address and port to listen on; port 0 takes any free one.
    pub bind: SocketAddr,
    /// The token that callers must show, if it is not empty.
    pub token: Secret,
    /// The largest body that is read, in bytes.
    pub max_body: usize,
    /// How long open requests may take when the server stops.
    pub grace: Duration,
}

/// Why there is no admin server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is in use, not of this machine, or not allowed.
    #[error("cannot listen on {bind} for the admin server")]
    Bind {
        /// The address as configured.
        bind: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The system gives no thread or no runtime.
    #[error("cannot start the admin server")]
    Start(#[source] io::Error),
}

/// A server that runs until it is stopped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: thread::JoinHandle<()>,
}

/// Connections at once; further ones wait in the backlog of the system.
const MAX_CONNECTIONS: usize = 256;

/// Queries that run at once; further ones wait. Each may hold an answer of some megabytes, and a core of the machine.
const QUERIES: usize = 4;

/// How long a caller may take for the head of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

impl Server {
    /// Starts a server with the given routes beside its own.
    pub fn start(
        options: Options,
        readiness: Readiness,
        exporter: Exporter,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Result<Self, Error> {
        let bind = options.bind;
        let bound = |source| Error::Bind { bind, source };
        let listener = TcpListener::bind(bind).map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        let (started, starting) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || {
                let system = rt::System::new();
                system.block_on(async move {
                    match http(listener, &options, readiness, exporter, routes) {
                        Err(error) => drop(started.send(Err(error))),
                        Ok(server) => {
                            // The receiver waits for exactly this.
                            drop(started.send(Ok(server.handle())));
                            if let Err(error) = server.await {
                                error!(%error, "admin server failed");
                            }
                        }
                    }
                });
            })
            .map_err(Error::Start)?;
        let gone = |_| Error::Start(io::Error::other("its thread ended"));
        let handle = starting.recv().map_err(gone)?.map_err(Error::Start)?;
        info!(%address, "admin server listens");
        Ok(Self { address, handle, thread })
    }

    /// Where the server listens, with the port that the system chose if it had the choice.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no further requests and returns when the open ones are answered, or their time is up.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        // Ends by itself now. A panic in there was logged and costs nobody anything.
        drop(self.thread.join());
    }
}

fn http(
    listener: TcpListener,
    options: &Options,
    readiness: Readiness,
    exporter: Exporter,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<actix_web::dev::Server> {
    let readiness = Data::new(readiness);
    let exporter = Data::new(exporter);
    let token = Data::new(auth::Token::new(options.token.clone()));
    let max_body = options.max_body;
    let server = HttpServer::new(move || {
        // The last one wrapped is the outermost: it sees the refusals of the others.
        App::new()
            .app_data(readiness.clone())
            .app_data(exporter.clone())
            .app_data(token.clone())
            .configure(|config| extract::configure(config, max_body))
            .configure(health::routes)
            .configure(routes.clone())
            .wrap(from_fn(auth::require_token))
            .wrap(from_fn(problem::in_place_of_errors))
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
