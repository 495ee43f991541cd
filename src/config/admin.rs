//! The admin HTTP server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::report::Report;
use super::secret::Secret;

/// Section `admin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port to listen on; port 0 takes any free one.
    pub bind: SocketAddr,
    /// The bearer token that callers must send; empty = no token is needed.
    pub token: Secret,
    /// A file with the token; empty = none.
    pub token_file: PathBuf,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            token: Secret::default(),
            token_file: PathBuf::new(),
        }
    }
}

impl Admin {
    pub(super) fn check(&self, report: &mut Report) {
        let local = self.bind.ip().is_loopback();
        let token = self.token.expose();
        report.require(
            local || !token.is_empty(),
            "admin.token",
            format!("needed because admin.bind ({}) is not a loopback address", self.bind),
        );
        report.require(
            token.bytes().all(|byte| byte.is_ascii_graphic()),
            "admin.token",
            "printable ASCII without spaces: it travels in a header",
        );
        report.doubt_unless(
            token.is_empty() || token.len() >= 16,
            "admin.token",
            "shorter than 16 characters: it can be guessed",
        );
        report.doubt_unless(
            local,
            "admin.bind",
            "not a loopback address, and the server speaks plain HTTP: put TLS in front of it",
        );
    }
}
