//! What this process knows of the members of its namespace: the admin, readiness and the metrics show it.
//!
//! The task of the journal keeps it current. In mode `single` there is one member, which owns. With partitions there is a journal of
//! each, so the process is something in each of them, and another member may own each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use orderly_journal::node::{Role, Status};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{Notify, watch};

use crate::config::{self, Mode};

/// The members of the namespace, as far as this process knows. Clones share it.
#[derive(Debug, Clone)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mode: Mode,
    node: String,
    advertise: String,
    max_lag: Duration,
    shown: watch::Sender<Shown>,
    step_down: Notify,
    defers: Arc<AtomicBool>,
    /// One for each partition, in the order of their numbers. Without partitions none.
    partitions: Vec<Cluster>,
}

#[derive(Debug, Default)]
struct Shown {
    /// What the task of the journal says.
    status: Option<watch::Receiver<Status>>,
    /// What the member does to get a store that can follow the journal.
    copying: Option<String>,
}

impl Default for Cluster {
    /// The only process of its namespace.
    fn default() -> Self {
        Self::new(&config::Cluster::default())
    }
}

impl Cluster {
    /// Nothing is known of others yet.
    pub fn new(config: &config::Cluster) -> Self {
        let partitions = config.partitions();
        let numbers = if partitions.are_several() { partitions.numbers() } else { 0..0 };
        Self::with(config, numbers.map(|_| Self::with(config, Vec::new())).collect())
    }

    fn with(config: &config::Cluster, partitions: Vec<Self>) -> Self {
        Self(Arc::new(Inner {
            mode: config.mode,
            node: config.node_name(),
            advertise: config.advertise.clone(),
            max_lag: config.max_lag.get(),
            shown: watch::Sender::default(),
            step_down: Notify::new(),
            defers: Arc::default(),
            partitions,
        }))
    }

    /// The same of one partition. Without partitions it is the same.
    pub fn of_partition(&self, number: u16) -> &Self {
        self.0.partitions.get(usize::from(number)).unwrap_or(self)
    }

    /// The same of each partition, in the order of their numbers. Without partitions one, which is the same.
    pub fn parts(&self) -> &[Self] {
        match &self.0.partitions[..] {
            [] => std::slice::from_ref(self),
            partitions => partitions,
        }
    }

    /// Shows from now on what the task of the journal says. Must be called on a runtime.
    pub fn follow(&self, mut status: watch::Receiver<Status>) {
        status.mark_unchanged();
        let cluster = self.clone();
        let shown = Shown { status: Some(status.clone()), copying: None };
        self.0.shown.send_replace(shown);
        tokio::spawn(async move {
            // the task has ended: the process ends, or joins again
            while status.changed().await.is_ok() {
                cluster.0.shown.send_modify(|_| {});
            }
        });
    }

    /// Shows what the member does to get a store that can follow the journal, until it follows again.
    pub(crate) fn show_copying(&self, what: String) {
        self.0.shown.send_modify(|shown| shown.copying = Some(what));
    }

    /// What the member does to get a store that can follow the journal, if it has none.
    pub(crate) fn copying(&self) -> Option<String> {
        self.0.shown.borrow().copying.clone()
    }

    /// Whether the namespace has one process or several.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// The name of this member.
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// The URL of this member's admin server; empty = it is not configured.
    pub fn advertise(&self) -> &str {
        &self.0.advertise
    }

    /// A standby that is further behind is not ready.
    pub fn max_lag(&self) -> Duration {
        self.0.max_lag
    }

    /// What the task of the journal says. `None`: it does not run yet, or there is no journal; or there is one of each partition.
    pub fn status(&self) -> Option<Status> {
        self.0.shown.borrow().status.as_ref().map(|status| status.borrow().clone())
    }

    /// What this member is. With partitions: `owner` when it owns one of them, else `claiming`, `joining` or `standby`, the first
    /// of these that it is in one of them.
    pub fn role(&self) -> ClusterRole {
        match self.0.mode {
            Mode::Single => ClusterRole::Owner,
            Mode::Standby if !self.0.partitions.is_empty() => {
                use ClusterRole::{Claiming, Joining, Owner, Standby};
                let roles: Vec<_> = self.parts().iter().map(Self::role).collect();
                let first = [Owner, Claiming, Joining].into_iter().find(|one| roles.contains(one));
                first.unwrap_or(Standby)
            }
            Mode::Standby => {
                let shown = self.0.shown.borrow();
                let status = shown.status.as_ref().filter(|_| shown.copying.is_none());
                status.map_or(ClusterRole::Joining, |status| status.borrow().role.into())
            }
        }
    }

    /// Whether this member owns the namespace, or a partition of it.
    pub fn owns(&self) -> bool {
        self.role() == ClusterRole::Owner
    }

    /// How far this member is behind the owner; with partitions, where it is the furthest. `None`: it owns, or has heard of no
    /// owner.
    pub fn lag(&self) -> Option<Duration> {
        let lags = self.followed().filter_map(|status| status.lag.time);
        lags.max()
    }

    /// The time of the owner's clock, in microseconds since the epoch, that what this member shows is of at least. `None`: it
    /// owns, or has heard of no owner.
    pub fn as_of(&self) -> Option<i64> {
        self.followed().filter_map(|status| status.lag.as_of).min()
    }

    /// What the tasks of the journals say that this member does not own.
    fn followed(&self) -> impl Iterator<Item = Status> {
        self.parts().iter().filter(|part| !part.owns()).filter_map(Self::status)
    }

    /// Asks the process, or its partition, to leave the ownership to another member.
    pub fn step_down(&self) {
        self.0.step_down.notify_one();
    }

    /// Returns when the process, or its partition, was asked to leave the ownership to another member.
    pub async fn step_down_asked(&self) {
        self.0.step_down.notified().await;
    }

    /// Forgets that it was asked to: what is asked from now on is of another ownership.
    pub(crate) fn forget_step_down(&self) {
        let _ = self.0.step_down.notified().now_or_never();
    }

    /// Says whether another member is to own when the owner leaves in good order.
    pub(crate) fn set_deferring(&self, defers: bool) {
        self.0.defers.store(defers, Ordering::Relaxed);
    }

    /// Whether another member is to own when the owner leaves in good order, as it is from time to time.
    pub(crate) fn defers(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.defers)
    }

    /// Returns when what is shown has changed; never, if there is no journal.
    pub(crate) async fn changed(&self) {
        let mut shown = self.0.shown.subscribe();
        let _ = shown.changed().await; // the sender is in here
    }
}

/// What a process is among the members of its namespace: `joining` looks for its place in the journal or reads what it has
/// missed, `standby` follows, `claiming` takes over, `owner` processes the commands. The only process of a namespace is `owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterRole {
    /// It looks for its place in the journal, or reads what it has missed.
    Joining,
    /// It follows.
    Standby,
    /// It takes over.
    Claiming,
    /// It owns.
    Owner,
}

impl ClusterRole {
    /// Every role.
    pub const ALL: &[Self] = &[Self::Joining, Self::Standby, Self::Claiming, Self::Owner];

    /// The role as the admin and the metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Standby => "standby",
            Self::Claiming => "claiming",
            Self::Owner => "owner",
        }
    }
}

impl From<Role> for ClusterRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Joining => Self::Joining,
            Role::Standby => Self::Standby,
            Role::Claiming => Self::Claiming,
            Role::Owner => Self::Owner,
        }
    }
}

/// The owner of a namespace, as the admin shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "NamespaceOwner")]
pub struct OwnerView {
    /// Its name.
    pub node: String,
    /// The URL of its admin server, if it has told one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl OwnerView {
    /// The owner with this name and URL; an empty URL is none.
    pub fn new(node: &str, url: &str) -> Self {
        Self { node: node.to_owned(), url: (!url.is_empty()).then(|| url.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_name() {
        for &role in ClusterRole::ALL {
            assert_eq!(serde_json::to_value(role).expect("JSON"), role.as_str());
        }
    }
}
