//! Several processes of one namespace: one owns it, the others stand by.

use std::num::{NonZeroU16, NonZeroU32};

use orderly_domain::partition::Partitions;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;
use super::size::ByteSize;

/// Section `cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// Whether the namespace has one process or several.
    pub mode: Mode,
    /// How many partitions the namespace has. It is fixed when the namespace is made.
    pub partitions: NonZeroU16,
    /// The name of this member in the journal and in the admin; empty = the name of the host.
    pub node: String,
    /// The URL of this member's admin server, which a standby names to who must ask the owner, and where other members copy its
    /// store; empty = none.
    pub advertise: String,
    /// The silence of the owner after which a standby takes over.
    pub takeover_after: Duration,
    /// Whether an acknowledgement also means that the owner's disk has the command.
    pub sync: bool,
    /// The most bytes of a record of the journal. A longer unit has a record of its own.
    pub record_max: ByteSize,
    /// The most records that the owner has under way.
    pub in_flight: NonZeroU32,
    /// How many bytes of records the stream keeps, where this process declares it.
    pub retention: ByteSize,
    /// A standby that is further behind is not ready.
    pub max_lag: Duration,
    /// The partition that this is the configuration of; `None`: of the whole process.
    #[serde(skip)]
    pub partition: Option<u16>,
}

/// Whether a namespace has one process or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One process, whose disk has everything.
    Single,
    /// Several processes with a journal in a stream of the broker: one owns, the others follow.
    Standby,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            mode: Mode::Single,
            partitions: NonZeroU16::MIN,
            node: String::new(),
            advertise: String::new(),
            takeover_after: Duration::from_secs(5),
            sync: true,
            record_max: ByteSize::from_kib(128),
            in_flight: NonZeroU32::new(4).expect("not zero"),
            retention: ByteSize::from_mib(16 << 10),
            max_lag: Duration::from_secs(10),
            partition: None,
        }
    }
}

impl Cluster {
    /// The longest name of a member, in bytes.
    const MAX_NODE_BYTES: usize = 255;

    /// The most partitions of a namespace.
    const MAX_PARTITIONS: u16 = 256;

    /// How many partitions the namespace has.
    pub fn partitions(&self) -> Partitions {
        Partitions(self.partitions)
    }

    /// Whether the namespace has several processes.
    pub fn is_standby(&self) -> bool {
        self.mode == Mode::Standby
    }

    /// The name of this member: as configured, or that of the host.
    pub fn node_name(&self) -> String {
        if !self.node.is_empty() {
            return self.node.clone();
        }
        let uname = rustix::system::uname();
        uname.nodename().to_string_lossy().into_owned()
    }

    pub(super) fn check(&self, report: &mut Report) {
        report.require(
            self.node.len() <= Self::MAX_NODE_BYTES && !self.node.contains(char::is_control),
            "cluster.node",
            "must be at most 255 bytes, without control characters",
        );
        report.require(
            self.advertise.is_empty() || is_http_url(&self.advertise),
            "cluster.advertise",
            "must be a URL that begins with http:// or https://, without user, query and fragment",
        );
        report.require(
            self.takeover_after >= Duration::from_millis(500),
            "cluster.takeover_after",
            "must be at least 500ms: an owner that has nothing to do says so every 250ms",
        );
        report.require(
            self.partitions.get() <= Self::MAX_PARTITIONS,
            "cluster.partitions",
            "must be 1 to 256: each takes threads, a store and two connections to the broker",
        );
        report.require(
            (ByteSize::from_kib(4)..=ByteSize::from_mib(8)).contains(&self.record_max),
            "cluster.record_max",
            "must be 4KiB to 8MiB: brokers refuse larger messages, and a unit may add up to 2MiB",
        );
        report.require(
            self.in_flight.get() <= 256,
            "cluster.in_flight",
            "must be at most 256: what is under way is kept in memory",
        );
        report.require(
            self.retention >= ByteSize::from_mib(64),
            "cluster.retention",
            "must be at least 64MiB: the broker deletes whole segments of the stream",
        );
        report.require(!self.max_lag.is_zero(), "cluster.max_lag", "must be longer than 0s");
        report.plausible(
            "cluster.takeover_after",
            self.takeover_after,
            (Duration::from_secs(1), Duration::from_mins(1)),
            "a standby takes over after this silence of the owner",
        );
        report.plausible(
            "cluster.max_lag",
            self.max_lag,
            (Duration::from_secs(1), Duration::from_mins(10)),
            "a standby that is further behind is not ready",
        );
        report.doubt_unless(
            self.retention >= ByteSize::from_mib(1 << 10),
            "cluster.retention",
            "below 1GiB: a standby that was away for a while finds that the journal has passed it, and must copy a store",
        );
    }

    /// Reports what does not go together with the section `broker`.
    pub(super) fn check_broker(&self, broker: &super::Broker, report: &mut Report) {
        report.require(
            self.partitions == NonZeroU16::MIN
                || !broker.addresses().iter().any(super::BrokerUrl::is_memory),
            "cluster.partitions",
            "must be 1 with the broker inside the process: several partitions need RabbitMQ",
        );
        if !self.is_standby() {
            return;
        }
        report.require(
            !broker.addresses().iter().any(super::BrokerUrl::is_memory),
            "cluster.mode",
            "`standby` needs RabbitMQ: the broker inside the process has no other members",
        );
        report.doubt_unless(
            !self.advertise.is_empty(),
            "cluster.advertise",
            "`cluster.mode` is `standby` and it is empty: a member that is new, or was away for long, cannot copy the store of this \
             one",
        );
        report.doubt_unless(
            broker.addresses().len() > 1,
            "broker.urls",
            "`cluster.mode` is `standby` and one node of the broker is named: when that node is down, this member is cut off. \
             Name all nodes",
        );
    }
}

/// Whether a text is the URL of a server for HTTP.
fn is_http_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

#[cfg(test)]
mod tests;
