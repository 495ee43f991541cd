//! The configuration: one struct for each section, read and validated once at the start.
//!
//! | module | has |
//! |---|---|
//! | `broker`, `store`, `admin`, … | one section each: its keys, its defaults, its rules |
//! | `duration`, `size`, `topic`, `broker_url`, `webhook_url`, `secret` | types of values |
//! | `parsed_text` | reads a value that is written as a text |
//! | `variable` | which key an environment variable sets |
//! | `layer`, `load` | from the file and the environment to a valid [`Config`] |
//! | `wrong_value` | what is said of a value of the wrong type |
//! | `partition` | the configuration of one partition of several |
//! | `error`, `report` | problems; what the rules of a section report |
//!
//! The environment overrides the TOML file, and the file overrides the defaults (the `Default` of each struct). Durations and
//! sizes have units. An unknown key is an error. Every error names the key and its origin, and no error repeats a secret.
//! `config/orderly.toml` explains every key.

mod actors;
mod admin;
mod broker;
mod broker_url;
mod carts;
mod cluster;
mod duration;
mod error;
mod events;
mod intake;
mod layer;
mod load;
mod log;
mod notifications;
mod orders;
mod parked;
mod parsed_text;
mod partition;
mod report;
mod secret;
mod shutdown;
mod size;
mod store;
mod telemetry;
mod topic;
mod variable;
mod webhook_url;
mod wrong_value;

use serde::{Deserialize, Serialize};

pub use self::actors::Actors;
pub use self::admin::Admin;
pub use self::broker::{Broker, Topology};
pub use self::broker_url::{BrokerUrl, Scheme, UrlError};
pub use self::carts::Carts;
pub use self::cluster::{Cluster, Mode};
pub use self::duration::{Duration, DurationError};
pub use self::error::{Error, Problem};
pub use self::events::Events;
pub use self::intake::Intake;
pub use self::log::{Log, LogFormat};
pub use self::notifications::{Channel, Notifications, Retry, Webhook};
pub use self::orders::{ConfirmOn, LatePayment, Orders};
pub use self::parked::Parked;
pub use self::partition::store_of_partition;
pub use self::report::Warning;
pub use self::secret::{MASK, Secret};
pub use self::shutdown::Shutdown;
pub use self::size::{ByteSize, SizeError};
pub use self::store::{Create, Store};
pub use self::telemetry::{Ratio, Telemetry};
pub use self::topic::{PatternError, TopicPattern};
pub use self::webhook_url::{WebhookUrl, WebhookUrlError};

use self::report::Report;

/// All settings of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The connection to RabbitMQ and what is declared there.
    pub broker: Broker,
    /// Several processes of one namespace.
    pub cluster: Cluster,
    /// The store on disk.
    pub store: Store,
    /// The admin HTTP server.
    pub admin: Admin,
    /// Holds, late payments, early callbacks.
    pub orders: Orders,
    /// Carts.
    pub carts: Carts,
    /// The caches of the actors.
    pub actors: Actors,
    /// Limits of a message, and when a standstill is reported.
    pub intake: Intake,
    /// Parked commands.
    pub parked: Parked,
    /// The events that are published.
    pub events: Events,
    /// The channels for notifications.
    pub notifications: Notifications,
    /// Stopping.
    pub shutdown: Shutdown,
    /// Logging.
    pub log: Log,
    /// Traces for OpenTelemetry.
    pub telemetry: Telemetry,
}

impl Config {
    /// Warnings about values that are valid but probably a mistake.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut report = Report::default();
        self.check(&mut report);
        report.warnings
    }

    /// The configuration as TOML, with units and masked secrets.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    fn check(&self, report: &mut Report) {
        self.broker.check(report);
        self.cluster.check(report);
        self.cluster.check_broker(&self.broker, report);
        self.store.check(report);
        self.admin.check(report);
        self.orders.check(report);
        self.carts.check(report);
        self.intake.check(report);
        self.parked.check(report);
        self.events.check(report);
        self.notifications.check(report);
        self.shutdown.check(report);
        self.telemetry.check(report);
        let known_for = self.store.idempotency_retention;
        report.doubt_unless(
            // A retention below a day gets a warning of its own.
            self.orders.waiting_callback_retention <= known_for
                || known_for < Duration::from_days(1),
            "orders.waiting_callback_retention",
            format!(
                "longer than store.idempotency_retention ({known_for}): a callback that its provider \
                 sends again after that time waits twice"
            ),
        );
    }
}
