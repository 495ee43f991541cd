//! Every name of the contract is in use: scenarios in the shop reach every verdict, every reason, every event, every
//! kind of callback and every status.
//!
//! The lists below are the contract's own words. Each is compared with the enum that stands for it, and then every
//! variant of that enum must have been seen in a scenario. What only the decoding of a message says (`too_large`) is
//! seen in the tests of the process.

#[path = "contract_coverage/scenario.rs"]
mod scenario;
#[path = "contract_coverage/scenarios.rs"]
mod scenarios;
mod support;

use fail::FailScenario;
use orderly_domain::cart::CartStatus;
use orderly_domain::command::{CallbackKind, Kind};
use orderly_domain::event::payload::EventPayload;
use orderly_domain::event::{Event, ReleaseReason, ReviewReason, Type};
use orderly_domain::inventory::HoldState;
use orderly_domain::notification::{NoticeStatus, NotificationKind};
use orderly_domain::order::Status;
use orderly_domain::payment::{AttemptState, DisputeState, RefundState};
use orderly_domain::verdict::{Reason, Verdict};
use scenario::{Scenario, Seen};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use strum::VariantNames;
use support::DAY;

const MINUTE: Duration = Duration::from_secs(60);

const VERDICTS: &str = "applied duplicate stale waiting rejected review conflict invalid failed";
const REFUSALS: &str = "out_of_stock unknown_sku below_held cart_not_found cart_empty cart_closed
    version_mismatch total_mismatch currency_mismatch order_exists order_not_found not_allowed
    refund_exceeds_paid refund_exists restock_exceeds_sold";
const PARKED: &str =
    "malformed unknown_type validation too_large deadline expired_identity conflict
    failed waiting_full order_never_came";
const COMMANDS: &str =
    "stock.set stock.adjust cart.put cart.add cart.clear cart.merge cart.checkout
    order.place order.amend order.capture order.cancel order.complete order.resolve refund.request payment.callback";
const PUBLISHED: &str = "order.placed order.rejected order.partially_paid order.paid
    order.under_review order.expired order.cancelled order.refund_due order.refunded
    order.partially_refunded order.completed order.amended order.disputed order.dispute_closed
    order.authorized order.authorization_lost payment.refund_requested payment.capture_requested
    payment.void_requested stock.low cart.checked_out cart.reopened cart.expired notification.failed command.parked";
const RECORDED: &str = "payment.recorded stock.changed stock.held stock.committed stock.released
    stock.returned cart.changed notification.requested notification.delivered";
const STATUSES: &str =
    "rejected awaiting_payment authorized partially_paid under_review paid completed expired
    cancelled refund_due partially_refunded refunded";
const CALLBACKS: &str = "action_required authorized captured failed voided expired refund_succeeded
    refund_failed dispute_opened dispute_closed";
/// The contract's `initiated` is not among them: an attempt is known from its first callback on.
const ATTEMPTS: &str = "action_required authorized captured failed voided expired";
const NOTIFICATIONS: &str = "order_confirmed order_expired order_cancelled refund_succeeded";

/// Reasons that decoding gives before any actor sees the message.
const FROM_DECODING: &str = "too_large";

fn set(words: &'static str) -> BTreeSet<&'static str> {
    words.split_whitespace().collect()
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> BTreeSet<&'static str> {
    all.iter().map(|one| name(*one)).collect()
}

#[test]
fn the_enums_have_the_names_of_the_contract_and_no_others() {
    assert_eq!(names(Verdict::ALL, Verdict::as_str), set(VERDICTS));
    let reasons: BTreeSet<_> = set(REFUSALS).union(&set(PARKED)).copied().collect();
    assert_eq!(names(Reason::ALL, Reason::as_str), reasons);
    assert_eq!(names(Kind::ALL, Kind::as_str), set(COMMANDS));
    let published = |wanted: bool| {
        let types = Type::ALL.iter().filter(|one| one.published_by_default() == wanted);
        types.map(|one| one.as_str()).collect::<BTreeSet<_>>()
    };
    assert_eq!(published(true), set(PUBLISHED));
    assert_eq!(published(false), set(RECORDED));
    assert_eq!(names(Status::ALL, Status::as_str), set(STATUSES));
    assert_eq!(names(CallbackKind::ALL, CallbackKind::as_str), set(CALLBACKS));
    assert_eq!(names(AttemptState::ALL, AttemptState::as_str), set(ATTEMPTS));
    assert_eq!(names(RefundState::ALL, RefundState::as_str), set("requested succeeded failed"));
    assert_eq!(names(DisputeState::ALL, DisputeState::as_str), set("open won lost"));
    assert_eq!(
        HoldState::VARIANTS.iter().copied().collect::<BTreeSet<_>>(),
        set("held committed released expired")
    );
    assert_eq!(names(CartStatus::ALL, CartStatus::as_str), set("open checked_out expired"));
    assert_eq!(names(NotificationKind::ALL, NotificationKind::as_str), set(NOTIFICATIONS));
}

#[actix::test]
async fn the_scenarios_reach_everything_that_the_contract_names() {
    let _faults = FailScenario::setup();
    let mut seen = Seen::default();
    for mut scenario in all_scenarios().await {
        scenario.shop.check_balance();
        seen.absorb(&mut scenario.seen);
    }

    let from_decoding = set(FROM_DECODING);
    let missing = |what: &'static str, all: BTreeSet<&'static str>| {
        let missing: Vec<_> = all.difference(seen.of(what)).copied().collect();
        let missing =
            missing.into_iter().filter(|name| !from_decoding.contains(name)).collect::<Vec<_>>();
        assert!(missing.is_empty(), "{what}: no scenario reached {missing:?}");
    };
    missing("verdict", names(Verdict::ALL, Verdict::as_str));
    missing("reason", names(Reason::ALL, Reason::as_str));
    missing("command", names(Kind::ALL, Kind::as_str));
    missing("event", names(Type::ALL, Type::as_str));
    missing("callback", names(CallbackKind::ALL, CallbackKind::as_str));
    missing("order", names(Status::ALL, Status::as_str));
    missing("attempt", names(AttemptState::ALL, AttemptState::as_str));
    missing("refund", names(RefundState::ALL, RefundState::as_str));
    missing("dispute", names(DisputeState::ALL, DisputeState::as_str));
    missing("reservation", HoldState::VARIANTS.iter().copied().collect());
    missing("cart", names(CartStatus::ALL, CartStatus::as_str));
    missing("review", names(ReviewReason::ALL, ReviewReason::as_str));
    missing("release", names(ReleaseReason::ALL, ReleaseReason::as_str));
    missing("notification", names(NotificationKind::ALL, NotificationKind::as_str));
    missing("standing", names(NoticeStatus::ALL, NoticeStatus::as_str));
    // and refusals and parked messages have exactly the reasons that the contract lists for them
    assert_eq!(*seen.of("refusal"), set(REFUSALS));
    let parked = set(PARKED).difference(&from_decoding).copied().collect();
    assert_eq!(*seen.of("parked"), parked);
}

/// The fields that the data of an event have at least, by its type or the beginning of its type.
const DATA: &[(&str, &str)] = &[
    ("order.", "order_id status version total paid refunded currency lines"),
    ("order.paid", "late"),
    ("order.rejected", "reason detail"),
    ("order.under_review", "reason"),
    ("order.refund_due", "amount"),
    ("order.disputed", "provider dispute_id"),
    ("order.dispute_closed", "provider dispute_id outcome"),
    ("payment.", "order_id"),
    ("payment.recorded", "attempt_id kind verdict"),
    ("payment.refund_requested", "refund_id part parts try provider attempt_id amount currency"),
    ("payment.capture_requested", "provider attempt_id amount currency capture_request_id"),
    ("payment.void_requested", "provider attempt_id"),
    ("stock.low", "sku available version"),
    ("stock.changed", "sku on_hand held available version"),
    ("stock.held", "order_id lines"),
    ("stock.committed", "order_id lines"),
    ("stock.released", "order_id lines reason"),
    ("stock.returned", "order_id lines"),
    ("cart.", "cart_id status version currency lines total updated_at"),
    ("cart.checked_out", "order_id"),
    ("notification.", "notification_id kind order_id"),
    ("notification.delivered", "attempts channel"),
    ("notification.failed", "attempts channel reason"),
    ("command.parked", "parked_id reason"),
];

#[actix::test]
async fn every_event_holds_the_data_that_the_contract_names() {
    let _faults = FailScenario::setup();
    for scenario in all_scenarios().await {
        for entry in &scenario.shop.entries {
            for event in &entry.record.events {
                let kind = event.kind().as_str();
                let payload = EventPayload::new(event, entry.context())
                    .expect("its unit has what it speaks of");
                let data = serde_json::to_value(payload).expect("is JSON");
                let rows = DATA.iter().filter(|(of, _)| kind == *of || is_part(kind, of));
                let fields = rows.flat_map(|(_, fields)| fields.split(' '));
                let has_no_id = matches!(event, Event::CommandParked { parked_id: None, .. });
                for field in fields.filter(|field| !(has_no_id && *field == "parked_id")) {
                    assert!(data.get(field).is_some(), "{kind} has no {field}: {data}");
                }
                assert!(!data.to_string().contains("null"), "{kind}: {data}");
            }
        }
    }
}

fn is_part(kind: &str, beginning: &str) -> bool {
    beginning.ends_with('.') && kind.starts_with(beginning)
}

/// The scenarios of the shop, and one of messages that are no valid commands.
async fn all_scenarios() -> Vec<Scenario> {
    let mut all = Box::pin(scenarios::all()).await;
    all.push(messages_that_are_no_commands().await);
    all
}

async fn messages_that_are_no_commands() -> Scenario {
    let mut scenario = Scenario::begin().await;
    scenario.run("order.fly", json!({})).await;
    scenario.run("order.cancel", json!({"order_id": ""})).await;
    scenario.run_raw("order.cancel", b"{\"order_id\": ").await;
    let now = scenario.shop.sequencer.now();
    scenario
        .run_late("order.cancel", json!({"order_id": "o-1"}), Some(now.minus(MINUTE)), None)
        .await;
    scenario
        .run_late("order.cancel", json!({"order_id": "o-1"}), None, Some(now.minus(31 * DAY)))
        .await;
    fail::cfg("order:poison", "panic").expect("is an action");
    scenario.run_until_given_up("order.cancel", json!({"order_id": "poison"})).await;
    fail::remove("order:poison");
    scenario
}
