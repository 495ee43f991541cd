//! Where the broker is: the URL taken apart, with what TLS needs.

use std::fmt;

use lapin::{tcp::OwnedTLSConfig, uri::AMQPUri};
use url::{Host, Url};

use super::{Error, Settings};

/// A dead peer is noticed after two of these (seconds). Short, since commands wait meanwhile.
const HEARTBEAT: u16 = 10;

/// A parsed URL with what TLS needs.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Holds the password, so it is never printed.
    pub(super) uri: AMQPUri,
    pub(super) tls: OwnedTLSConfig,
}

/// Host and port of the broker: what may be shown of its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

impl Endpoint {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut uri: AMQPUri = settings.url.parse().map_err(Error::Url)?;
        let url = Url::parse(&settings.url).map_err(|error| Error::Url(error.to_string()))?;
        if let Some(Host::Ipv6(address)) = url.host() {
            // lapin's parser knows names and IPv4 addresses only, and takes localhost instead.
            uri.authority.host = address.to_string();
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
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

    pub(crate) fn address(&self) -> Address {
        let authority = &self.uri.authority;
        Address { host: authority.host.clone(), port: authority.port }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.address())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_ipv6_address_as_it_is() {
        for (url, host, shown) in [
            ("amqp://[::1]:5672/%2f", "::1", "[::1]:5672"),
            ("amqps://u:p@[2001:db8::2]", "2001:db8::2", "[2001:db8::2]:5671"),
            ("amqp://broker.example:1/%2f", "broker.example", "broker.example:1"),
            ("amqp://127.0.0.1", "127.0.0.1", "127.0.0.1:5672"),
        ] {
            let endpoint = Endpoint::new(&Settings::for_test(url)).unwrap();
            assert_eq!(endpoint.uri.authority.host, host, "{url}");
            assert_eq!(endpoint.address().to_string(), shown, "{url}");
        }
    }

    #[test]
    fn an_error_about_the_url_does_not_show_the_password() {
        let error = Endpoint::new(&Settings::for_test("http://u:hunter2@h")).unwrap_err();
        assert!(matches!(error, Error::Url(_)));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn printing_shows_no_password() {
        let settings = Settings::for_test("amqp://u:hunter2@h:5/%2f");
        let endpoint = Endpoint::new(&settings).unwrap();
        assert_eq!(format!("{endpoint:?}"), "h:5");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn an_unreadable_ca_file_is_named() {
        let mut settings = Settings::for_test("amqps://h");
        settings.ca_file = Some("/nowhere/ca.pem".into());
        let error = Endpoint::new(&settings).unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"));
    }
}
