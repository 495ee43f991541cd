//! The connection to RabbitMQ and what is declared there.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::broker_url::{BrokerUrl, Scheme};
use super::duration::Duration;
use super::report::Report;

/// Section `broker`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Where the broker is; its password is masked wherever the URL is printed.
    pub url: BrokerUrl,
    /// A file that holds the URL instead; empty = none.
    pub url_file: PathBuf,
    /// Prefix of every exchange and queue.
    pub namespace: String,
    /// Messages that the broker delivers ahead of their acknowledgement.
    pub prefetch: NonZeroU16,
    /// Pauses before the second, third, … attempt at a command; each has a wait queue.
    pub retry_delays: Vec<Duration>,
    /// Deliveries of one message before the broker dead-letters it by itself.
    pub delivery_limit: NonZeroU32,
    /// Certificates (PEM) to trust beside the system's, for `amqps`; empty = none.
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
    /// They are declared; existing ones are used as they are.
    Declare,
    /// They are named by `/readyz` and waited for; for brokers with restricted rights.
    Verify,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            url: BrokerUrl::default(),
            url_file: PathBuf::new(),
            namespace: "orderly".to_owned(),
            prefetch: NonZeroU16::new(1000).expect("not zero"),
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
    /// Names have at most 255 bytes; this leaves room for what follows the namespace.
    const MAX_NAMESPACE_BYTES: usize = 64;

    /// The longest time to live of a message in RabbitMQ: a 32-bit count of milliseconds.
    const MAX_RETRY_DELAY: Duration = Duration::from_millis(u32::MAX as u64);

    /// The file of trusted certificates, where one is named.
    pub fn ca_file(&self) -> Option<&Path> {
        (!self.ca_file.as_os_str().is_empty()).then_some(&*self.ca_file)
    }

    pub(super) fn check(&self, report: &mut Report) {
        report.require(
            is_namespace(&self.namespace),
            "broker.namespace",
            "1 to 64 of letters, digits, `_`, `-` and `.`, not beginning with `amq.` or a dot",
        );
        self.check_retry_delays(report);
        report.require(
            self.ca_file().is_none_or(Path::is_file),
            "broker.ca_file",
            format!("there is no file {}", self.ca_file.display()),
        );
        report.doubt_unless(
            self.url.scheme() != Scheme::Amqp || self.url.is_local(),
            "broker.url",
            "the broker is on another machine and `amqp` is not encrypted: use `amqps`",
        );
        report.doubt_unless(
            self.ca_file().is_none() || self.url.scheme() == Scheme::Amqps,
            "broker.ca_file",
            "has no effect without `amqps`",
        );
        report.doubt_unless(
            (50..=10_000).contains(&self.prefetch.get()),
            "broker.prefetch",
            "outside 50 to 10000: fewer starve the group commit, more only cost memory",
        );
        report.doubt_unless(
            self.delivery_limit.get() >= 100,
            "broker.delivery_limit",
            "below 100: a crash counts against every message that was handed out ahead",
        );
    }

    fn check_retry_delays(&self, report: &mut Report) {
        const KEY: &str = "broker.retry_delays";
        let delays = &self.retry_delays;
        report.require(!delays.is_empty(), KEY, "at least one delay is needed");
        report.require(
            delays.is_sorted_by(|a, b| a < b),
            KEY,
            "each delay is longer than the last",
        );
        let whole_millis = |delay: &Duration| delay.get().subsec_nanos().is_multiple_of(1_000_000);
        let in_range = |delay: &Duration| !delay.is_zero() && *delay <= Self::MAX_RETRY_DELAY;
        report.require(
            delays.iter().all(|delay| whole_millis(delay) && in_range(delay)),
            KEY,
            "a delay is 1ms to 49d, in whole milliseconds",
        );
        let day = Duration::from_days(1);
        report.doubt_unless(
            delays.iter().all(|delay| *delay <= day),
            KEY,
            "a delay over a day: the command is outdated when it comes back",
        );
    }
}

/// What RabbitMQ takes in a name and a shell leaves alone; `amq.` is the broker's own.
fn is_namespace(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=Broker::MAX_NAMESPACE_BYTES).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with("amq.")
        && !text.starts_with('.')
}
