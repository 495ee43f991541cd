//! Connecting, and connecting again.
//!
//! Invariants: one session at a time; a new session's generation is higher than every earlier
//! one's; the reader hears of the end of a session before it hears of the next. Requests are
//! answered at any time, connected or not.

use std::{collections::VecDeque, convert::Infallible, future::Future, sync::Arc, time::Duration};

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};
use futures_util::FutureExt;
use lapin::Connection;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};
use tracing::{info, warn};

use super::{
    super::{
        Intake, Phase, Settings, Status,
        transport::{AckReceiver, ControlReceiver, Request},
    },
    Error,
    endpoint::{Endpoint, close},
    error::{Told, chain},
    owner,
    session::{End, Events, Session, consumer_name, events},
    topology::survey,
    unreadable,
};

/// First pause between connects; grows from here.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Longest pause between connects: after an outage commands should not wait long.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A session that lived this long was a good one: the next pause is short again.
const GOOD_SESSION: Duration = Duration::from_secs(30);

/// Pause between looks at what is missing, or held by another.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Pauses between connects: growing, jittered so that many clients do not come back at once,
/// capped, and without an end.
pub(super) struct Pauses(ExponentialBackoff);

pub(super) fn pauses_between_connects() -> Pauses {
    Pauses(
        ExponentialBackoffBuilder::new()
            .with_initial_interval(FIRST_PAUSE)
            .with_max_interval(LONGEST_PAUSE)
            .with_multiplier(1.7)
            .with_randomization_factor(0.3)
            .with_max_elapsed_time(None)
            .build(),
    )
}

impl Pauses {
    pub(super) fn next(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(LONGEST_PAUSE)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// The driver's ends of the link.
pub(super) struct Ends {
    pub(super) intake: mpsc::Sender<Intake>,
    pub(super) acks: AckReceiver,
    pub(super) control: ControlReceiver,
    pub(super) status: watch::Sender<Status>,
    /// The publishing connection, for the lanes.
    pub(super) connections: watch::Sender<Option<Arc<Connection>>>,
    /// Rung by a lane whose exchange does not exist.
    pub(super) missing: Arc<Notify>,
}

/// Owns the connections.
pub(super) struct Supervisor {
    settings: Arc<Settings>,
    endpoint: Endpoint,
    pub(super) ends: Ends,
    /// What the reader has yet to hear, before any delivery.
    pub(super) news: VecDeque<Intake>,
    pub(super) paused: bool,
    generation: u64,
}

/// Who asked for the end, and wants to hear that it came.
type Closed = Option<oneshot::Sender<()>>;

impl Supervisor {
    pub(super) fn new(settings: Arc<Settings>, endpoint: Endpoint, ends: Ends) -> Self {
        Self { settings, endpoint, ends, news: VecDeque::new(), paused: false, generation: 0 }
    }

    /// Runs until closed; `first` already holds the namespace.
    pub(super) async fn run(mut self, first: Connection) {
        let closed = match self.sessions(first).await {
            Ok(never) => match never {},
            Err(closed) => closed,
        };
        self.report(|status| status.phase = Phase::Closed);
        if let Some(done) = closed {
            let _ = done.send(());
        }
    }

    /// One session after the other; ends only by being closed.
    async fn sessions(&mut self, first: Connection) -> Result<Infallible, Closed> {
        let mut first = Some(first);
        let mut pauses = pauses_between_connects();
        let mut told = Told::default();
        loop {
            let started = Instant::now();
            let connector = Connector {
                settings: Arc::clone(&self.settings),
                endpoint: self.endpoint.clone(),
                status: self.ends.status.clone(),
            };
            let connected = self.meanwhile(connector.connect(first.take())).await?;
            let broken = match connected {
                Ok(connected) => {
                    let broken = self.session(connected).await?;
                    warn!(error = chain(&broken), "broker lost");
                    told.forget();
                    broken
                }
                Err(error) => {
                    if told.is_news(&error) {
                        warn!(error = chain(&error), "broker not reached: trying again");
                    }
                    error
                }
            };
            self.report(|status| {
                status.phase = Phase::Connecting;
                status.blocked = None;
                status.last_error = Some(chain(&broken));
            });
            if started.elapsed() >= GOOD_SESSION {
                pauses.reset();
            }
            if broken.is_unreadable() {
                self.set_aside().await?;
            }
            let pause = pauses.next();
            self.meanwhile(tokio::time::sleep(pause)).await?;
        }
    }

    /// Serves one pair of connections to its end.
    async fn session(&mut self, connected: Connected) -> Result<Error, Closed> {
        let Connected { consuming, publishing, blocking } = connected;
        self.generation += 1;
        let generation = self.generation;
        let settings = Arc::clone(&self.settings);
        let opening = Session::open(&consuming, &settings, generation, self.paused);
        let opened = match self.meanwhile(opening).await {
            Ok(opened) => opened,
            Err(closed) => {
                tokio::join!(close(&publishing), close(&consuming));
                return Err(closed);
            }
        };
        let end = match opened {
            Ok(session) => {
                info!(generation, queued = session.queued(), "consuming");
                self.report(|status| {
                    status.phase = Phase::Up;
                    status.generation = generation;
                    status.reconnects = generation - 1;
                    status.last_error = None;
                });
                self.news.push_back(Intake::Up { generation, queued: session.queued() });
                if session.is_off() {
                    self.news.push_back(Intake::Paused { generation });
                }
                // What was missing before has been surveyed since.
                let _ = self.ends.missing.notified().now_or_never();
                let publishing = Arc::new(publishing);
                self.ends.connections.send_replace(Some(Arc::clone(&publishing)));
                let end = session.run(self, &consuming, &publishing, blocking).await;
                self.ends.connections.send_replace(None);
                if let End::Broken(error) = &end {
                    self.news.push_back(Intake::Down { generation, reason: chain(error) });
                }
                // With the one for consuming goes the namespace, and what is unacknowledged goes back to its queue.
                tokio::join!(close(&publishing), close(&consuming));
                end
            }
            Err(error) => {
                tokio::join!(close(&publishing), close(&consuming));
                End::Broken(error)
            }
        };
        match end {
            End::Broken(error) => Ok(error),
            End::Closed(done) => Err(done),
        }
    }

    /// Takes what lapin cannot read out of the way; if that fails, it will be met again.
    async fn set_aside(&mut self) -> Result<(), Closed> {
        let (endpoint, settings) = (self.endpoint.clone(), Arc::clone(&self.settings));
        // Boxed: rare, and too large to be part of the supervisor's own future.
        let aside = Box::pin(unreadable::set_aside(&endpoint, &settings));
        match self.meanwhile(aside).await? {
            Ok(count) => warn!(count, queue = settings.names.dead, "unreadable commands set aside"),
            Err(error) => warn!(error = chain(&error), "unreadable commands stay in the way"),
        }
        Ok(())
    }

    /// Answers requests and passes on news while something else takes its time.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Closed> {
        tokio::pin!(work);
        loop {
            let Self { ends, news, .. } = self;
            let no_news = news.is_empty();
            let request = tokio::select! {
                biased;
                output = &mut work => return Ok(output),
                request = ends.control.recv() => request,
                () = tell(news, &ends.intake), if !no_news => continue,
                // Of a channel that is gone.
                Some(_) = ends.acks.recv() => continue,
            };
            match request {
                Some(Request::Pause) => self.set_paused(true),
                Some(Request::Resume) => self.set_paused(false),
                // Dropped unanswered: there is nobody to ask.
                Some(Request::Queued(_)) => {}
                Some(Request::Close(done)) => return Err(Some(done)),
                None => return Err(None),
            }
        }
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.report(|status| status.paused = paused);
    }

    pub(super) fn report(&self, change: impl FnOnce(&mut Status)) {
        self.ends.status.send_modify(change);
    }
}

/// Passes on one piece of news as soon as there is room for it; without a reader, never.
pub(super) async fn tell(news: &mut VecDeque<Intake>, intake: &mpsc::Sender<Intake>) {
    let Ok(permit) = intake.reserve().await else {
        return std::future::pending().await;
    };
    if let Some(first) = news.pop_front() {
        permit.send(first);
    }
}

/// Both connections, with the namespace claimed and everything in place.
struct Connected {
    consuming: Connection,
    publishing: Connection,
    /// Watches the publishing connection from its first moment.
    blocking: Events,
}

/// Makes them; on its own, so that the supervisor can listen meanwhile.
struct Connector {
    settings: Arc<Settings>,
    endpoint: Endpoint,
    status: watch::Sender<Status>,
}

impl Connector {
    /// `first` already holds the namespace.
    async fn connect(self, first: Option<Connection>) -> Result<Connected, Error> {
        let consuming = if let Some(connection) = first {
            connection
        } else {
            let name = consumer_name(&self.settings);
            let connection = self.endpoint.connect(name).await?;
            self.claim(&connection).await?;
            connection
        };
        let name = format!("{} publish", self.settings.names.commands);
        let publishing = self.endpoint.connect(name).await?;
        let blocking = events(&publishing);
        self.survey(&consuming).await?;
        Ok(Connected { consuming, publishing, blocking })
    }

    /// Claims the namespace again. After a lost connection its holder may be our own ghost, until
    /// the broker misses its heartbeat; if it is another processor, that one goes on and we wait.
    async fn claim(&self, connection: &Connection) -> Result<(), Error> {
        loop {
            match owner::claim(connection, &self.settings.names.owner).await {
                Err(Error::Held(queue)) => {
                    let before = replace_phase(&self.status, Phase::NotOwner);
                    if before != Phase::NotOwner {
                        warn!(queue, "another connection holds the namespace: waiting");
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                done => return done,
            }
        }
    }

    /// Waits until nothing is missing.
    async fn survey(&self, connection: &Connection) -> Result<(), Error> {
        loop {
            let survey = survey(connection, &self.settings).await?;
            let changed = self.status.send_if_modified(|status| {
                let changed = status.differences != survey.differences;
                status.differences.clone_from(&survey.differences);
                changed
            });
            if changed {
                for difference in &survey.differences {
                    warn!(difference, "declared otherwise by somebody, used as it is");
                }
            }
            if survey.missing.is_empty() {
                return Ok(());
            }
            let phase = Phase::Missing(survey.missing);
            let before = replace_phase(&self.status, phase.clone());
            if before != phase {
                warn!(?phase, "topology incomplete: waiting");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Changes the phase and tells what it was.
fn replace_phase(status: &watch::Sender<Status>, phase: Phase) -> Phase {
    let mut before = phase;
    status.send_modify(|status| std::mem::swap(&mut status.phase, &mut before));
    before
}
