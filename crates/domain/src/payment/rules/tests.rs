//! What callbacks mean, as data. A callback is written `kind attempt amount`, with what else it
//! has behind: `USD` (else EUR), `#capture`, `r:refund`, `d:dispute`, `won`, `lost`, `final`,
//! `@provider` (else acme), `~event` (else one of its own), `m7` (it occurred at minute 7, else 0).

mod attempts;
mod attention;
mod captures;
mod disputes;
mod refunds;

use super::*;
use crate::command::{Command, Kind};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

fn callback(text: &str) -> PaymentCallback {
    static EVENTS: AtomicU32 = AtomicU32::new(0);
    let event = format!("e{}", EVENTS.fetch_add(1, Ordering::Relaxed));
    let mut data = json!({
        "provider": "acme", "event_id": event, "order_id": "o", "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    });
    for (place, word) in text.split(' ').enumerate() {
        let (field, value) = match (place, word.split_at(1)) {
            (0, _) => ("kind", json!(word)),
            (1, _) => ("attempt_id", json!(word)),
            (_, ("#", id)) => ("capture_id", json!(id)),
            (_, ("@", id)) => ("provider", json!(id)),
            (_, ("~", id)) => ("event_id", json!(id)),
            (_, ("r", id)) => ("refund_id", json!(id)),
            (_, ("d", id)) => ("dispute_id", json!(id)),
            (_, ("U", _)) => ("currency", json!(word)),
            (_, ("f", _)) => ("final", json!(true)),
            (_, ("m", at)) => {
                let minute: u8 = at.parse().expect("is a minute");
                ("occurred_at", json!(format!("2026-01-01T00:{minute:02}:00Z")))
            }
            (_, ("w" | "l", _)) => ("outcome", json!(word)),
            _ => ("amount", json!(word.parse::<i64>().expect("is an amount"))),
        };
        data[field] = value;
    }
    match Command::parse(Kind::PaymentCallback, data.to_string().as_bytes()) {
        Ok(Command::PaymentCallback(callback)) => callback,
        other => panic!("{text} is no callback: {other:?}"),
    }
}

const PHASES: [Phase; 3] = [Phase::Awaiting, Phase::Sold, Phase::Unsold];

fn euro() -> Currency {
    Currency::from_code("EUR").expect("is a currency")
}

/// What is known after these callbacks, all of an order that awaits its money.
fn after(history: &[&str]) -> Payments {
    let mut payments = Payments::default();
    for text in history {
        let (_, change) = decide(&payments, &callback(text), euro(), Phase::Awaiting);
        apply(&mut payments, change.expect("is news"));
    }
    payments
}

fn effect(history: &[&str], text: &str, phase: Phase) -> CallbackEffect {
    let (effect, change) = decide(&after(history), &callback(text), euro(), phase);
    match change {
        None => assert_eq!(effect, CallbackEffect::Stale, "news is kept"),
        // of what is stale the time may be kept
        Some(Change::Ended { .. } | Change::Refund { .. }) => {}
        Some(_) => assert_ne!(effect, CallbackEffect::Stale, "what is stale moves nothing"),
    }
    effect
}

fn take(payments: &mut Payments, text: &str) -> CallbackEffect {
    let (effect, change) = decide(payments, &callback(text), euro(), Phase::Sold);
    if let Some(change) = change {
        apply(payments, change);
    }
    effect
}
