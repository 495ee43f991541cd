//! The data of events, and their envelopes. Required is what every event of the type has.

use orderly_domain::address::Address;
use orderly_domain::cart::CartStatus;
use orderly_domain::command::{CallbackKind, DisputeOutcome};
use orderly_domain::event::payload::{LineData, Units};
use orderly_domain::event::{ReleaseReason, ReviewReason, Type};
use orderly_domain::metadata::Metadata;
use orderly_domain::money::Currency;
use orderly_domain::notification::{Channel, NotificationKind};
use orderly_domain::order::Status;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use serde_json::{Map, Value, json};

use super::definitions::{Definitions, any_of};
use super::object::{Object, amount, count, described, list, only, text};

/// The name of the definition of an event as it is published.
pub(super) fn envelope_name(kind: Type) -> String {
    format!("{kind:?}Event")
}

/// Defines all events. Says which definition has the data of which type.
pub(super) fn define(definitions: &mut Definitions) -> Value {
    let mut all = Map::new();
    let mut envelopes = Vec::new();
    for kind in Type::ALL {
        let data = data(*kind, definitions);
        let data = data.schema(&format!("The data of the event `{}`.", kind.as_str()));
        let data = definitions.add(&format!("{kind:?}"), data);
        let envelope = envelope(*kind, data.clone(), definitions);
        envelopes.push(definitions.add(&envelope_name(*kind), envelope));
        all.insert(kind.as_str().to_owned(), data);
    }
    let about = "An event as it is published: a structured CloudEvent 1.0.";
    definitions.add("Event", described(any_of(envelopes), about));
    Value::Object(all)
}

fn envelope(kind: Type, data: Value, definitions: &mut Definitions) -> Value {
    let partition = json!({ "type": "integer", "minimum": 0, "maximum": 65535 });
    let sequence = json!({ "type": "string", "pattern": "^[0-9]{20}$" });
    Object::default()
        .required("specversion", only("1.0"))
        .required(
            "id",
            described(
                text(),
                "The same when the event is published again: go by it to find duplicates.",
            ),
        )
        .required("source", described(text(), "`/orderly/` and the namespace."))
        .required("type", only(kind.as_str()))
        .optional("subject", described(text(), "The order, cart or sku."))
        .required("time", definitions.written::<Timestamp>())
        .required("datacontenttype", only("application/json"))
        .required("sequence", described(sequence, "Grows with every event of a store."))
        .optional(
            "partition",
            described(partition, "The number of the partition; absent where there are none."),
        )
        .optional(
            "traceparent",
            described(text(), "The trace of the command that caused the event (W3C)."),
        )
        .required("data", data)
        .schema(&format!("The event `{}` as it is published.", kind.as_str()))
}

fn data(kind: Type, definitions: &mut Definitions) -> Object {
    match kind {
        Type::OrderPlaced | Type::OrderAmended => with_details(order(definitions), definitions),
        Type::OrderDisputed => disputed(definitions),
        Type::OrderDisputeClosed => {
            let outcome = definitions.written::<DisputeOutcome>();
            disputed(definitions).required("outcome", outcome)
        }
        Type::OrderPartiallyPaid
        | Type::OrderExpired
        | Type::OrderRefunded
        | Type::OrderPartiallyRefunded
        | Type::OrderCompleted
        | Type::OrderAuthorized
        | Type::OrderAuthorizationLost => order(definitions),
        Type::OrderPaid => {
            let late = json!({ "type": "boolean" });
            order(definitions)
                .required("late", described(late, "The hold had expired before the money came."))
        }
        Type::OrderRejected => {
            let (reason, detail) =
                (definitions.written::<Reason>(), definitions.written::<Detail>());
            order(definitions).required("reason", reason).required("detail", detail)
        }
        Type::OrderUnderReview => {
            let reason = definitions.written::<ReviewReason>();
            order(definitions).required("reason", reason)
        }
        Type::OrderCancelled => order(definitions)
            .optional("reason", described(text(), "The reason that the command gave.")),
        Type::OrderRefundDue => {
            order(definitions).required("amount", described(amount(), "What must be sent back."))
        }
        Type::PaymentRecorded => {
            let kind = definitions.written::<CallbackKind>();
            let verdict = definitions.written::<Verdict>();
            let currency = definitions.written::<Currency>();
            let outcome = definitions.written::<DisputeOutcome>();
            Object::with(&text(), &["order_id", "provider", "attempt_id"])
                .required("kind", kind)
                .required("verdict", verdict)
                .optional("amount", amount())
                .optional("currency", currency)
                .optional("refund_id", text())
                .optional("dispute_id", text())
                .optional("outcome", outcome)
        }
        // events of units of builds before there were parts, which are published again, name neither provider nor part
        Type::PaymentRefundRequested => {
            let currency = definitions.written::<Currency>();
            Object::with(&text(), &["order_id", "refund_id", "provider", "attempt_id"])
                .required("part", described(count(), "Which part of the refund this is, from 1."))
                .required("parts", count())
                .required("try", described(count(), "Which try at this part this is, from 1."))
                .required("amount", amount())
                .required("currency", currency)
                .optional("capture_id", text())
        }
        Type::PaymentCaptureRequested => {
            let currency = definitions.written::<Currency>();
            Object::with(&text(), &["order_id", "provider", "attempt_id", "capture_request_id"])
                .required("amount", amount())
                .required("currency", currency)
        }
        Type::PaymentVoidRequested => {
            Object::with(&text(), &["order_id", "provider", "attempt_id"])
        }
        Type::StockLow => sku().optional("version", count()),
        Type::StockChanged => sku()
            .required("on_hand", count())
            .required("held", count())
            .optional("version", count()),
        // a hold that is sold in the same unit does not expire
        Type::StockHeld => {
            let expires_at = definitions.written::<Timestamp>();
            reservation(definitions).optional("expires_at", expires_at)
        }
        Type::StockCommitted => reservation(definitions),
        Type::StockReleased => {
            let reason = definitions.written::<ReleaseReason>();
            reservation(definitions).required("reason", reason)
        }
        // without a refund: the order was amended
        Type::StockReturned => reservation(definitions).optional("refund_id", text()),
        Type::CartCheckedOut => cart(definitions).required("order_id", text()),
        Type::CartChanged | Type::CartReopened | Type::CartExpired => cart(definitions),
        Type::NotificationRequested => notification(definitions),
        Type::NotificationDelivered => delivery(definitions),
        Type::NotificationFailed => delivery(definitions).required("reason", text()),
        // a message for which there is no room has no id: only the broker's dead letters have the message
        Type::CommandParked => {
            let (reason, detail) =
                (definitions.written::<Reason>(), definitions.written::<Detail>());
            Object::default()
                .required("reason", reason)
                .optional("parked_id", text())
                .optional("detail", detail)
                .optional("type", described(text(), "The type, as it was sent."))
                .optional("source", text())
                .optional("command_id", text())
        }
    }
}

/// What every event about an order has.
pub(super) fn order(definitions: &mut Definitions) -> Object {
    Object::with(&text(), &["order_id"])
        .required("status", definitions.written::<Status>())
        .required("version", count())
        .required("total", count())
        .required("paid", count())
        .required("refunded", count())
        .required("currency", definitions.written::<Currency>())
        .required("lines", list(&definitions.written::<LineData<'static>>()))
}

/// Adds the addresses and the metadata that an order may have.
pub(super) fn with_details(order: Object, definitions: &mut Definitions) -> Object {
    let address = definitions.written::<Address>();
    order
        .optional("shipping_address", address.clone())
        .optional("billing_address", address)
        .optional("metadata", definitions.written::<Metadata>())
}

fn disputed(definitions: &mut Definitions) -> Object {
    order(definitions).required("provider", text()).required("dispute_id", text())
}

fn sku() -> Object {
    Object::with(&text(), &["sku"]).required("available", count())
}

fn reservation(definitions: &mut Definitions) -> Object {
    Object::with(&text(), &["order_id"])
        .required("lines", list(&definitions.written::<Units<'static>>()))
}

fn cart(definitions: &mut Definitions) -> Object {
    Object::with(&text(), &["cart_id"])
        .required("status", definitions.written::<CartStatus>())
        .required("version", count())
        .required("currency", definitions.written::<Currency>())
        .required("lines", list(&definitions.written::<LineData<'static>>()))
        .required("total", amount())
        .required("updated_at", definitions.written::<Timestamp>())
}

fn notification(definitions: &mut Definitions) -> Object {
    Object::with(&text(), &["notification_id", "order_id"])
        .required("kind", definitions.written::<NotificationKind>())
}

fn delivery(definitions: &mut Definitions) -> Object {
    notification(definitions)
        .required("channel", definitions.written::<Channel>())
        .required("attempts", count())
}
