//! Where the broker is: the URL taken apart, with what TLS needs.

use std::{collections::VecDeque, fmt};

use lapin::{tcp::OwnedTLSConfig, uri::AMQPUri};
use url::{Host, Url};

use super::{Error, Settings};

/// The parsed URLs with what TLS needs. One of them is tried at a time.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Holds the password, so it is never printed.
    pub(super) uri: AMQPUri,
    /// The others, in the order in which they are tried.
    others: VecDeque<AMQPUri>,
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
        let parsing = settings.urls.iter().map(|url| parse(url, settings.heartbeat));
        let mut others = parsing.collect::<Result<VecDeque<_>, _>>()?;
        let Some(uri) = others.pop_front() else {
            return Err(Error::Url("there is none".to_owned()));
        };
        let cert_chain = match &settings.ca_file {
            Some(path) => {
                let pem = std::fs::read_to_string(path)
                    .map_err(|source| Error::CaFile { path: path.clone(), source })?;
                Some(pem)
            }
            None => None,
        };
        let tls = OwnedTLSConfig { identity: None, cert_chain };
        Ok(Self { uri, others, tls })
    }

    /// Goes on to the next URL, in turn: to the same one if there is no other.
    pub(crate) fn try_next(&mut self) {
        if let Some(next) = self.others.pop_front() {
            self.others.push_back(std::mem::replace(&mut self.uri, next));
        }
    }

    /// How many URLs there are.
    pub(crate) fn count(&self) -> usize {
        self.others.len() + 1
    }

    pub(crate) fn address(&self) -> Address {
        let authority = &self.uri.authority;
        Address { host: authority.host.clone(), port: authority.port }
    }
}

fn parse(text: &str, heartbeat: u16) -> Result<AMQPUri, Error> {
    let mut uri: AMQPUri = text.parse().map_err(Error::Url)?;
    let url = Url::parse(text).map_err(|error| Error::Url(error.to_string()))?;
    if let Some(Host::Ipv6(address)) = url.host() {
        // lapin's parser knows names and IPv4 addresses only, and takes localhost instead.
        uri.authority.host = address.to_string();
    }
    uri.query.heartbeat.get_or_insert(heartbeat);
    Ok(uri)
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
    fn several_urls_are_tried_in_turn_and_keep_their_own_heartbeat() {
        let mut settings = Settings::for_test("amqp://u:p@a:1?heartbeat=7");
        settings.heartbeat = 3;
        settings.urls.extend(["amqp://u:p@b:2".to_owned(), "amqp://u:p@c:3".to_owned()]);
        let mut endpoint = Endpoint::new(&settings).unwrap();
        let mut tried = Vec::new();
        for _ in 0..4 {
            tried.push((endpoint.address().to_string(), endpoint.uri.query.heartbeat));
            endpoint.try_next();
        }
        let (a, b, c) = (("a:1", Some(7)), ("b:2", Some(3)), ("c:3", Some(3)));
        let tried: Vec<_> = tried.iter().map(|(at, beat)| (at.as_str(), *beat)).collect();
        assert_eq!(tried, [a, b, c, a]);

        settings.urls.clear();
        assert!(matches!(Endpoint::new(&settings), Err(Error::Url(_))), "none is an error");
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
