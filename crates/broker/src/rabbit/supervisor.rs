//! One session after the other, for as long as the link is wanted.
//!
//! Invariants: one session at a time; a new session's generation is higher than every earlier
//! one's; the reader is told the end of a session before the start of the next. Requests are
//! answered at any time, connected or not. A connection that cannot be ended, or a publishing channel
//! that panics, ends the driver, and with the driver the process.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::oneshot, time::Instant};
use tracing::{info, warn};

use super::{
    super::{Failure, Intake, Phase, Settings, tasks::report_end, transport::Request},
    Error,
    backoff::Backoff,
    connection::{Connection, close_all},
    endpoint::Endpoint,
    error::{LogOnce, chain},
    link_state::{LinkEnds, LinkState, send_notice},
    session::{End, Session},
    setup::{Connected, Ownership, SetUp},
    unreadable,
};

/// After a session that lived this long the next pause is short again.
const GOOD_SESSION: Duration = Duration::from_secs(30);

/// Owns the connections.
pub(super) struct Supervisor {
    settings: Arc<Settings>,
    endpoint: Endpoint,
    ownership: Ownership,
    link: LinkState,
    generation: u64,
}

/// Why the driver ends.
enum Stop {
    /// On request, or because nobody holds the link; the sender answers the request.
    Closed(Option<oneshot::Sender<()>>),
    /// The driver cannot go on: [`Error::Unclosed`] or [`Error::Panicked`].
    Failed(Error),
}

impl Supervisor {
    pub(super) fn new(
        settings: Arc<Settings>,
        endpoint: Endpoint,
        ownership: Ownership,
        ends: LinkEnds,
    ) -> Self {
        Self { settings, endpoint, ownership, link: LinkState::new(ends), generation: 0 }
    }

    /// Runs until closed; `first`, if there is one, already holds the namespace.
    ///
    /// When the driver cannot go on, the intake ends without a request: the pipeline takes that as a
    /// reason to end the process.
    pub(super) async fn run(mut self, first: Option<Connection>) {
        let stop = match self.sessions(first).await {
            Ok(never) => match never {},
            Err(stop) => stop,
        };
        match stop {
            Stop::Closed(asked) => {
                self.link.report(|status| status.phase = Phase::Closed);
                if let Some(done) = asked {
                    let _ = done.send(());
                }
            }
            Stop::Failed(error) => report_end(&self.link.ends.status, self.failure(&error)),
        }
    }

    async fn sessions(&mut self, mut first: Option<Connection>) -> Result<Infallible, Stop> {
        let mut backoff = Backoff::new();
        let mut log = LogOnce::default();
        loop {
            let started = Instant::now();
            let set_up = SetUp {
                settings: Arc::clone(&self.settings),
                endpoint: self.endpoint.clone(),
                status: self.link.ends.status.clone(),
                ownership: self.ownership,
            };
            // Boxed: needed once a session, and too large to be part of the supervisor's own future.
            let connecting = Box::pin(set_up.connect(first.take()));
            let connected = self.answering_requests(connecting).await?;
            let (broken, failure) = match connected {
                Ok(connected) => {
                    let broken = self.session(connected).await?;
                    let failure = self.failure(&broken);
                    if let Error::PassedOn = broken {
                        info!("the messages are left to another consumer");
                    } else {
                        warn!(error = failure.detail, "broker lost");
                    }
                    log.reset();
                    (broken, failure)
                }
                Err(error @ Error::Unclosed { .. }) => return Err(Stop::Failed(error)),
                Err(error) => {
                    let failure = self.failure(&error);
                    if log.is_new(&failure) {
                        let reason = failure.kind.as_str();
                        warn!(
                            reason,
                            error = failure.detail,
                            "cannot reach the broker: trying again"
                        );
                    }
                    (error, failure)
                }
            };
            self.link.report(|status| {
                status.phase = Phase::Connecting;
                status.blocked = None;
                status.delivering = false;
                status.last_error = Some(failure);
            });
            if started.elapsed() >= GOOD_SESSION {
                backoff.reset();
            }
            if broken.is_unreadable() {
                self.set_aside_unreadable().await?;
            }
            if !matches!(broken, Error::PassedOn) {
                self.endpoint.try_next();
            }
            let pause = backoff.next_pause();
            self.answering_requests(tokio::time::sleep(pause)).await?;
        }
    }

    /// Serves one pair of connections to its end; returns what broke it.
    async fn session(&mut self, connected: Connected) -> Result<Error, Stop> {
        let Connected { consuming, publishing, blocking } = connected;
        self.generation += 1;
        let generation = self.generation;
        let settings = Arc::clone(&self.settings);
        let opening = Session::open(&consuming, &settings, generation, self.link.paused);
        let publishing = Arc::new(publishing);
        let end = match self.answering_requests(opening).await {
            Err(stop) => Err(stop),
            Ok(Err(error)) => Ok(End::Broken(error)),
            Ok(Ok(session)) => {
                self.report_up(&session);
                self.link.ends.connections.send_replace(Some(Arc::clone(&publishing)));
                let end = session.run(&mut self.link, &consuming, &publishing, blocking).await;
                self.link.ends.connections.send_replace(None);
                if let End::Broken(error) = &end {
                    self.link.note_down(generation, chain(error));
                }
                Ok(end)
            }
        };
        // With the connection for consuming goes the namespace, and what is unacknowledged goes
        // back to its queue.
        close_all([&publishing, &consuming]).await.map_err(Stop::Failed)?;
        match end? {
            End::Broken(error) => Ok(error),
            End::Panicked(panicked) => Err(Stop::Failed(panicked.into())),
            End::Closed(done) => Err(Stop::Closed(done)),
        }
    }

    fn report_up(&mut self, session: &Session) {
        let (generation, queued) = (self.generation, session.queued());
        info!(generation, queued, "consuming");
        self.link.report(|status| {
            status.phase = Phase::Up;
            status.generation = generation;
            status.reconnects = generation - 1;
            status.last_error = None;
            status.queued = queued;
        });
        self.link.notices.push_back(Intake::Up { generation, queued });
        if session.is_off() {
            self.link.notices.push_back(Intake::Paused { generation });
        }
        // The set-up has looked for all exchanges since the last note of a missing one.
        let _ = self.link.ends.missing.notified().now_or_never();
    }

    /// Takes commands that lapin cannot read out of the queue. If that fails, the next session meets
    /// them again.
    async fn set_aside_unreadable(&mut self) -> Result<(), Stop> {
        let (endpoint, settings) = (self.endpoint.clone(), Arc::clone(&self.settings));
        // Boxed: rare, and too large to be part of the supervisor's own future.
        let setting_aside = Box::pin(unreadable::set_aside(&endpoint, &settings));
        match self.answering_requests(setting_aside).await? {
            Ok(count) => warn!(
                count,
                queue = settings.names.dead,
                "unreadable commands were moved to the dead letters"
            ),
            Err(error) => warn!(
                error = chain(&error),
                "unreadable commands could not be moved to the dead letters"
            ),
        }
        Ok(())
    }

    /// Answers requests and passes on notices until `work` is done.
    async fn answering_requests<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::pin!(work);
        loop {
            let LinkState { ends, notices, .. } = &mut self.link;
            let none_waits = notices.is_empty();
            let request = tokio::select! {
                biased;
                output = &mut work => return Ok(output),
                request = ends.control.recv() => request,
                panicked = ends.channels.panicked() => {
                    return Err(Stop::Failed(panicked.into()));
                }
                () = send_notice(notices, &ends.intake), if !none_waits => continue,
                // Acks of a channel that is gone.
                Some(_) = ends.acks.recv() => continue,
            };
            match request {
                Some(Request::Pause) => self.link.set_paused(true),
                Some(Request::Resume) => self.link.set_paused(false),
                Some(Request::PassOn) => {} // nothing is consumed
                Some(Request::Close(done)) => return Err(Stop::Closed(Some(done))),
                None => return Err(Stop::Closed(None)),
            }
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        error.failure(&self.endpoint.address())
    }
}
