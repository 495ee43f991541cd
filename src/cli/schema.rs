//! `orderly schema`: the JSON Schemas of all commands and events, and of the verdict.

use super::output;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use orderly_domain::verdict::{Reason, Verdict};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};
use std::io;

/// Prints one JSON document: `commands` and `events` by type, the `verdict`, and `$defs` for all.
pub fn run() -> io::Result<()> {
    let text = format!("{:#}\n", document());
    output::print(&text)
}

/// The document that [`run`] prints.
pub fn document() -> Value {
    let mut generator = SchemaGenerator::default();
    let mut commands = Map::new();
    for kind in Kind::ALL {
        commands.insert(kind.as_str().to_owned(), kind.schema(&mut generator).into());
    }
    let mut events = Map::new();
    for kind in Type::ALL {
        events.insert(kind.as_str().to_owned(), event(*kind));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "orderly",
        "description": "The data of every command and of every event, and the verdict on a command. In the data of a \
            command null is the same as absent. Fields that are not known are ignored, and the verdict names them.",
        "commands": commands,
        "events": events,
        "verdict": verdict(),
        "$defs": generator.take_definitions(true),
    })
}

/// The schema of a verdict as its producer reads it.
fn verdict() -> Value {
    let names = |names: &mut dyn Iterator<Item = &'static str>| json!({"type": "string", "enum": names.collect::<Vec<_>>()});
    let schema = Object::with(&text(), &["command_id", "source", "type"])
        .required("verdict", names(&mut Verdict::ALL.iter().map(|one| one.as_str())))
        .optional("reason", names(&mut Reason::ALL.iter().map(|one| one.as_str())))
        .optional("detail", detail())
        .optional("order_id", text())
        .optional(
            "ignored",
            described(
                json!({"type": "array", "items": text()}),
                "fields of the data that are not known, by their paths",
            ),
        )
        .required("events", json!({"type": "array", "items": text()}))
        .required("at", text());
    let first = "the first verdict, of a duplicate or a conflict";
    let original = described(schema.clone().schema(), first);
    described(schema.optional("original", original).schema(), "the verdict on a command")
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// The schema of an event's data. Required is what every event of the type has; later builds may add fields.
fn event(kind: Type) -> Value {
    let object = match kind {
        Type::OrderPlaced | Type::OrderAmended => with_details(order()),
        Type::OrderDisputed => disputed(),
        Type::OrderDisputeClosed => disputed().required("outcome", text()),
        Type::OrderPartiallyPaid
        | Type::OrderExpired
        | Type::OrderRefunded
        | Type::OrderPartiallyRefunded
        | Type::OrderCompleted
        | Type::OrderAuthorized
        | Type::OrderAuthorizationLost => order(),
        Type::OrderPaid => order().required("late", json!({"type": "boolean"})),
        Type::OrderRejected => order().required("reason", text()).required("detail", detail()),
        Type::OrderUnderReview => order().required("reason", text()),
        Type::OrderCancelled => order().optional("reason", text()),
        Type::OrderRefundDue => order().required("amount", amount()),
        Type::PaymentRecorded => Object::with(&text(), &["order_id", "provider", "attempt_id"])
            .required("kind", text())
            .required("verdict", text())
            .optional("amount", amount())
            .optional("currency", text())
            .optional("refund_id", text())
            .optional("dispute_id", text())
            .optional("outcome", text()),
        // events of units of builds before there were parts, which are published again, name neither provider nor part
        Type::PaymentRefundRequested => {
            Object::with(&text(), &["order_id", "refund_id", "provider", "attempt_id", "currency"])
                .required("part", count())
                .required("parts", count())
                .required("try", count())
                .required("amount", amount())
                .optional("capture_id", text())
        }
        Type::PaymentCaptureRequested => {
            Object::with(&text(), &["order_id", "provider", "attempt_id", "capture_request_id"])
                .required("amount", amount())
                .required("currency", text())
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
        Type::StockHeld => reservation().optional("expires_at", text()),
        Type::StockCommitted => reservation(),
        Type::StockReleased => reservation().required("reason", text()),
        // without a refund: the order was amended
        Type::StockReturned => reservation().optional("refund_id", text()),
        Type::CartCheckedOut => cart().required("order_id", text()),
        Type::CartChanged | Type::CartReopened | Type::CartExpired => cart(),
        Type::NotificationRequested => notification(),
        Type::NotificationDelivered => delivery(),
        Type::NotificationFailed => delivery().required("reason", text()),
        // a message for which there is no room has no id: only the broker's dead letters have the message
        Type::CommandParked => Object::with(&text(), &["reason"])
            .optional("parked_id", text())
            .optional("detail", detail())
            .optional("type", text())
            .optional("source", text())
            .optional("command_id", text()),
    };
    object.schema()
}

/// The schema of an object, field by field.
#[derive(Clone, Default)]
struct Object {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Object {
    /// An object with these fields, all required and of one schema.
    fn with(schema: &Value, names: &[&'static str]) -> Self {
        names.iter().fold(Self::default(), |object, name| object.required(name, schema.clone()))
    }

    fn required(mut self, name: &'static str, schema: Value) -> Self {
        self.required.push(name);
        self.optional(name, schema)
    }

    fn optional(mut self, name: &'static str, schema: Value) -> Self {
        self.properties.insert(name.to_owned(), schema);
        self
    }

    fn schema(self) -> Value {
        let Self { properties, required } = self;
        json!({"type": "object", "properties": properties, "required": required})
    }
}

fn text() -> Value {
    json!({"type": "string"})
}

/// Never below 0.
fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// Minor units.
fn amount() -> Value {
    json!({"type": "integer"})
}

fn list(items: Object) -> Value {
    json!({"type": "array", "items": items.schema()})
}

/// What a refusal says beyond its reason: a text, or which skus there are too few of.
fn detail() -> Value {
    let shortage = Object::with(&text(), &["sku"]);
    let shortage = shortage.required("wanted", count()).required("available", count());
    json!({"anyOf": [text(), list(shortage)]})
}

/// Lines of an order or a cart.
fn lines() -> Value {
    let line = Object::with(&text(), &["sku"]).required("quantity", count());
    list(line.required("unit_price", amount()).optional("name", text()))
}

fn order() -> Object {
    let counts = ["version", "total", "paid", "refunded"];
    let order = Object::with(&text(), &["order_id", "status", "currency"]);
    let order = counts.iter().fold(order, |order, name| order.required(name, count()));
    order.required("lines", lines())
}

fn disputed() -> Object {
    order().required("provider", text()).required("dispute_id", text())
}

/// Adds the addresses and the metadata that an order may have.
fn with_details(order: Object) -> Object {
    let lines = json!({"type": "array", "items": text()});
    let address = ["name", "company", "city", "region", "postal_code", "country"]
        .iter()
        .fold(Object::default().required("lines", lines), |address, name| {
            address.optional(name, text())
        });
    let address = address.schema();
    order
        .optional("shipping_address", address.clone())
        .optional("billing_address", address)
        .optional("metadata", json!({"type": "object", "additionalProperties": true}))
}

fn sku() -> Object {
    Object::with(&text(), &["sku"]).required("available", count())
}

fn reservation() -> Object {
    let units = Object::with(&text(), &["sku"]).required("quantity", count());
    Object::with(&text(), &["order_id"]).required("lines", list(units))
}

fn cart() -> Object {
    Object::with(&text(), &["cart_id", "status", "currency", "updated_at"])
        .required("version", count())
        .required("total", amount())
        .required("lines", lines())
}

fn notification() -> Object {
    Object::with(&text(), &["notification_id", "kind", "order_id"])
}

fn delivery() -> Object {
    notification().required("channel", text()).required("attempts", count())
}
