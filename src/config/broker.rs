//! The connection to RabbitMQ and what is declared there.

use std::io;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use super::broker_url::{BrokerUrl, Scheme};
use super::duration::Duration;
use super::report::Report;

/// Section `broker`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// The URL of the broker. The password in it is masked wherever the URL is printed.
    pub url: BrokerUrl,
    /// The URLs of the nodes of a cluster of brokers, in place of `url`. They are tried in turn.
    pub urls: Vec<BrokerUrl>,
    /// A file with the URL, or with those of several nodes, one a line; empty = none.
    pub url_file: PathBuf,
    /// Prefix of every exchange and queue.
    pub namespace: String,
    /// Messages that the broker delivers ahead of their acknowledgement.
    pub prefetch: NonZeroU16,
    /// Pauses before the second, third, … attempt of a command. Each has a wait queue.
    pub retry_delays: Vec<Duration>,
    /// Deliveries of one message after which the broker dead-letters it.
    pub delivery_limit: NonZeroU32,
    /// Certificates (PEM) to trust beside those of the system, for `amqps`; empty = none.
    pub ca_file: PathBuf,
    /// Whether missing exchanges and queues are declared or reported.
    pub topology: Topology,
    /// How long to wait at the start for another processor of the namespace to end.
    pub owner_wait: Duration,
}

/// What happens to exchanges and queues that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// Missing ones are declared, and existing ones are used as they are.
    Declare,
    /// Nothing is declared: `/readyz` names what is missing. For brokers with restricted rights.
    Verify,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            url: BrokerUrl::default(),
            urls: Vec::new(),
            url_file: PathBuf::new(),
            namespace: "orderly".to_owned(),
            prefetch: NonZeroU16::new(2000).expect("not zero"),
            retry_delays: vec![
                Duration::from_secs(1),
                Duration::from_secs(30),
                Duration::from_mins(5),
            ],
            delivery_limit: NonZeroU32::new(1000).expect("not zero"),
            ca_file: PathBuf::new(),
            topology: Topology::Declare,
            owner_wait: Duration::from_secs(30),
        }
    }
}

impl Broker {
    /// A name in AMQP has at most 255 bytes; the rest is for what follows the namespace.
    const MAX_NAMESPACE_BYTES: usize = 64;

    /// The longest time to live of a message in RabbitMQ: a 32-bit number of milliseconds.
    const MAX_RETRY_DELAY: Duration = Duration::from_millis(u32::MAX as u64);

    /// Where the broker is: one URL, or one for each node, to be tried in turn.
    pub fn addresses(&self) -> &[BrokerUrl] {
        if self.urls.is_empty() { std::slice::from_ref(&self.url) } else { &self.urls }
    }

    /// Whether this is the broker inside the process.
    pub fn is_memory(&self) -> bool {
        self.addresses().iter().any(BrokerUrl::is_memory)
    }

    /// The file of trusted certificates, where one is named.
    pub fn ca_file(&self) -> Option<&Path> {
        (!self.ca_file.as_os_str().is_empty()).then_some(&*self.ca_file)
    }

    pub(super) fn check(&self, report: &mut Report) {
        report.require(
            is_namespace(&self.namespace),
            "broker.namespace",
            "must be 1 to 64 letters, digits, `_`, `-` and `.`, and not begin with `amq.` or a dot",
        );
        self.check_retry_delays(report);
        if let Some(problem) = self.ca_file().and_then(|file| authorities(file).err()) {
            report.require(
                false,
                "broker.ca_file",
                format!("{}: {problem}", self.ca_file.display()),
            );
        }
        self.check_addresses(report);
        report.doubt_unless(
            (50..=10_000).contains(&self.prefetch.get()),
            "broker.prefetch",
            "outside 50 to 10000: with fewer messages group commits are small, more only cost memory",
        );
        report.doubt_unless(
            self.delivery_limit.get() >= 100,
            "broker.delivery_limit",
            "below 100: a crash counts against every message that was handed out ahead",
        );
    }

    fn check_addresses(&self, report: &mut Report) {
        let addresses = self.addresses();
        let key = if self.urls.is_empty() { "broker.url" } else { "broker.urls" };
        report.require(
            self.urls.is_empty() || self.url == BrokerUrl::default(),
            "broker.urls",
            "broker.url is set as well: keep one of them",
        );
        report.require(
            addresses.len() == 1 || !self.is_memory(),
            key,
            "the broker inside the process has no other nodes",
        );
        report.doubt_unless(
            !addresses.iter().any(BrokerUrl::has_empty_vhost),
            key,
            "the virtual host is empty, since the path is `/`: RabbitMQ's default virtual host is written `/%2f`, or without \
             any path",
        );
        report.doubt_unless(
            addresses.iter().all(|url| url.scheme() != Scheme::Amqp || url.is_local()),
            key,
            "the broker is on another machine and `amqp` is not encrypted: use `amqps`",
        );
        let has_tls = addresses.iter().any(|url| url.scheme() == Scheme::Amqps);
        report.doubt_unless(
            self.ca_file().is_none() || has_tls,
            "broker.ca_file",
            "has no effect without `amqps`",
        );
        let vhosts =
            addresses.iter().map(BrokerUrl::vhost).collect::<std::collections::BTreeSet<_>>();
        report.require(
            vhosts.len() == 1,
            "broker.urls",
            "the URLs name different virtual hosts: all must lead to the same queues",
        );
    }

    fn check_retry_delays(&self, report: &mut Report) {
        const KEY: &str = "broker.retry_delays";
        let delays = &self.retry_delays;
        report.require(!delays.is_empty(), KEY, "at least one delay is needed");
        report.require(
            delays.is_sorted_by(|a, b| a < b),
            KEY,
            "each delay must be longer than the one before",
        );
        let whole_millis = |delay: &Duration| delay.get().subsec_nanos().is_multiple_of(1_000_000);
        let in_range = |delay: &Duration| !delay.is_zero() && *delay <= Self::MAX_RETRY_DELAY;
        report.require(
            delays.iter().all(|delay| whole_millis(delay) && in_range(delay)),
            KEY,
            "each delay must be 1ms to 49d, in whole milliseconds",
        );
        let day = Duration::from_days(1);
        report.doubt_unless(
            delays.iter().all(|delay| *delay <= day),
            KEY,
            "a delay over a day: a command is out of date when it is tried again",
        );
    }
}

/// Reads the certificates of a file as TLS will. A file without one would be ignored in silence.
fn authorities(file: &Path) -> Result<RootCertStore, CaFileError> {
    let text = std::fs::read(file).map_err(CaFileError::Unreadable)?;
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| CaFileError::Malformed)?;
        trusted.add(certificate).map_err(|_| CaFileError::Unusable(trusted.len() + 1))?;
    }
    if trusted.is_empty() { Err(CaFileError::Empty) } else { Ok(trusted) }
}

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
enum CaFileError {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("is no text of certificates (PEM)")]
    Malformed,
    #[error("certificate {0} in the file cannot be used to trust others")]
    Unusable(usize),
    #[error(
        "has no certificate: it must have at least one, as text (PEM, `-----BEGIN CERTIFICATE-----`)"
    )]
    Empty,
}

/// Letters that RabbitMQ accepts in a name and that need no quotes in a shell. Names with `amq.` are reserved by the broker.
fn is_namespace(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=Broker::MAX_NAMESPACE_BYTES).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with("amq.")
        && !text.starts_with('.')
}

#[cfg(test)]
mod tests;
