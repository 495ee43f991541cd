//! Requests to the admin API of a running process.

use crate::config::{Config, Secret};
use crate::http_client::{HttpClient, http_client};
use crate::telemetry::causes;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode, Uri};
use orderly_domain::id::Operator;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use url::Url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take: one about many messages takes long.
const ANSWER: Duration = Duration::from_secs(600);

/// How long each piece of an answer in pieces may take.
const PIECE: Duration = Duration::from_secs(120);

/// Which process is asked, and who asks
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// The admin API of the running process; where it is absent, admin.bind of the configuration
    #[arg(long, value_name = "URL", global = true)]
    url: Option<String>,
    /// Who acts: it is recorded with what is done, and timelines show it
    #[arg(long, value_name = "NAME", env = "USER", global = true, hide_env_values = true)]
    operator: Option<String>,
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("--url: {0}")]
    Url(String),
    /// The certificates of this machine cannot be read.
    #[error("cannot read the certificates of this machine")]
    Certificates(#[source] std::io::Error),
    /// The operator has no valid name.
    #[error("--operator: {0}")]
    Operator(#[source] orderly_domain::id::Error),
    /// Nobody answers.
    #[error("{origin} does not answer: {problem}; is `orderly serve` running?")]
    Connection {
        /// The process that was asked.
        origin: String,
        /// What is wrong.
        problem: String,
    },
    /// The process refuses.
    #[error("{detail}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What the process says.
        detail: String,
    },
}

/// Asks the admin API.
pub(super) struct Api {
    client: HttpClient,
    /// The URL, without a slash at its end.
    origin: String,
    token: Secret,
    operator: Option<Operator>,
}

impl Api {
    pub(super) fn new(config: &Config, target: &Target) -> Result<Self, Error> {
        let operator = target.operator.as_ref().map(Operator::new).transpose();
        let operator = operator.map_err(Error::Operator)?;
        Ok(Self { operator, ..Self::at(config, target.url.as_deref())? })
    }

    /// The API at a URL, or at `admin.bind` of the configuration, asked by nobody in particular.
    pub(super) fn at(config: &Config, url: Option<&str>) -> Result<Self, Error> {
        let origin = match url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", reachable(config.admin.bind)),
        };
        let uri: Uri = origin.parse().map_err(|_| Error::Url("it is no URL".to_owned()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(Error::Url("it must begin with http:// or https://".to_owned()));
        }
        let client = http_client(&uri, CONNECT, 1).map_err(Error::Certificates)?;
        Ok(Self { client, origin, token: config.admin.token.clone(), operator: None })
    }

    /// The URL of the API, without a slash at its end.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends a request, and reads the JSON of the answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> Result<Value, Error> {
        let (status, body) = self.read(method, target, body).await?;
        if status.is_success()
            && let Ok(json) = serde_json::from_slice(&body)
        {
            return Ok(json);
        }
        Err(self.refused(status, &body))
    }

    /// The JSON of a path.
    pub(super) async fn get(&self, target: &str) -> Result<Value, Error> {
        self.ask(Method::GET, target, None).await
    }

    /// The text of a path.
    pub(super) async fn text(&self, target: &str) -> Result<String, Error> {
        let (status, body) = self.read(Method::GET, target, None).await?;
        if status.is_success() {
            return Ok(String::from_utf8_lossy(&body).into_owned());
        }
        Err(self.refused(status, &body))
    }

    /// What `/readyz` says, whether the process is ready or not.
    pub(super) async fn readiness(&self) -> Result<Value, Error> {
        let (status, body) = self.read(Method::GET, "/readyz", None).await?;
        if matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE)
            && let Ok(json) = serde_json::from_slice(&body)
        {
            return Ok(json);
        }
        Err(self.refused(status, &body))
    }

    /// Sends a POST without a body. The answer comes in pieces.
    pub(super) async fn download(&self, target: &str) -> Result<Download, Error> {
        let request = self.request(Method::POST, target, None)?;
        let answered = tokio::time::timeout(ANSWER, self.client.request(request)).await;
        let answered = answered.map_err(|_| self.silent())?;
        let answer = answered.map_err(|error| self.lost(causes(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Download { origin: self.origin.clone(), body: answer.into_body() });
        }
        let body = tokio::time::timeout(ANSWER, answer.into_body().collect()).await;
        let body = body.map_err(|_| self.silent())?.map_err(|error| self.lost(causes(&error)))?;
        Err(self.refused(status, &body.to_bytes()))
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.origin));
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token.expose()));
        }
        if let Some(operator) = &self.operator {
            request = request.header("x-operator", operator.as_str());
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default()));
        request.map_err(|error| Error::Url(error.to_string()))
    }

    /// Sends a request, and reads the whole answer.
    async fn read(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), Error> {
        let request = self.request(method, target, body)?;
        let answered = tokio::time::timeout(ANSWER, async {
            let answer = self.client.request(request).await.map_err(|error| causes(&error))?;
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(|error| causes(&error))?;
            Ok::<_, String>((status, body.to_bytes()))
        });
        match answered.await {
            Ok(answered) => answered.map_err(|problem| self.lost(problem)),
            Err(_) => Err(self.silent()),
        }
    }

    fn lost(&self, problem: String) -> Error {
        Error::Connection { origin: self.origin.clone(), problem }
    }

    fn silent(&self) -> Error {
        self.lost(format!("there is no answer within {ANSWER:?}"))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Error {
        let json = serde_json::from_slice::<Value>(body).ok();
        let detail = json.and_then(|json| Some(json["detail"].as_str()?.to_owned()));
        let detail = detail.unwrap_or_else(|| format!("{} answered {status}", self.origin));
        Error::Refused { status: status.as_u16(), detail }
    }
}

/// An answer that comes in pieces.
pub(super) struct Download {
    origin: String,
    body: Incoming,
}

impl Download {
    /// The next piece. `None`: the answer has ended as it should.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let lost = |problem| Error::Connection { origin: self.origin.clone(), problem };
        loop {
            match tokio::time::timeout(PIECE, self.body.frame()).await {
                Err(_) => return Err(lost(format!("nothing came for {PIECE:?}"))),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(lost(format!("the answer broke off: {}", causes(&error))));
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

/// A path of the API. Its parts may have any characters: they are escaped.
pub(super) fn path(parts: &[&str]) -> String {
    let mut url = Url::parse("http://localhost").expect("it is a URL");
    url.path_segments_mut().expect("a URL of HTTP has a path").clear().extend(parts);
    url.path().to_owned()
}

/// An address of this machine for a server that listens on all of them.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
