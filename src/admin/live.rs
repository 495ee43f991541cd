//! `GET /api/live`: what the page shows while it is open, as server-sent events, one a second.
//!
//! One task reads metrics and readiness each second, whether anybody listens or not, and keeps the last five minutes for the
//! plots. So the work does not grow with the number of listeners, but for what is sent. A listener that is slow misses samples
//! and makes nobody wait. The page reads the stream with `fetch`, and not with `EventSource`, which cannot send a token.

mod sample;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Responder, rt};
use futures_util::stream::{self, LocalBoxStream, Stream, StreamExt as _};
use orderly_actors::clock::{Clock as _, SystemClock};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::sample::{Before, Point, Sample};
use super::operation::{Answer, Content, Operation, Output, Shared};
use super::{Health, Problem, Route};

/// The time between two samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// The samples that are kept for the plots.
const KEPT: usize = 300;
/// The listeners at a time. The server has more connections than that, so listeners cannot take all of them.
const LISTENERS: usize = 64;

pub(super) fn route() -> Route {
    Route::get(
        "/api/live",
        "The process, each second, as server-sent events: `history` once, with the points of the last minutes, then \
         `sample` each second",
        listen,
    )
    .problem(StatusCode::SERVICE_UNAVAILABLE, "There are too many listeners, or the process ends")
}

/// The samples. Clones share them.
#[derive(Clone)]
pub(super) struct Live(Arc<Inner>);

struct Inner {
    latest: watch::Sender<State>,
    points: Mutex<VecDeque<Point>>,
    seats: Arc<Semaphore>,
}

/// What a listener is told.
#[derive(Clone)]
enum State {
    /// There is no sample yet.
    Nothing,
    /// The last sample, as an event.
    Sample(Bytes),
    /// No other one follows.
    Over,
}

impl Shared for Live {}

impl Live {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            latest: watch::channel(State::Nothing).0,
            points: Mutex::default(),
            seats: Arc::new(Semaphore::new(LISTENERS)),
        }))
    }

    /// Takes samples until the end. The streams end when the future is dropped, also by a panic.
    pub(super) async fn run(self, health: Health) {
        let ending = Ending(self);
        let Ending(live) = &ending;
        let clock = SystemClock::default();
        let mut before = Before { reading: health.exporter.reading(), at: clock.monotonic() };
        let mut ticks = rt::time::interval(INTERVAL);
        ticks.tick().await; // the first one is at once
        while !live.is_over() {
            ticks.tick().await;
            let (reading, at) = (health.exporter.reading(), clock.monotonic());
            let elapsed = at.saturating_sub(before.at);
            let sample = Sample::new(&health, &reading, &before, elapsed, clock.now());
            live.show(&sample);
            before = Before { reading, at };
        }
    }

    /// Ends all streams, so that the server can stop.
    pub(super) fn end(&self) {
        self.0.latest.send_replace(State::Over);
    }

    fn is_over(&self) -> bool {
        matches!(*self.0.latest.borrow(), State::Over)
    }

    fn show(&self, sample: &Sample<'_>) {
        let mut points = self.points();
        if points.len() == KEPT {
            points.pop_front();
        }
        points.push_back(sample.point);
        drop(points);
        let event = event("sample", &json!(sample));
        self.0.latest.send_if_modified(|latest| {
            let goes_on = !matches!(latest, State::Over);
            if goes_on {
                *latest = State::Sample(event);
            }
            goes_on
        });
    }

    /// A poisoned lock is no harm: every change is one call on the list.
    fn points(&self) -> MutexGuard<'_, VecDeque<Point>> {
        self.0.points.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events for one listener, which keeps its seat until the stream is dropped.
    fn events(&self, seat: OwnedSemaphorePermit) -> impl Stream<Item = Bytes> + use<> {
        let latest = self.0.latest.subscribe();
        let points: Vec<_> = self.points().iter().copied().collect();
        let interval = INTERVAL.as_secs();
        let history = json!({ "interval_seconds": interval, "kept": KEPT, "points": points });
        let samples =
            stream::unfold((latest, seat, true), |(mut latest, seat, is_first)| async move {
                if !is_first {
                    latest.changed().await.ok()?;
                }
                loop {
                    let state = latest.borrow_and_update().clone();
                    match state {
                        State::Sample(event) => return Some((event, (latest, seat, false))),
                        State::Over => return None,
                        State::Nothing => latest.changed().await.ok()?,
                    }
                }
            });
        stream::iter([event("history", &history)]).chain(samples)
    }
}

/// Ends the streams when it is dropped.
struct Ending(Live);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// An event as it is sent. JSON has no line breaks.
fn event(kind: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {kind}\ndata: {data}\n\n").into()
}

/// A stream of server-sent events.
struct Events(LocalBoxStream<'static, Bytes>);

impl Responder for Events {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<BoxBody> {
        let media_type = "text/event-stream".parse().expect("a media type");
        let mut answer = HttpResponse::Ok();
        answer.insert_header(ContentType(media_type)).insert_header((CACHE_CONTROL, "no-store"));
        answer.insert_header(("X-Accel-Buffering", "no")); // nginx would keep the events back
        // The framework reads the stream to its end also where nothing of it is sent.
        let events =
            if request.method() == Method::HEAD { stream::empty().boxed_local() } else { self.0 };
        answer.streaming(events.map(Ok::<_, Infallible>))
    }
}

impl Output for Events {
    fn describe(operation: &mut Operation) {
        let content = Content::Text(&["text/event-stream"]);
        operation.answers.push(Answer { status: StatusCode::OK, about: "", content });
    }
}

async fn listen(live: Data<Live>) -> Result<Events, Problem> {
    if live.is_over() {
        return Err(Problem::unavailable("the process ends"));
    }
    let seat = Arc::clone(&live.0.seats).try_acquire_owned();
    let seat = seat.map_err(|_| {
        Problem::unavailable(format!("there are {LISTENERS} listeners already: close some pages"))
    })?;
    Ok(Events(live.events(seat).boxed_local()))
}
