//! The configuration: one struct a component, read once, valid from then on.
//!
//! Layers: the defaults (the `Default` of each struct), the TOML file, the environment. Durations
//! and sizes carry their units; an unknown key is an error; every error names its key and where
//! it was set. Secrets show only where they are used. `config/orderly.toml` explains every key.

mod actors;
mod admin;
mod broker;
mod broker_url;
mod carts;
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
mod report;
mod secret;
mod shutdown;
mod size;
mod store;
mod topic;
mod webhook_url;

use serde::{Deserialize, Serialize};

pub use self::actors::Actors;
pub use self::admin::Admin;
pub use self::broker::{Broker, Topology};
pub use self::broker_url::{BrokerUrl, Scheme, UrlError};
pub use self::carts::Carts;
pub use self::duration::{Duration, DurationError};
pub use self::error::{Error, Problem};
pub use self::events::Events;
pub use self::intake::Intake;
pub use self::log::{Log, LogFormat};
pub use self::notifications::{Channel, Notifications, Retry, Webhook};
pub use self::orders::{LatePayment, Orders};
pub use self::parked::Parked;
pub use self::report::Warning;
pub use self::secret::{MASK, Secret};
pub use self::shutdown::Shutdown;
pub use self::size::{ByteSize, SizeError};
pub use self::store::Store;
pub use self::topic::{PatternError, TopicPattern};
pub use self::webhook_url::{WebhookUrl, WebhookUrlError};

use self::report::Report;

/// All settings of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The connection to RabbitMQ and what is declared there.
    pub broker: Broker,
    /// The store on disk.
    pub store: Store,
    /// The admin HTTP server.
    pub admin: Admin,
    /// Holds, late payments, early callbacks.
    pub orders: Orders,
    /// Carts.
    pub carts: Carts,
    /// What the actors keep in memory.
    pub actors: Actors,
    /// Limits of a message.
    pub intake: Intake,
    /// Commands that were set aside.
    pub parked: Parked,
    /// Which events are published.
    pub events: Events,
    /// How customers are told.
    pub notifications: Notifications,
    /// Stopping.
    pub shutdown: Shutdown,
    /// Logging.
    pub log: Log,
}

impl Config {
    /// Values that are legal and yet probably not meant.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut report = Report::default();
        self.check(&mut report);
        report.warnings
    }

    /// The configuration as TOML, with units, without secrets.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    fn check(&self, report: &mut Report) {
        self.broker.check(report);
        self.store.check(report);
        self.admin.check(report);
        self.orders.check(report);
        self.carts.check(report);
        self.intake.check(report);
        self.parked.check(report);
        self.events.check(report);
        self.notifications.check(report);
        self.shutdown.check(report);
        let known_for = self.store.idempotency_retention;
        report.doubt_unless(
            // less than a day is doubted by itself
            self.orders.waiting_callback_retention <= known_for
                || known_for < Duration::from_days(1),
            "orders.waiting_callback_retention",
            format!(
                "longer than store.idempotency_retention ({known_for}): a callback that its provider \
                 repeats meanwhile waits twice"
            ),
        );
    }
}
