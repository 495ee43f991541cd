//! How customers are told.

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
    /// Every new notification leaves through each of these; none = nobody is told.
    pub channels: BTreeSet<Channel>,
    /// When to try again.
    pub retry: Retry,
    /// The channel `webhook`.
    pub webhook: Webhook,
}

/// A way out for notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// The exchange for notifications on the broker, for whoever sends the e-mail.
    Amqp,
    /// An HTTP endpoint of the shop's.
    Webhook,
}

/// Section `notifications.retry`: when to try again, on every channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The pause after a first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest pause, and the most that a `Retry-After` is heeded.
    pub cap: Duration,
    /// No attempt begins later than this after the notification was requested.
    pub give_up_after: Duration,
}

/// Section `notifications.webhook`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Where notifications are posted; empty = nowhere.
    pub url: WebhookUrl,
    /// What they are signed with.
    pub secret: Secret,
    /// A file that holds the secret instead; empty = none.
    pub secret_file: PathBuf,
    /// How long an attempt may take in all.
    pub timeout: Duration,
    /// How long connecting may take of that.
    pub connect_timeout: Duration,
    /// Attempts a second at most.
    pub rate: NonZeroU32,
    /// Attempts at once after a quiet time.
    pub burst: NonZeroU32,
    /// Attempts under way at most.
    pub max_in_flight: NonZeroU16,
    /// Failures in a row after which the endpoint is left alone.
    pub breaker_failures: NonZeroU32,
    /// For how long; it doubles while it stays down.
    pub breaker_cooldown: Duration,
    /// For how long at most.
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
            "must be longer than nothing",
        );
        report.require(
            self.cap >= self.first,
            "notifications.retry.cap",
            format!("not below notifications.retry.first ({})", self.first),
        );
        report.require(
            self.give_up_after >= self.first,
            "notifications.retry.give_up_after",
            format!("not below notifications.retry.first ({})", self.first),
        );
        report.plausible(
            "notifications.retry.cap",
            self.cap,
            (Duration::from_millis(100), Duration::from_hours(6)),
            "a channel that works again gets what it missed after this time",
        );
        report.plausible(
            "notifications.retry.give_up_after",
            self.give_up_after,
            (Duration::from_mins(1), Duration::from_days(30)),
            "a customer who was not told by then is not told",
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
            "needed because notifications.channels has \"webhook\": receivers know us by it",
        );
        report.require(
            !self.timeout.is_zero(),
            "notifications.webhook.timeout",
            "must be longer than nothing",
        );
        report.require(
            !self.connect_timeout.is_zero() && self.connect_timeout <= self.timeout,
            "notifications.webhook.connect_timeout",
            format!(
                "longer than nothing, not above notifications.webhook.timeout ({})",
                self.timeout
            ),
        );
        report.require(
            !self.breaker_cooldown.is_zero(),
            "notifications.webhook.breaker_cooldown",
            "must be longer than nothing",
        );
        report.require(
            self.breaker_cooldown_cap >= self.breaker_cooldown,
            "notifications.webhook.breaker_cooldown_cap",
            format!("not below notifications.webhook.breaker_cooldown ({})", self.breaker_cooldown),
        );
        report.require(
            self.max_in_flight.get() <= 1024,
            "notifications.webhook.max_in_flight",
            "at most 1024: each is a connection",
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
            "an endpoint that hangs keeps a place for this time",
        );
        report.plausible(
            "notifications.webhook.breaker_cooldown_cap",
            self.breaker_cooldown_cap,
            (Duration::from_secs(1), Duration::from_hours(1)),
            "an endpoint that works again is found out after this time",
        );
    }
}
