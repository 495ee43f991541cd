//! What happens in a status, and what becomes of it: each cell is a shop of its own that lives a
//! short history.

use crate::support::{Shop, place, said};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::payment::{Attempt, Dispute, Payments, Refund};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The order whose life is told: one tea for 500.
const ORDER: &str = "o-1";
const MINUTE: Duration = Duration::from_secs(60);

/// A history, or what happens behind it: commands and time.
pub(crate) type History = &'static [&'static str];

/// What became of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Where the subject stood before, and stands now.
    pub(crate) from: String,
    pub(crate) to: String,
    /// The last verdict, and its reason; empty when time alone passed.
    pub(crate) verdict: String,
    /// What was told, but for `payment.recorded`, which goes with every callback.
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

/// Lives `history`, then `happens`, and tells what became of the subject.
pub(crate) async fn cell(subject: Subject, history: History, happens: History) -> Cell {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    live(&mut shop, history).await;
    let from = stands(&shop, subject);
    let first = shop.entries.len();
    live(&mut shop, happens).await;
    let entries = &shop.entries[first..];
    let told = entries.iter().flat_map(|entry| entry.record.types());
    let told = told.map(orderly_domain::event::Type::as_str);
    Cell {
        from,
        to: stands(&shop, subject),
        verdict: entries.last().map_or_else(String::new, verdict),
        events: told.filter(|kind| *kind != "payment.recorded").collect(),
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
            "no stock" => drop(shop.run("stock.set", json!({"sku": "tea", "on_hand": 0})).await),
            "cancel" => drop(shop.run("order.cancel", of_order).await),
            "complete" => drop(shop.run("order.complete", of_order).await),
            "accept" | "decline" => {
                let decision = if *happens == "accept" { "accept" } else { "cancel" };
                let data = json!({"order_id": ORDER, "decision": decision});
                shop.run("order.resolve", data).await;
            }
            "all goes back" => {
                for refund in shop.refunds(ORDER) {
                    let (amount, currency) = (refund.amount, refund.currency.code());
                    let text = format!("refund_succeeded p {amount} {} {currency}", refund.id);
                    shop.run("payment.callback", said(ORDER, &text)).await;
                }
            }
            "15 minutes" => shop.pass(15 * MINUTE).await,
            "to the cap" => shop.pass(120 * MINUTE).await,
            text => match text.split_once(' ') {
                Some(("refund", amount)) => refund(shop, amount, "0").await,
                Some(("return", units)) => refund(shop, "1", units).await,
                _ => drop(shop.run("payment.callback", said(ORDER, text)).await),
            },
        }
    }
}

/// Asks `amount` back, and brings that many units.
async fn refund(shop: &mut Shop, amount: &str, units: &str) {
    let number = |text: &str| text.parse::<i64>().expect("is a number");
    let mut data = json!({"order_id": ORDER, "refund_id": "r-1", "amount": number(amount)});
    if number(units) > 0 {
        data["restock"] = json!([{"sku": "tea", "quantity": number(units)}]);
    }
    shop.run("refund.request", data).await;
}

/// Where the subject stands, in the contract's words; `none` before it begins.
fn stands(shop: &Shop, subject: Subject) -> String {
    let payments: Payments = shop.state(tables::ORDERS, ORDER).unwrap_or_default();
    let stands =
        match subject {
            Subject::Order => shop
                .state::<orderly_domain::order::Order>(tables::ORDERS, ORDER)
                .map(|order| order.status.to_string()),
            Subject::Attempt => payments
                .attempts
                .iter()
                .find(|attempt| attempt.id.as_str() == "a")
                .map(|Attempt { state, .. }| state.to_string()),
            Subject::Refund => payments
                .refunds
                .iter()
                .find(|refund| refund.id.as_str() == "r-1")
                .map(|Refund { state, .. }| state.to_string()),
            Subject::Dispute => {
                payments.disputes.first().map(|Dispute { state, .. }| state.to_string())
            }
            Subject::Reservation => shop.state::<Reservation>(tables::ORDERS, ORDER).map(
                |Reservation { state, .. }| match state {
                    HoldState::Held { frozen: Some(_), .. } => "held_frozen".to_owned(),
                    HoldState::Held { extended: true, .. } => "held_to_cap".to_owned(),
                    held => held.as_str().to_owned(),
                },
            ),
        };
    stands.unwrap_or_else(|| "none".to_owned())
}
