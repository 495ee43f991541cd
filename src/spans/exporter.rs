//! Sends spans in batches, by OTLP over HTTP, as JSON: collectors take it on the same port and path as protobuf, and it needs
//! nothing that the program does not have.

use super::span::{Attribute, Span, request};
use super::{Item, Tracer};
use crate::http_client::{HttpClient, http_client};
use crate::metrics::Metrics;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use orderly_broker::Names;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The most spans of one request.
const BATCH: usize = 512;
/// How long a span waits for others.
const DELAY: Duration = Duration::from_secs(1);
/// The time for a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The pauses before a request is made again. After that its spans are dropped.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Bytes of an answer that are read, so that the connection can be used again.
const MAX_DRAINED_BYTES: usize = 64 << 10;
/// The most characters of an answer that the log shows.
const SHOWN: usize = 200;

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client does not accept the endpoint.
    #[error("the endpoint for traces cannot be used")]
    Endpoint(#[source] hyper::http::uri::InvalidUri),
    /// The trusted certificates of this machine cannot be read.
    #[error("cannot read the trusted certificates for the endpoint for traces")]
    Certificates(#[source] std::io::Error),
}

/// Sends the spans of a [`Tracer`].
pub(crate) struct Exporter {
    items: mpsc::Receiver<Item>,
    client: HttpClient,
    uri: Uri,
    /// What is said of the process with each request.
    about: Vec<(&'static str, Attribute)>,
    metrics: Metrics,
    /// The last request failed: the log was told.
    is_failing: bool,
}

/// What became of a request.
enum Answer {
    Taken,
    /// It may be taken later.
    NotNow(String),
    Refused(String),
}

impl Exporter {
    /// A tracer, and the exporter of its spans to a URL. So many in a million commands without a trace begin one.
    pub(crate) fn new(
        url: &str,
        per_million: u32,
        (names, namespace): (Names, &str),
        metrics: Metrics,
    ) -> Result<(Tracer, Self), Error> {
        let uri: Uri = url.parse().map_err(Error::Endpoint)?;
        let client = http_client(&uri, TIMEOUT, 1).map_err(Error::Certificates)?;
        let name = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
        let text = |text: String| Attribute::Text(text.into());
        let about = vec![
            ("service.name", text(name.unwrap_or_else(|| "orderly".to_owned()))),
            ("service.version", Attribute::Text(env!("CARGO_PKG_VERSION").into())),
            ("service.namespace", text(namespace.to_owned())),
            ("process.pid", Attribute::Number(u64::from(std::process::id()))),
        ];
        let (tracer, items) = Tracer::on(names, per_million, metrics.clone());
        Ok((tracer, Self { items, client, uri, about, metrics, is_failing: false }))
    }

    /// Sends until every tracer is dropped.
    pub(crate) async fn run(mut self) {
        let mut spans = Vec::with_capacity(BATCH);
        let mut is_open = true;
        while is_open {
            let mut flushes = Vec::new();
            is_open = self.collect(&mut spans, &mut flushes).await;
            if !spans.is_empty() {
                self.send(&spans).await;
                spans.clear();
            }
            for flush in flushes {
                let _ = flush.send(()); // who asked may have gone
            }
        }
    }

    /// Collects a batch. `false`: nothing follows.
    async fn collect(
        &mut self,
        spans: &mut Vec<Span>,
        flushes: &mut Vec<oneshot::Sender<()>>,
    ) -> bool {
        match self.items.recv().await {
            Some(Item::Span(first)) => spans.push(*first),
            Some(Item::Flush(flush)) => {
                flushes.push(flush);
                return true;
            }
            None => return false,
        }
        let until = tokio::time::sleep(DELAY);
        tokio::pin!(until);
        while spans.len() < BATCH {
            tokio::select! {
                biased;
                item = self.items.recv() => match item {
                    Some(Item::Span(span)) => spans.push(*span),
                    Some(Item::Flush(flush)) => {
                        flushes.push(flush);
                        return true;
                    }
                    None => return false,
                },
                () = &mut until => return true,
            }
        }
        true
    }

    async fn send(&mut self, spans: &[Span]) {
        let body = Bytes::from(request(&self.about, spans));
        let mut problem = String::new();
        for pause in PAUSES.iter().map(Some).chain([None]) {
            match self.post(body.clone()).await {
                Answer::Taken => {
                    self.metrics.spans_exported(spans.len() as u64);
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!("the endpoint for traces takes spans again");
                    }
                    return;
                }
                Answer::NotNow(why) => {
                    problem = why;
                    if let Some(pause) = pause {
                        tokio::time::sleep(*pause).await;
                    }
                }
                Answer::Refused(why) => {
                    problem = why;
                    break;
                }
            }
        }
        self.metrics.spans_dropped(spans.len() as u64);
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(problem, "the endpoint for traces takes no spans: they are dropped");
        }
    }

    async fn post(&self, body: Bytes) -> Answer {
        let agent = concat!("orderly/", env!("CARGO_PKG_VERSION"));
        let request = Request::post(self.uri.clone())
            .header(USER_AGENT, agent)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body));
        let Ok(request) = request else {
            return Answer::Refused("the request cannot be written".to_owned());
        };
        let answered = tokio::time::timeout(TIMEOUT, async {
            let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_DRAINED_BYTES).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let text: String = String::from_utf8_lossy(&body).chars().take(SHOWN).collect();
            Ok::<_, String>((status, text))
        });
        match answered.await {
            Err(_) => Answer::NotNow("no answer in time".to_owned()),
            Ok(Err(problem)) => Answer::NotNow(problem),
            Ok(Ok((status, _))) if status.is_success() => Answer::Taken,
            Ok(Ok((status, text))) => {
                let problem = format!("status {status}: {text}");
                // the specification of OTLP names those that may be tried again
                match status {
                    StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT => Answer::NotNow(problem),
                    _ => Answer::Refused(problem),
                }
            }
        }
    }
}
