//! Whether the endpoint answers, without a notification.

use super::{AGENT, Webhook, failure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::USER_AGENT;
use hyper::{Method, Request, StatusCode};

impl Webhook {
    /// Sends a `HEAD`, which a receiver of notifications need not know: any status shows that the endpoint is there. The
    /// error says what failed, without the URL.
    pub async fn probe(&self) -> Result<StatusCode, String> {
        let request = Request::builder()
            .method(Method::HEAD)
            .uri(self.uri.clone())
            .header(USER_AGENT, AGENT)
            .body(Full::new(Bytes::new()))
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer.status()),
            Ok(Err(error)) => {
                let (failure, more) = failure::cause(&error);
                Err(more.unwrap_or_else(|| failure.to_string()))
            }
            Err(_) => Err(format!("no answer within {:?}", self.timeout)),
        }
    }
}
