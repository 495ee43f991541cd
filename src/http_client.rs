//! The HTTP client of the webhook, of the exporter of spans, and of the commands that ask a running process.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A connection is closed after this time without a request.
const IDLE: Duration = Duration::from_secs(30);

/// A client for HTTP/1.1, with TLS or without.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client for requests to `uri`. It connects when the first one is sent, within `connect_timeout`, and keeps at most
/// `max_idle` connections open without a request. An error: the trusted certificates of this machine cannot be read.
pub(crate) fn http_client(
    uri: &Uri,
    connect_timeout: Duration,
    max_idle: usize,
) -> io::Result<HttpClient> {
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(connect_timeout));
    http.set_nodelay(true);
    http.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(uri)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(max_idle)
        .build(connector))
}

/// The TLS settings. The certificates of this machine are read for `https` only.
fn tls(uri: &Uri) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    if uri.scheme_str() == Some("https") {
        return Ok(builder.with_native_roots()?.with_no_client_auth());
    }
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}
