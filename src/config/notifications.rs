//! The channels for notifications.

use std::collections::BTreeSet;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;
use super::secret::Secret;
use super::webhook_url::WebhookUrl;

/// Section `notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notifications {
    /// Every new notification is delivered through each of these channels.
    pub channels: BTreeSet<Channel>,
    /// When a delivery is tried again.
    pub retry: Retry,
    /// The channel `webhook`.
    pub webhook: Webhook,
}

/// A channel for notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// The exchange for notifications on the broker.
    Amqp,
    /// An HTTP endpoint of the shop.
    Webhook,
}

/// Section `notifications.retry`: when a delivery is tried again, on every channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The pause after the first failure. The pause doubles with each further failure.
    pub first: Duration,
    /// The longest pause, also where a `Retry-After` asks for more.
    pub cap: Duration,
    /// No attempt begins later than this after the request for the notification.
    pub give_up_after: Duration,
}

/// Section `notifications.webhook`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// The URL that notifications are posted to; empty = none.
    pub url: WebhookUrl,
    /// The key of the signatures.
    pub secret: Secret,
    /// A file with the secret; empty = none.
    pub secret_file: PathBuf,
    /// The time for a whole attempt.
    pub timeout: Duration,
    /// The time for the connection, a part of `timeout`.
    pub connect_timeout: Duration,
    /// The largest number of attempts a second.
    pub rate: NonZeroU32,
    /// The largest number of attempts in a burst after a quiet time.
    pub burst: NonZeroU32,
    /// The largest number of attempts under way.
    pub max_in_flight: NonZeroU16,
    /// Failures in a row that open the breaker.
    pub breaker_failures: NonZeroU32,
    /// The first pause of the breaker. The pause doubles each time that the probe fails.
    pub breaker_cooldown: Duration,
    /// The longest pause of the breaker.
    pub breaker_cooldown_cap: Duration,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            channels: BTreeSet::from([Channel::Amqp]),
            retry: Retry::default(),
            webhook: Webhook::default(),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            cap: Duration::from_mins(5),
            give_up_after: Duration::from_days(3),
        }
    }
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: WebhookUrl::default(),
            secret: Secret::default(),
            secret_file: PathBuf::new(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            rate: NonZeroU32::new(50).expect("not zero"),
            burst: NonZeroU32::new(50).expect("not zero"),
            max_in_flight: NonZeroU16::new(16).expect("not zero"),
            breaker_failures: NonZeroU32::new(5).expect("not zero"),
            breaker_cooldown: Duration::from_secs(5),
            breaker_cooldown_cap: Duration::from_mins(2),
        }
    }
}

impl Notifications {
    pub(super) fn check(&self, report: &mut Report) {
        self.retry.check(report);
        let used = self.channels.contains(&Channel::Webhook);
        self.webhook.check(used, report);
    }
}

impl Retry {
    fn check(&self, report: &mut Report) {
        report.require(
            !self.first.is_zero(),
            "notifications.retry.first",
            "must be longer than 0s",
        );
        report.require(
            self.cap >= self.first,
            "notifications.retry.cap",
            format!("must not be below notifications.retry.first ({})", self.first),
        );
        report.require(
            self.give_up_after >= self.first,
            "notifications.retry.give_up_after",
            format!("must not be below notifications.retry.first ({})", self.first),
        );
        report.plausible(
            "notifications.retry.cap",
            self.cap,
            (Duration::from_millis(100), Duration::from_hours(6)),
            "a channel that works again gets the pending notifications up to this time later",
        );
        report.plausible(
            "notifications.retry.give_up_after",
            self.give_up_after,
            (Duration::from_mins(1), Duration::from_days(30)),
            "a notification that was not delivered by then is given up",
        );
    }
}

impl Webhook {
    fn check(&self, used: bool, report: &mut Report) {
        const URL: &str = "notifications.webhook.url";
        const SECRET: &str = "notifications.webhook.secret";
        report.require(
            !used || !self.url.is_empty(),
            URL,
            "needed because notifications.channels has \"webhook\"",
        );
        report.require(
            !used || !self.secret.is_empty(),
            SECRET,
            "needed because notifications.channels has \"webhook\": requests are signed with it",
        );
        report.require(
            !self.timeout.is_zero(),
            "notifications.webhook.timeout",
            "must be longer than 0s",
        );
        report.require(
            !self.connect_timeout.is_zero() && self.connect_timeout <= self.timeout,
            "notifications.webhook.connect_timeout",
            format!(
                "must be longer than 0s and not above notifications.webhook.timeout ({})",
                self.timeout
            ),
        );
        report.require(
            !self.breaker_cooldown.is_zero(),
            "notifications.webhook.breaker_cooldown",
            "must be longer than 0s",
        );
        report.require(
            self.breaker_cooldown_cap >= self.breaker_cooldown,
            "notifications.webhook.breaker_cooldown_cap",
            format!(
                "must not be below notifications.webhook.breaker_cooldown ({})",
                self.breaker_cooldown
            ),
        );
        report.require(
            self.max_in_flight.get() <= 1024,
            "notifications.webhook.max_in_flight",
            "must be at most 1024: each attempt has a connection",
        );
        report.doubt_unless(
            used || self.url.is_empty(),
            URL,
            "has no effect unless notifications.channels has \"webhook\"",
        );
        report.doubt_unless(
            self.url.is_empty() || self.url.is_encrypted() || self.url.is_local(),
            URL,
            "the endpoint is on another machine and `http` is not encrypted: use `https`",
        );
        report.doubt_unless(
            self.secret.is_empty() || self.secret.expose().len() >= 16,
            SECRET,
            "shorter than 16 characters: it can be guessed",
        );
        report.plausible(
            "notifications.webhook.timeout",
            self.timeout,
            (Duration::from_millis(100), Duration::from_mins(2)),
            "an attempt at an endpoint that does not answer takes this time",
        );
        report.plausible(
            "notifications.webhook.breaker_cooldown_cap",
            self.breaker_cooldown_cap,
            (Duration::from_secs(1), Duration::from_hours(1)),
            "an endpoint that works again is tried up to this time later",
        );
    }
}
