//! One cell of the page: a new shop lives a short history, then one thing happens, and the cell notes what changed.

use crate::support::{Shop, place, said};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::payment::{Attempt, AttemptState, Dispute, Payments, RefundState};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The order that every cell is about: one unit of `tea` for 500.
const ORDER: &str = "o-1";
const MINUTE: Duration = Duration::from_secs(60);

/// Commands, callbacks and passing time, in the order in which they happen.
pub(crate) type History = &'static [&'static str];

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The status of the subject before and after.
    pub(crate) from: String,
    pub(crate) to: String,
    /// The last verdict and its reason; empty when only time passed.
    pub(crate) verdict: String,
    /// The events, without `payment.recorded`, which every callback emits.
    pub(crate) events: Vec<&'static str>,
}

/// What a cell is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Order,
    Attempt,
    Refund,
    Dispute,
    Reservation,
}

/// Lives `history`, then `happens`, and notes what changed for the subject.
pub(crate) async fn cell(subject: Subject, history: History, happens: History) -> Cell {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    live(&mut shop, history).await;
    let from = status(&shop, subject);
    let first = shop.entries.len();
    live(&mut shop, happens).await;
    let entries = &shop.entries[first..];
    let types = entries.iter().flat_map(|entry| entry.record.types());
    let types = types.map(orderly_domain::event::Type::as_str);
    Cell {
        from,
        to: status(&shop, subject),
        verdict: entries.last().map_or_else(String::new, verdict),
        events: types.filter(|kind| *kind != "payment.recorded").collect(),
    }
}

fn verdict(entry: &Arc<JournalEntry>) -> String {
    let record = &entry.record;
    let reason = record.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{reason}", record.verdict)
}

async fn live(shop: &mut Shop, history: History) {
    for happens in history {
        let of_order = json!({"order_id": ORDER});
        match *happens {
            "place" => drop(shop.run("order.place", place(ORDER, &[("tea", 1, 500)])).await),
            "place on authorization" => {
                let mut placed = place(ORDER, &[("tea", 1, 500)]);
                placed["confirm_on"] = json!("authorization");
                shop.run("order.place", placed).await;
            }
            "capture" => drop(shop.run("order.capture", of_order).await),
            "capture again" => {
                shop.run("order.capture", json!({"order_id": ORDER, "again": true})).await;
            }
            "no stock" => drop(shop.run("stock.set", json!({"sku": "tea", "on_hand": 0})).await),
            "cancel" => drop(shop.run("order.cancel", of_order).await),
            "complete" => drop(shop.run("order.complete", of_order).await),
            "accept" => resolve(shop, "accept", None).await,
            "write off" => resolve(shop, "accept", Some(500)).await,
            "decline" => resolve(shop, "cancel", None).await,
            "return" => resolve(shop, "return", None).await,
            "all goes back" => {
                for refund in shop.refunds(ORDER) {
                    let (amount, currency) = (refund.amount, refund.currency.code());
                    let text = format!("refund_succeeded p {amount} {} {currency}", refund.id);
                    shop.run("payment.callback", said(ORDER, &text)).await;
                }
            }
            "note" => amend(shop, "metadata", json!({"note": "ring twice"})).await,
            "15 minutes" => shop.pass(15 * MINUTE).await,
            "to the cap" => shop.pass(120 * MINUTE).await,
            text => match text.split_once(' ') {
                Some(("amend", units)) => {
                    let quantity = units.parse::<u32>().expect("is a number");
                    amend(shop, "lines", json!([{"sku": "tea", "quantity": quantity}])).await;
                }
                Some(("discount", amount)) => {
                    let amount = -amount.parse::<i64>().expect("is a number");
                    let discount = json!([{"kind": "discount", "amount": amount}]);
                    amend(shop, "adjustments", discount).await;
                }
                Some(("refund", amount)) => refund(shop, amount, "0").await,
                Some(("return", units)) => refund(shop, "1", units).await,
                _ => drop(shop.run("payment.callback", said(ORDER, text)).await),
            },
        }
    }
}

/// Decides on the order.
async fn resolve(shop: &mut Shop, decision: &str, write_off: Option<i64>) {
    let data = json!({"order_id": ORDER, "decision": decision, "write_off": write_off});
    shop.run("order.resolve", data).await;
}

/// Changes one field of the order.
async fn amend(shop: &mut Shop, field: &str, value: Value) {
    shop.run("order.amend", json!({"order_id": ORDER, field: value})).await;
}

/// Requests a refund of `amount`, with that many units to restock.
async fn refund(shop: &mut Shop, amount: &str, units: &str) {
    let number = |text: &str| text.parse::<i64>().expect("is a number");
    let mut data = json!({"order_id": ORDER, "refund_id": "r-1", "amount": number(amount)});
    if number(units) > 0 {
        data["restock"] = json!([{"sku": "tea", "quantity": number(units)}]);
    }
    shop.run("refund.request", data).await;
}

/// The status of the subject in the contract's words; `none` before the subject exists.
fn status(shop: &Shop, subject: Subject) -> String {
    let payments: Payments = shop.state(tables::ORDERS, ORDER).unwrap_or_default();
    let status = match subject {
        Subject::Order => shop
            .state::<orderly_domain::order::Order>(tables::ORDERS, ORDER)
            .map(|order| order.status.to_string()),
        Subject::Attempt => {
            payments.attempts.iter().find(|attempt| attempt.id.as_str() == "a").map(
                |Attempt { state, ended_at, .. }| match (state, ended_at) {
                    (AttemptState::Captured, Some(_)) => "captured_and_ended".to_owned(),
                    _ => state.to_string(),
                },
            )
        }
        Subject::Refund => payments.refunds.iter().find(|refund| refund.id.as_str() == "r-1").map(
            |refund| match (refund.state, refund.sent_back()) {
                (RefundState::Requested | RefundState::Failed, 1..) => {
                    format!("{}_in_part", refund.state)
                }
                (state, _) => state.to_string(),
            },
        ),
        Subject::Dispute => {
            payments.disputes.first().map(|Dispute { state, .. }| state.to_string())
        }
        Subject::Reservation => {
            shop.state::<Reservation>(tables::ORDERS, ORDER).map(|Reservation { state, .. }| {
                match state {
                    HoldState::Held { until: None, .. } => "held_without_end".to_owned(),
                    HoldState::Held { frozen: Some(_), .. } => "held_frozen".to_owned(),
                    HoldState::Held { extended: true, .. } => "held_to_cap".to_owned(),
                    held => held.as_str().to_owned(),
                }
            })
        }
    };
    status.unwrap_or_else(|| "none".to_owned())
}
