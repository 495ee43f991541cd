//! Asking another member for a copy of its store.

use crate::config::Secret;
use crate::http_client::{HttpClient, http_client};
use crate::telemetry::causes;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, StatusCode, Uri};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take. A part has about 5 MiB, and a member reads at least 64 KiB of its store in a second.
const ANSWER: Duration = Duration::from_secs(90);
/// The pauses before a part is asked for again that did not come.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("{0} is not the URL of an admin server")]
    Url(String),
    /// The certificates of this machine cannot be read.
    #[error("cannot read the certificates of this machine")]
    Certificates(#[source] std::io::Error),
    /// The member does not answer.
    #[error("{url} does not answer: {problem}")]
    Silent {
        /// The member that was asked.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// The member refuses.
    #[error("{url} gives no copy: {detail}")]
    Refused {
        /// The member that was asked.
        url: String,
        /// What it says.
        detail: String,
    },
    /// What came is no copy.
    #[error("cannot read the copy")]
    Archive(#[from] crate::backup::tar::Error),
    /// No store can be made of what came.
    #[error("cannot make a store of the copy")]
    Store(#[from] crate::backup::Error),
}

/// A copy that a member gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    /// What the member calls it.
    id: String,
    /// About how many bytes it has.
    pub(crate) bytes: u64,
}

/// Asks a member.
pub(crate) struct Client {
    http: HttpClient,
    /// Its URL, without a slash at its end.
    url: String,
    token: Secret,
    /// The partition whose store is wanted, where there are several.
    partition: Option<u16>,
}

impl Client {
    /// Asks the member whose admin server is at this URL, with this token.
    pub(crate) fn new(url: &str, token: &Secret) -> Result<Self, Error> {
        let url = url.trim_end_matches('/').to_owned();
        let uri: Option<Uri> = url.parse().ok();
        let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        let uri = uri.ok_or_else(|| Error::Url(url.clone()))?;
        let http = http_client(&uri, CONNECT, 1).map_err(Error::Certificates)?;
        Ok(Self { http, url, token: token.clone(), partition: None })
    }

    /// Asks for the store of a partition, where there are several.
    pub(crate) fn of_partition(self, partition: Option<u16>) -> Self {
        Self { partition, ..self }
    }

    /// Begins a copy.
    pub(crate) async fn begin(&self) -> Result<Begun, Error> {
        let target = match self.partition {
            None => "/api/cluster/copies".to_owned(),
            Some(number) => format!("/api/cluster/copies?partition={number}"),
        };
        let answer = self.ask(Method::POST, &target).await?;
        let json: Option<Value> = serde_json::from_slice(&answer).ok();
        let begun = json.and_then(|json| {
            let id = json["copy"].as_str()?.to_owned();
            Some(Begun { id, bytes: json["bytes"].as_u64()? })
        });
        begun.ok_or_else(|| self.refused("its answer cannot be read".to_owned()))
    }

    /// A part of a copy. One that does not come is asked for again, some times.
    pub(crate) async fn part(&self, copy: &Begun, part: u64) -> Result<Bytes, Error> {
        let target = format!("/api/cluster/copies/{}?part={part}", copy.id);
        for pause in PAUSES {
            match self.ask(Method::GET, &target).await {
                Err(error @ Error::Silent { .. }) => {
                    tracing::warn!(error = causes(&error), part, "asking again for a part");
                    sleep(pause).await;
                }
                answer => return answer,
            }
        }
        self.ask(Method::GET, &target).await
    }

    async fn ask(&self, method: Method, target: &str) -> Result<Bytes, Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.url));
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token.expose()));
        }
        let request = request.body(Full::default()).map_err(|_| Error::Url(self.url.clone()))?;
        let asking = async {
            let answer = self.http.request(request).await.map_err(|error| causes(&error))?;
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(|error| causes(&error))?;
            Ok((status, body.to_bytes()))
        };
        let answered = timeout(ANSWER, asking).await;
        let answered =
            answered.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER.as_secs())));
        let (status, body) = answered.map_err(|problem| self.silent(problem))?;
        match status {
            StatusCode::OK => Ok(body),
            _ => Err(self.refused(detail(status, &body))),
        }
    }

    fn silent(&self, problem: String) -> Error {
        Error::Silent { url: self.url.clone(), problem }
    }

    fn refused(&self, detail: String) -> Error {
        Error::Refused { url: self.url.clone(), detail }
    }
}

/// What a refusal says.
fn detail(status: StatusCode, body: &[u8]) -> String {
    let json = serde_json::from_slice::<Value>(body).ok();
    let detail = json.and_then(|json| Some(json["detail"].as_str()?.to_owned()));
    detail.unwrap_or_else(|| format!("it answers {status}"))
}
