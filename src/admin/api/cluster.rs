//! `GET /api/cluster` and `POST /api/cluster/step-down`: the members of the namespace, and who owns it.

use super::Backend;
use crate::admin::operation::{Json, View};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::admin::query::{Query, parameters};
use crate::admin::values::PartitionNumber;
use crate::cluster::{Cluster, ClusterRole, OwnerView};
use crate::config::Mode;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use orderly_domain::id::Operator;
use orderly_domain::time::Timestamp;
use orderly_journal::node::Status;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The members of the namespace, as this process knows them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cluster")]
pub(super) struct ClusterView {
    /// `single`: the namespace has one process. `standby`: it has several.
    mode: ModeName,
    /// The name of this member.
    node: String,
    /// What this member is. With partitions: `owner` when it owns one of them, else `claiming`, `joining` or `standby`, the first
    /// of these that it is in one of them.
    role: ClusterRole,
    /// The number of the epoch in force: it grows with each take-over. Absent without a journal, and with partitions, which have
    /// one each.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    /// The owner, if it is known and has not left. Absent where each partition has an owner of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerView>,
    /// Whether a person has paused the owner's intake. No member takes its commands as long as it owns. Absent without a journal, and
    /// with partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    intake_paused: Option<bool>,
    /// The sequence of the unit that this member's store needs next. Absent without a journal, and with partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// How far this member is behind the owner; with partitions, where it is the furthest. Absent without a journal, and while
    /// nothing of an owner was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<LagView>,
    /// Bytes of units that this member, as the owner, has appended and not read back.
    in_flight_bytes: u64,
    /// Every member that was heard of in the last minutes, this one included. With partitions, each that has a name once.
    members: Vec<MemberView>,
    /// The same of each partition, in the order of their numbers. Absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<Vec<PartitionView>>,
}

/// The members of a partition, as this process knows them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClusterPartition")]
struct PartitionView {
    /// Its number.
    partition: u16,
    /// What this member is there.
    role: ClusterRole,
    /// The number of the epoch in force. Absent without a journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    /// The owner, if it is known and has not left.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerView>,
    /// Whether a person has paused the owner's intake. No member takes its commands as long as it owns. Absent without a journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    intake_paused: Option<bool>,
    /// The sequence of the unit that this member's store needs next. Absent without a journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// How far this member is behind the owner. Absent without a journal, and while nothing of an owner was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<LagView>,
    /// Bytes of units that this member, as the owner, has appended and not read back.
    in_flight_bytes: u64,
    /// Every member that was heard of in the last minutes, this one included.
    members: Vec<MemberView>,
}

/// Whether the namespace has one process (`single`) or several (`standby`).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ClusterMode")]
enum ModeName {
    Single,
    Standby,
}

/// How far a member is behind.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct LagView {
    /// What this member shows is as of this time of the owner's clock.
    as_of: Timestamp,
    /// The time since then, by this member's clock, in milliseconds.
    millis: u64,
}

/// A member.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
struct MemberView {
    /// Its name, if it was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// The URL of its admin server, if it has told one.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Names this run of its process. With partitions: its run in one of them.
    run: String,
    /// The partitions that it owns. Absent but where members are shown that have partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    owns: Option<Vec<u16>>,
    /// The sequence that its store needed next, when it said so last.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The time since it was heard of last, in milliseconds.
    heard_millis: u64,
}

impl View for ClusterView {
    type Kind = Self;
}

/// The member steps down.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StepDown")]
pub(super) struct StepDownView {
    /// Always true: the process finishes what it has in hand, says in the journal that it leaves, and ends with exit code 76. Where
    /// a partition was named, it says so in the journal of that one, and goes on: it follows the partition.
    stepping_down: bool,
}

parameters! {
    /// What a member leaves.
    pub(super) struct Leaving {
        /// The number of the partition that it leaves to another member. Absent: all that it owns, and the process ends. It means
        /// nothing where there are no partitions.
        partition: Option<PartitionNumber>,
    }
}

impl View for StepDownView {
    type Kind = Self;
}

pub(super) async fn show(backend: Data<Backend>) -> Result<Json<ClusterView>, Problem> {
    Ok(Json::new(&view(&backend))?)
}

pub(super) async fn step_down(
    backend: Data<Backend>,
    leaving: Query<Leaving>,
    NamedOperator(operator): NamedOperator,
) -> Result<Json<StepDownView>, Problem> {
    let all = backend.cluster_of_all();
    let one = leaving.0.partition.map(|number| backend.chosen(Some(number))).transpose()?;
    if all.mode() == Mode::Single {
        return Err(Problem::new(StatusCode::CONFLICT).detail(
            "the namespace has one process (`cluster.mode` is `single`): nobody would take over",
        ));
    }
    // a standby names the owner
    let cluster = match one.as_ref().filter(|one| one.partition().is_some()) {
        Some(one) => {
            one.core()?;
            // the core of a partition that was left ends a moment later
            if !one.cluster().owns() {
                return Err(one.not_processing());
            }
            one.cluster()
        }
        None => {
            backend.processing()?;
            all
        }
    };
    tracing::info!(
        operator = operator.as_ref().map(Operator::as_str),
        partition = one.as_ref().and_then(Backend::partition),
        "stepping down: asked for"
    );
    cluster.step_down();
    Ok(Json::new(&StepDownView { stepping_down: true })?)
}

fn view(backend: &Backend) -> ClusterView {
    let cluster = backend.cluster_of_all();
    let status = cluster.status();
    let partitions: Option<Vec<PartitionView>> = backend.partitions().are_several().then(|| {
        backend.all().zip(0..).map(|(of, number)| partition(of.cluster(), number)).collect()
    });
    let (members, in_flight_bytes) = match (&partitions, &status) {
        (Some(partitions), _) => together(partitions),
        (None, Some(status)) => (status.members.iter().map(member).collect(), in_flight(status)),
        (None, None) => (Vec::new(), 0),
    };
    ClusterView {
        mode: match cluster.mode() {
            Mode::Single => ModeName::Single,
            Mode::Standby => ModeName::Standby,
        },
        node: cluster.node().to_owned(),
        role: cluster.role(),
        epoch: status.as_ref().and_then(|status| status.epoch).map(|epoch| epoch.number),
        owner: match &status {
            None if cluster.mode() == Mode::Standby && partitions.is_some() => None,
            status => owner(cluster, status.as_ref()),
        },
        intake_paused: status.as_ref().map(|status| status.is_paused),
        seq: status.as_ref().map(|status| status.next),
        lag: match &status {
            Some(status) => lag(status.lag.as_of, status.lag.time),
            None => lag(cluster.as_of(), cluster.lag()),
        },
        in_flight_bytes,
        members,
        partitions,
    }
}

fn partition(cluster: &Cluster, number: u16) -> PartitionView {
    let status = cluster.status();
    PartitionView {
        partition: number,
        role: cluster.role(),
        epoch: status.as_ref().and_then(|status| status.epoch).map(|epoch| epoch.number),
        owner: owner(cluster, status.as_ref()),
        intake_paused: status.as_ref().map(|status| status.is_paused),
        seq: status.as_ref().map(|status| status.next),
        lag: status.as_ref().and_then(|status| lag(status.lag.as_of, status.lag.time)),
        in_flight_bytes: status.as_ref().map_or(0, in_flight),
        members: status.iter().flat_map(|status| &status.members).map(member).collect(),
    }
}

/// The members of all partitions, each that has a name once, and the bytes that are under way.
fn together(partitions: &[PartitionView]) -> (Vec<MemberView>, u64) {
    let mut members = BTreeMap::<(&str, Option<&str>), MemberView>::new();
    for part in partitions {
        let owner = part.owner.as_ref().map(|owner| (owner.node.as_str(), owner.url.as_deref()));
        for heard in &part.members {
            let Some(node) = heard.node.as_deref() else { continue };
            let name = (node, heard.url.as_deref());
            let known = members.entry(name).or_insert_with(|| MemberView {
                owns: Some(Vec::new()),
                seq: None,
                ..heard.clone()
            });
            known.heard_millis = known.heard_millis.min(heard.heard_millis);
            if let Some(owns) = &mut known.owns
                && owner == Some(name)
                && !owns.contains(&part.partition)
            {
                owns.push(part.partition);
            }
        }
    }
    let in_flight = partitions.iter().map(|part| part.in_flight_bytes).sum();
    (members.into_values().collect(), in_flight)
}

fn owner(cluster: &Cluster, status: Option<&Status>) -> Option<OwnerView> {
    match status {
        Some(status) => status.owner.as_ref().map(|name| OwnerView::new(&name.node, &name.url)),
        None => cluster.owns().then(|| OwnerView::new(cluster.node(), cluster.advertise())),
    }
}

fn in_flight(status: &Status) -> u64 {
    status.in_flight as u64
}

fn lag(as_of: Option<i64>, behind: Option<Duration>) -> Option<LagView> {
    let millis = behind?.as_millis();
    Some(LagView {
        as_of: Timestamp::from_micros(as_of?),
        millis: u64::try_from(millis).unwrap_or(u64::MAX),
    })
}

fn member(
    (nonce, member, since): &(orderly_journal::Nonce, orderly_journal::members::Member, Duration),
) -> MemberView {
    MemberView {
        node: member.node.as_ref().map(|name| name.node.clone()),
        url: member.node.as_ref().and_then(|name| told(&name.url)),
        run: format!("{nonce:?}"),
        owns: None,
        seq: member.stored.map(|stored| stored.next),
        heard_millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A text that was told.
fn told(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
