//! The admin HTTP server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::report::Report;
use super::secret::Secret;

/// Section `admin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port to listen on; port 0 takes any free one.
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    /// The bearer token that callers must send; empty = no token is needed.
    pub token: Secret,
    /// A file with the token; empty = none.
    pub token_file: PathBuf,
    /// A second bearer token, with which callers may read and nothing else; empty = there is none.
    pub read_token: Secret,
    /// A file with the second token; empty = none.
    pub read_token_file: PathBuf,
}

/// An IP address with a port.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = SocketAddr;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(
                "an IP address with a port in quotes, such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
            )
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
            text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_str(Visitor)
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            token: Secret::default(),
            token_file: PathBuf::new(),
            read_token: Secret::default(),
            read_token_file: PathBuf::new(),
        }
    }
}

impl Admin {
    pub(super) fn check(&self, report: &mut Report) {
        let local = self.bind.ip().is_loopback();
        let (token, read_token) = (self.token.expose(), self.read_token.expose());
        report.require(
            local || !token.is_empty(),
            "admin.token",
            format!("needed because admin.bind ({}) is not a loopback address", self.bind),
        );
        for (key, token) in [("admin.token", token), ("admin.read_token", read_token)] {
            report.require(
                token.bytes().all(|byte| byte.is_ascii_graphic()),
                key,
                "printable ASCII without spaces: it travels in a header",
            );
            report.doubt_unless(
                token.is_empty() || token.len() >= 16,
                key,
                "shorter than 16 characters: it can be guessed",
            );
        }
        report.require(
            read_token.is_empty() || !token.is_empty(),
            "admin.read_token",
            "has no effect without admin.token: callers without a token may do everything",
        );
        report.require(
            read_token.is_empty() || read_token != token,
            "admin.read_token",
            "must not be the same as admin.token",
        );
        report.doubt_unless(
            local,
            "admin.bind",
            "not a loopback address, and the server speaks plain HTTP: put TLS in front of it",
        );
    }
}
