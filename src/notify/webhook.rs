//! The channel `webhook`: a signed POST for each notification to one endpoint of the shop.
//!
//! A status of 2xx means delivered. After 408, 425, 429, 5xx, or no whole head of an answer in time, the notification is tried
//! again; after any other status it is not. A redirect counts as another status: only the configured endpoint gets
//! notifications. The status decides as soon as it is read. The body is discarded, and is read only as far as the connection
//! needs to be used again.

mod failure;
mod probe;

use super::breaker::{Health, Terms};
use super::queue::Limits;
use super::signature::{self, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use super::{DeliveryJob, Outcome};
use crate::config::{self, Secret};
use crate::http_client::{HttpClient, http_client};
use crate::pipeline::workers;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri, body::Incoming};
use hyper_util::client::legacy;
use orderly_actors::clock::{Clock, SystemClock};
use orderly_broker::Message;
use orderly_domain::notification::{Failure, Sent};
use orderly_domain::time::Timestamp;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Bytes of the body of an answer that are read, so that the connection can be used again. A longer body ends the connection.
const MAX_DRAINED_BYTES: usize = 64 << 10;
/// The time for that.
const MAX_DRAINING: Duration = Duration::from_secs(1);
/// The header with the id of the notification, by which a receiver recognises a repetition.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const TRACEPARENT: &str = "traceparent";
const AGENT: HeaderValue = HeaderValue::from_static(concat!("orderly/", env!("CARGO_PKG_VERSION")));

/// Why the client of the webhook could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client does not accept the URL.
    #[error("the URL of the webhook cannot be used")]
    Url(#[source] hyper::http::uri::InvalidUri),
    /// The trusted certificates of this machine cannot be read.
    #[error("cannot read the trusted certificates for the webhook")]
    Certificates(#[source] std::io::Error),
}

/// The limits of the channel.
pub fn limits(config: &config::Webhook) -> Limits {
    let in_flight = usize::from(config.max_in_flight.get());
    Limits {
        in_flight,
        waiting: 16 * in_flight,
        rate: Some((config.rate, config.burst)),
        pace: Duration::from_secs(1) / config.rate.get(),
        breaker: Terms {
            failures: config.breaker_failures,
            cooldown: config.breaker_cooldown.get(),
            cooldown_cap: config.breaker_cooldown_cap.get(),
        },
    }
}

/// The client of the endpoint.
#[derive(Clone)]
pub struct Webhook {
    client: HttpClient,
    uri: Uri,
    /// Scheme, host and port of the endpoint, for people.
    origin: String,
    secret: Secret,
    timeout: Duration,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The outcome for the notification.
    pub sent: Sent,
    /// The outcome for the channel.
    pub health: Health,
    /// What failed, and where to, for a person; without path and query, which may hold a key.
    pub problem: Option<String>,
}

impl Webhook {
    /// A client as configured. It connects when the first notification is sent.
    pub fn new(config: &config::Webhook) -> Result<Self, Error> {
        let uri: Uri = config.url.expose().parse().map_err(Error::Url)?;
        let idle = usize::from(config.max_in_flight.get());
        let client = http_client(&uri, config.connect_timeout.get(), idle);
        let client = client.map_err(Error::Certificates)?;
        let secret = config.secret.clone();
        let origin = config.url.origin();
        Ok(Self { client, uri, origin, secret, timeout: config.timeout.get() })
    }

    /// Makes one attempt and returns its outcome.
    pub async fn send(&self, message: &Message) -> Attempt {
        let Some(request) = self.request(message) else {
            return self.attempt((Sent::Refused { why: Failure::Broken }, Health::Well), None);
        };
        let answered = tokio::time::timeout(self.timeout, async {
            let answer = self.client.request(request).await?;
            let now = SystemClock::default().now();
            Ok::<_, legacy::Error>((judge(answer.status(), answer.headers(), now), answer))
        });
        match answered.await {
            Ok(Ok((judged, answer))) => {
                // The status has decided: a failure here changes nothing.
                let _ = tokio::time::timeout(self.timeout.min(MAX_DRAINING), drain(answer)).await;
                self.attempt(judged, None)
            }
            Ok(Err(error)) => {
                let (why, text) = failure::cause(&error);
                self.attempt(failed(why, None), text)
            }
            Err(_) => self.attempt(failed(Failure::Timeout, None), None),
        }
    }

    /// `text` says more than the failure alone.
    fn attempt(&self, (sent, health): (Sent, Health), text: Option<String>) -> Attempt {
        let problem = match sent {
            Sent::Delivered => None,
            Sent::Failed { why, .. } | Sent::Refused { why } | Sent::GivenUp { why } => {
                let text = text.unwrap_or_else(|| why.to_string());
                Some(format!("{text} ({})", self.origin))
            }
        };
        Attempt { sent, health, problem }
    }

    /// `None` when a header cannot be written, which does not happen with the headers made here.
    fn request(&self, message: &Message) -> Option<Request<Full<Bytes>>> {
        let properties = &message.properties;
        let seconds = SystemClock::default().now().since(Timestamp::EPOCH).as_secs();
        let signature = signature::sign(self.secret.expose().as_bytes(), seconds, &message.body);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, properties.message_id.as_deref()?)
            .header(TIMESTAMP_HEADER, seconds)
            .header(SIGNATURE_HEADER, signature);
        if let Some(traceparent) = &properties.traceparent {
            request = request.header(TRACEPARENT, traceparent);
        }
        request.body(Full::new(message.body.clone())).ok()
    }
}

/// The outcome of a status for the notification, and the health of the endpoint.
fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> (Sent, Health) {
    let why = Failure::Status(status.as_u16());
    match status {
        status if status.is_success() => (Sent::Delivered, Health::Well),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            failed(why, retry_after(headers, now))
        }
        status if status.is_server_error() => failed(why, retry_after(headers, now)),
        _ => (Sent::Refused { why }, Health::Well),
    }
}

fn failed(why: Failure, retry_after: Option<Duration>) -> (Sent, Health) {
    (Sent::Failed { why, retry_after }, Health::Ill)
}

/// RFC 9110, section 10.2.3: seconds or a date. Another value is ignored, and so is a date in the past.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.plus(date).since(now))
}

async fn drain(answer: Response<Incoming>) {
    let mut body = Limited::new(answer.into_body(), MAX_DRAINED_BYTES);
    while let Some(Ok(_)) = body.frame().await {}
}

/// Posts jobs at the same time, as many as the queue allows. Outcomes go back in batches.
pub async fn run(
    webhook: Webhook,
    mut jobs: mpsc::Receiver<DeliveryJob>,
    outcomes: mpsc::Sender<Vec<Outcome>>,
) {
    let mut under_way = JoinSet::new();
    let mut open = true;
    while open || !under_way.is_empty() {
        let first = tokio::select! {
            job = jobs.recv(), if open => {
                match job {
                    Some(job) => { under_way.spawn(attempt(webhook.clone(), job)); }
                    None => open = false,
                }
                continue;
            }
            Some(first) = under_way.join_next() => first,
        };
        let mut done: Vec<_> = first.into_iter().collect();
        while let Some(Ok(next)) = under_way.try_join_next() {
            done.push(next);
        }
        if outcomes.send(done).await.is_err() {
            return; // the core has ended
        }
    }
}

/// One attempt. A panic in the client counts as a failed attempt: every job gets an outcome.
async fn attempt(webhook: Webhook, job: DeliveryJob) -> Outcome {
    let DeliveryJob { delivery, message, permit } = job;
    let sending = async {
        workers::failpoint("webhook");
        webhook.send(&message).await
    };
    let sent = AssertUnwindSafe(sending).catch_unwind().await;
    let Attempt { sent, health, problem } = sent.unwrap_or_else(|panic| {
        tracing::error!(problem = workers::text(&*panic), "sending a notification panicked");
        webhook.attempt(failed(Failure::Broken, None), None)
    });
    Outcome { delivery, sent, health, permit, problem }
}

#[cfg(test)]
mod tests;
