//! Notifications as the channels send them.

use orderly_domain::event::payload::CustomerData;
use orderly_domain::money::Currency;
use orderly_domain::notification::NotificationKind;
use serde_json::{Map, Value};

use super::definitions::{Definitions, any_of};
use super::events::{order, with_details};
use super::object::{Object, amount, described, only, text};

/// Defines all notifications. Says which definition belongs to which kind.
pub(super) fn define(definitions: &mut Definitions) -> Value {
    let mut all = Map::new();
    for kind in NotificationKind::ALL {
        let data = with_details(order(definitions), definitions);
        let data = match kind {
            NotificationKind::OrderConfirmed
            | NotificationKind::OrderExpired
            | NotificationKind::OrderCancelled => data.schema("The order."),
            NotificationKind::RefundSucceeded => {
                let currency = definitions.written::<Currency>();
                data.required("refund_id", text())
                    .required("amount", described(amount(), "The amount of the refund."))
                    .required("order_currency", described(currency, "The currency of the order."))
                    .schema("The order and the refund; `currency` is that of the refund.")
            }
        };
        let name = format!("{kind:?}Notification");
        let data = definitions.add(&format!("{name}Data"), data);
        let customer = definitions.written::<CustomerData<'static>>();
        let attempt = serde_json::json!({ "type": "integer", "minimum": 1 });
        let message = Object::default()
            .required("notification_id", described(text(), "The same at every delivery."))
            .required("kind", only(kind.as_str()))
            .required("order_id", text())
            .required("customer", customer)
            .required("data", data)
            .required("attempt", described(attempt, "The number of the attempt, from 1."))
            .schema(&format!("The notification `{}`.", kind.as_str()));
        all.insert(kind.as_str().to_owned(), definitions.add(&name, message));
    }
    let messages = any_of(all.values().cloned());
    definitions
        .add("NotificationMessage", described(messages, "A notification as a channel sends it."));
    Value::Object(all)
}
