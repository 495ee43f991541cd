//! The URL of the broker: RabbitMQ, or the broker inside the process.
//!
//! The URL holds a password: only [`BrokerUrl::expose`] shows the whole URL.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use lapin::uri::AMQPUri;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::{Host, Url};

use super::secret::{MASK, Secret, secret_text};
use super::wrong_value::told_of_url;

/// The URL of the broker.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    text: Secret,
    scheme: Scheme,
    /// The URL with a mask in place of its password.
    masked: String,
    /// The host of RabbitMQ; none for the broker inside the process.
    host: Option<Host>,
    /// The virtual host; empty for the broker inside the process.
    vhost: String,
}

/// The kind of connection to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The broker inside the process: for the demo and for trying things out.
    Memory,
    /// AMQP in clear text.
    Amqp,
    /// AMQP over TLS.
    Amqps,
}

/// Why a text is not a [`BrokerUrl`]. No variant repeats the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The text is not a URL.
    #[error("not a URL: {}", told_of_url(*.0))]
    Malformed(url::ParseError),
    /// The scheme is not that of a broker.
    #[error("the scheme of a broker URL is `amqp`, `amqps` or `memory`")]
    Scheme,
    /// More than `memory:` alone.
    #[error("`memory:` takes nothing behind the colon")]
    Memory,
    /// The URL names no host.
    #[error("a broker URL needs a host, such as amqp://127.0.0.1:5672/%2f")]
    NoHost,
    /// The AMQP client would read another host out of the URL.
    #[error("the host of a broker URL is a name, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// The AMQP client does not understand the virtual host or a query parameter.
    #[error("the AMQP client does not understand the path or the query of this URL")]
    Unsupported,
}

impl BrokerUrl {
    /// The URL with its password, for the connection.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The kind of connection to the broker.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether this is the broker inside the process.
    pub fn is_memory(&self) -> bool {
        self.scheme == Scheme::Memory
    }

    /// The virtual host; empty for the broker inside the process.
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// Whether the connection stays on this machine.
    pub fn is_local(&self) -> bool {
        match &self.host {
            None => true,
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
        }
    }

    /// Whether the URL names the virtual host without a name: `amqp://host/`. RabbitMQ's default one is `/`, written `%2f`.
    pub fn has_empty_vhost(&self) -> bool {
        !self.is_memory() && self.vhost.is_empty()
    }

    fn memory(text: &str) -> Result<Self, UrlError> {
        if text != "memory:" {
            return Err(UrlError::Memory);
        }
        let masked = text.to_owned();
        let text = Secret::new(text);
        Ok(Self { text, scheme: Scheme::Memory, masked, host: None, vhost: String::new() })
    }
}

impl Default for BrokerUrl {
    /// RabbitMQ on this machine, with the user that a new installation has.
    fn default() -> Self {
        "amqp://guest:guest@127.0.0.1:5672/%2f".parse().expect("a test parses it")
    }
}

impl FromStr for BrokerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let mut url = Url::parse(text).map_err(UrlError::Malformed)?;
        let scheme = match url.scheme() {
            "memory" => return Self::memory(text),
            "amqp" => Scheme::Amqp,
            "amqps" => Scheme::Amqps,
            _ => return Err(UrlError::Scheme),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => named_host(name),
            Some(Host::Domain(_)) | None => return Err(UrlError::NoHost),
            Some(Host::Ipv4(address)) => Host::Ipv4(address),
            Some(Host::Ipv6(address)) => Host::Ipv6(address),
        };
        let client: AMQPUri = text.parse().map_err(|_| UrlError::Unsupported)?;
        // The client's own parser does not support IPv6 addresses: `orderly-broker` sets such a host itself.
        let is_same = match &host {
            Host::Ipv6(_) => true,
            Host::Domain(name) => client.authority.host == *name,
            Host::Ipv4(address) => client.authority.host == address.to_string(),
        };
        if !is_same {
            return Err(UrlError::Host);
        }
        if url.password().is_some() {
            // Fails only for a URL without a host, and a host was found above.
            url.set_password(Some(MASK)).map_err(|()| UrlError::NoHost)?;
        }
        let (text, masked, host) = (Secret::new(text), url.into(), Some(host));
        Ok(Self { text, scheme, masked, host, vhost: client.vhost })
    }
}

/// The host that `name` stands for. The `url` crate parses an IPv4 address only for the schemes of the web, so an address
/// arrives here as a name.
fn named_host(name: &str) -> Host {
    match name.parse::<Ipv4Addr>() {
        Ok(address) => Host::Ipv4(address),
        Err(_) => Host::Domain(name.to_owned()),
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.masked)
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked)
    }
}

impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secret_text(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_password_is_exposed_and_never_printed() {
        let text = "amqps://shop:s3cret%2F@mq.example.com/prod";
        let url: BrokerUrl = text.parse().expect("a broker URL");
        assert_eq!(url.expose(), text);
        assert_eq!(url.scheme(), Scheme::Amqps);
        let json = serde_json::to_string(&url).expect("a text is JSON");
        for printed in [url.to_string(), format!("{url:?}"), json] {
            assert!(printed.contains("amqps://shop:***@mq.example.com/prod"), "{printed}");
        }
    }

    #[rstest]
    #[case("memory:", true)]
    #[case("amqp://localhost", true)]
    #[case("amqp://127.0.0.1:5673/%2f", true)]
    #[case("amqp://mq.example.com", false)]
    #[case("amqp://10.0.0.7", false)]
    #[case("amqp://[::1]:5672/", true)]
    #[case("amqps://shop:s3cret@[2001:db8::7]/prod", false)]
    fn a_url_is_known_to_be_local(#[case] url: BrokerUrl, #[case] local: bool) {
        assert_eq!(url.is_local(), local, "{url}");
    }

    #[rstest]
    #[case("memory:", false)]
    #[case("amqp://localhost", false)]
    #[case("amqp://localhost/%2f", false)]
    #[case("amqp://localhost/prod", false)]
    #[case("amqp://localhost/", true)]
    #[case("amqps://shop:s3cret@[::1]:5671/?heartbeat=10", true)]
    fn an_empty_virtual_host_is_recognised(#[case] url: BrokerUrl, #[case] empty: bool) {
        assert_eq!(url.has_empty_vhost(), empty, "{url}");
    }

    #[rstest]
    #[case("http://localhost", UrlError::Scheme)]
    #[case("localhost:5672", UrlError::Scheme)]
    #[case("memory:shop", UrlError::Memory)]
    #[case("memory://", UrlError::Memory)]
    #[case("amqp:///vhost", UrlError::NoHost)]
    #[case("amqp://[::1/vhost", UrlError::Malformed(url::ParseError::InvalidIpv6Address))]
    #[case("amqp://sh%6Fp/vhost", UrlError::Host)]
    #[case("amqp://localhost/?heartbeat=soon", UrlError::Unsupported)]
    #[case("", UrlError::Malformed(url::ParseError::RelativeUrlWithoutBase))]
    fn a_text_that_is_not_the_url_of_a_broker_is_refused(
        #[case] text: &str,
        #[case] wanted: UrlError,
    ) {
        assert_eq!(text.parse::<BrokerUrl>(), Err(wanted));
    }

    #[test]
    fn an_error_does_not_repeat_the_password() {
        for text in ["http://shop:s3cret@mq", "amqp://shop:s3cret@:99999/", "shop:s3cret@mq"] {
            let error = text.parse::<BrokerUrl>().expect_err(text);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_ipv6_address_stays_in_its_brackets() {
        let url: BrokerUrl = "amqp://shop:s3cret@[::1]:5673/prod".parse().expect("a broker URL");
        assert_eq!(url.to_string(), "amqp://shop:***@[::1]:5673/prod");
        assert_eq!(url.expose(), "amqp://shop:s3cret@[::1]:5673/prod");
    }

    #[test]
    fn the_default_is_a_broker_of_this_machine() {
        assert!(BrokerUrl::default().is_local());
    }
}
