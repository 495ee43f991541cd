//! `GET /api/cluster` and `POST /api/cluster/step-down`: the members of the namespace, and who owns it.

use super::Backend;
use crate::admin::operation::{Json, View};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::cluster::{ClusterRole, OwnerView};
use crate::config::Mode;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use orderly_domain::id::Operator;
use orderly_domain::time::Timestamp;
use orderly_journal::node::Status;
use schemars::JsonSchema;
use serde::Serialize;

/// The members of the namespace, as this process knows them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cluster")]
pub(super) struct ClusterView {
    /// `single`: the namespace has one process. `standby`: it has several.
    mode: ModeName,
    /// The name of this member.
    node: String,
    /// What this member is.
    role: ClusterRole,
    /// The number of the epoch in force: it grows with each take-over. Absent without a journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    /// The owner, if it is known and has not left.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerView>,
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
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct MemberView {
    /// Its name, if it was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// The URL of its admin server, if it has told one.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Names this run of its process.
    run: String,
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
    /// Always true: the process finishes what it has in hand, says in the journal that it leaves, and ends with exit code 76.
    stepping_down: bool,
}

impl View for StepDownView {
    type Kind = Self;
}

pub(super) async fn show(backend: Data<Backend>) -> Result<Json<ClusterView>, Problem> {
    Ok(Json::new(&view(&backend))?)
}

pub(super) async fn step_down(
    backend: Data<Backend>,
    NamedOperator(operator): NamedOperator,
) -> Result<Json<StepDownView>, Problem> {
    let cluster = backend.cluster();
    if cluster.mode() == Mode::Single {
        return Err(Problem::new(StatusCode::CONFLICT).detail(
            "the namespace has one process (`cluster.mode` is `single`): nobody would take over",
        ));
    }
    backend.core()?; // a standby names the owner
    tracing::info!(operator = operator.as_ref().map(Operator::as_str), "stepping down: asked for");
    cluster.step_down();
    Ok(Json::new(&StepDownView { stepping_down: true })?)
}

fn view(backend: &Backend) -> ClusterView {
    let cluster = backend.cluster();
    let status = cluster.status();
    ClusterView {
        mode: match cluster.mode() {
            Mode::Single => ModeName::Single,
            Mode::Standby => ModeName::Standby,
        },
        node: cluster.node().to_owned(),
        role: cluster.role(),
        epoch: status.as_ref().and_then(|status| status.epoch).map(|epoch| epoch.number),
        owner: match &status {
            Some(status) => status.owner.as_ref().map(|name| OwnerView::new(&name.node, &name.url)),
            None => cluster.owns().then(|| OwnerView::new(cluster.node(), cluster.advertise())),
        },
        seq: status.as_ref().map(|status| status.next),
        lag: status.as_ref().and_then(lag),
        in_flight_bytes: status.as_ref().map_or(0, |status| status.in_flight as u64),
        members: status.iter().flat_map(|status| &status.members).map(member).collect(),
    }
}

fn lag(status: &Status) -> Option<LagView> {
    let as_of = status.lag.as_of?;
    let millis = status.lag.time?.as_millis();
    Some(LagView {
        as_of: Timestamp::from_micros(as_of),
        millis: u64::try_from(millis).unwrap_or(u64::MAX),
    })
}

fn member(
    (nonce, member, since): &(
        orderly_journal::Nonce,
        orderly_journal::members::Member,
        std::time::Duration,
    ),
) -> MemberView {
    MemberView {
        node: member.node.as_ref().map(|name| name.node.clone()),
        url: member.node.as_ref().and_then(|name| told(&name.url)),
        run: format!("{nonce:?}"),
        seq: member.stored.map(|stored| stored.next),
        heard_millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A text that was told.
fn told(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
