//! Where the broker is and how to reach it.

use std::{fmt, future::Future, time::Duration};

use lapin::{Channel, Connection, ConnectionProperties, tcp::OwnedTLSConfig, uri::AMQPUri};

use super::{Error, Settings};

/// A dead peer is noticed after two of these (seconds). Short, since commands wait meanwhile.
const HEARTBEAT: u16 = 10;

/// Patience with any one answer of the broker while a connection is set up or ended. Declaring a
/// quorum queue on a busy cluster takes seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Patience with a goodbye: nothing depends on its answer, and while it is waited for nothing is consumed. A broker that
/// blocks publishers gives none.
const GOODBYE: Duration = Duration::from_secs(2);

/// A parsed URL with what TLS needs.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(super) uri: AMQPUri,
    pub(super) tls: OwnedTLSConfig,
}

impl Endpoint {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut uri: AMQPUri = settings.url.parse().map_err(Error::Url)?;
        if let Some(host) = ipv6_host(&settings.url) {
            // The parser knows names only, and would quietly take localhost instead.
            host.clone_into(&mut uri.authority.host);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        uri.query.connection_timeout.get_or_insert(patience);
        let cert_chain = match &settings.ca_file {
            Some(path) => {
                let pem = std::fs::read_to_string(path)
                    .map_err(|source| Error::CaFile { path: path.clone(), source })?;
                Some(pem)
            }
            None => None,
        };
        let tls = OwnedTLSConfig { identity: None, cert_chain };
        Ok(Self { uri, tls })
    }

    /// Connects once; `name` shows in the broker's list of connections.
    pub(crate) async fn connect(&self, name: String) -> Result<Connection, Error> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime().map_err(Error::Connect)?;
        let connecting = Connection::connect_uri_with_config(
            self.uri.clone(),
            properties,
            self.tls.clone(),
            runtime,
        );
        patiently("connecting", connecting).await?.map_err(Error::Connect)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = &self.uri.authority;
        write!(formatter, "{}:{}", authority.host, authority.port)
    }
}

/// Waits for the broker, but not for ever.
pub(crate) async fn patiently<T>(
    what: &'static str,
    answer: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::time::timeout(PATIENCE, answer).await.map_err(|_| Error::Timeout(what))
}

/// Opens a channel.
pub(crate) async fn channel(connection: &Connection) -> Result<Channel, Error> {
    patiently("opening a channel", connection.create_channel()).await?.map_err(Error::Channel)
}

/// Ends a connection in order; one that does not answer is left to its heartbeat.
pub(crate) async fn close(connection: &Connection) {
    let _ = tokio::time::timeout(GOODBYE, connection.close(200, "bye".into())).await;
}

/// The address in `[...]`, if the URL's host is one.
fn ipv6_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (address, _) = host.strip_prefix('[')?.split_once(']')?;
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Names, TopologyMode};

    fn settings(url: &str) -> Settings {
        Settings {
            url: url.to_owned(),
            ca_file: None,
            names: Names::new("t"),
            prefetch: 1,
            retry_delays: Vec::new(),
            delivery_limit: 1,
            topology: TopologyMode::Declare,
        }
    }

    #[test]
    fn takes_an_ipv6_address_as_it_is() {
        for (url, host) in [
            ("amqp://[::1]:5672/%2f", "::1"),
            ("amqps://u:p@[2001:db8::2]", "2001:db8::2"),
            ("amqp://broker.example:1/%2f", "broker.example"),
            ("amqp://127.0.0.1", "127.0.0.1"),
        ] {
            let endpoint = Endpoint::new(&settings(url)).unwrap();
            assert_eq!(endpoint.uri.authority.host, host, "{url}");
        }
    }

    #[test]
    fn a_wrong_url_is_an_error_that_keeps_the_password() {
        let error = Endpoint::new(&settings("http://u:hunter2@h")).unwrap_err();
        assert!(matches!(error, Error::Url(_)));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn printing_shows_no_password() {
        let settings = settings("amqp://u:hunter2@h:5/%2f");
        let endpoint = Endpoint::new(&settings).unwrap();
        assert_eq!(format!("{endpoint:?}"), "h:5");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn an_unreadable_ca_file_is_named() {
        let mut settings = settings("amqps://h");
        settings.ca_file = Some("/nowhere/ca.pem".into());
        let error = Endpoint::new(&settings).unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"));
    }
}
