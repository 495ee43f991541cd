//! What a message is about, beside its order: also of one that cannot be a command, as far as its
//! bytes can be read.

use crate::command::Command;
use crate::id::{CartId, EventId, Provider, Sku};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The cart, the sku and the provider's event that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The payment provider.
    pub provider: Option<Provider>,
    /// The provider's event.
    pub event_id: Option<EventId>,
    /// The cart; of a merge the one that gets the lines.
    pub cart_id: Option<CartId>,
    /// The sku; not those of an order's lines.
    pub sku: Option<Sku>,
}

type Members<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

impl Subject {
    /// What `command` is about.
    pub fn of(command: &Command) -> Self {
        let of_cart = |id: &CartId| Self { cart_id: Some(id.clone()), ..Self::default() };
        match command {
            Command::StockSet(set) => Self { sku: Some(set.sku.clone()), ..Self::default() },
            Command::StockAdjust(adjust) => {
                Self { sku: Some(adjust.sku.clone()), ..Self::default() }
            }
            Command::CartPut(put) => Self { sku: Some(put.sku.clone()), ..of_cart(&put.cart_id) },
            Command::CartAdd(add) => Self { sku: Some(add.sku.clone()), ..of_cart(&add.cart_id) },
            Command::CartClear(clear) => of_cart(&clear.cart_id),
            Command::CartMerge(merge) => of_cart(&merge.into_cart_id),
            Command::CartCheckout(checkout) => of_cart(&checkout.cart_id),
            Command::PaymentCallback(callback) => Self {
                provider: Some(callback.provider.clone()),
                event_id: Some(callback.event_id.clone()),
                ..Self::default()
            },
            Command::OrderPlace(_)
            | Command::OrderCancel(_)
            | Command::OrderComplete(_)
            | Command::OrderResolve(_)
            | Command::RefundRequest(_) => Self::default(),
        }
    }

    /// What a message with this body is about: a command's data, or a CloudEvent around them. A
    /// member that is no valid id counts as absent.
    pub fn read(body: &[u8]) -> Self {
        let Ok(mut members) = serde_json::from_slice::<Members<'_>>(body) else {
            return Self::default();
        };
        if members.contains_key("specversion") {
            let data = members.get("data").map(|data| data.get());
            members = data.and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        }
        Self {
            provider: member(&members, "provider"),
            event_id: member(&members, "event_id"),
            cart_id: member(&members, "cart_id").or_else(|| member(&members, "into_cart_id")),
            sku: member(&members, "sku"),
        }
    }
}

fn member<T: DeserializeOwned>(members: &Members<'_>, name: &str) -> Option<T> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn shown(subject: &Subject) -> String {
        let Subject { provider, event_id, cart_id, sku } = subject;
        let words = [
            provider.as_ref().map(Provider::as_str),
            event_id.as_ref().map(EventId::as_str),
            cart_id.as_ref().map(CartId::as_str),
            sku.as_ref().map(Sku::as_str),
        ];
        words.map(|word| word.unwrap_or("-")).join(" ")
    }

    #[rstest]
    #[case(r#"{"provider": "acme", "event_id": "e-1", "order_id": 7}"#, "acme e-1 - -")]
    #[case(r#"{"cart_id": "k-1", "sku": "tea", "quantity": "many"}"#, "- - k-1 tea")]
    #[case(r#"{"from_cart_id": "k-1", "into_cart_id": "k-2"}"#, "- - k-2 -")]
    #[case(r#"{"specversion": "1.0", "sku": "no", "data": {"sku": "tea"}}"#, "- - - tea")]
    #[case(r#"{"specversion": "1.0", "data": "{}"}"#, "- - - -")]
    #[case(
        r#"{"cart_id": "two words", "sku": 5, "provider": null, "event_id": "\u0065"}"#,
        "- e - -"
    )]
    #[case(r#"{"sku": "tea""#, "- - - -")]
    #[case(r#"["tea"]"#, "- - - -")]
    #[case("", "- - - -")]
    fn of_bytes(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(shown(&Subject::read(body.as_bytes())), expected);
    }

    /// Of a valid command the bytes say the same as the command.
    #[test]
    fn of_commands() {
        for (kind, data) in [
            ("stock.set", r#"{"sku":"tea","on_hand":5}"#),
            ("stock.adjust", r#"{"sku":"tea","delta":5}"#),
            (
                "cart.put",
                r#"{"cart_id":"k","sku":"tea","quantity":2,"unit_price":5,"currency":"EUR"}"#,
            ),
            (
                "cart.add",
                r#"{"cart_id":"k","sku":"tea","quantity":2,"unit_price":5,"currency":"EUR"}"#,
            ),
            ("cart.clear", r#"{"cart_id":"k"}"#),
            ("cart.merge", r#"{"from_cart_id":"k-1","into_cart_id":"k-2"}"#),
            ("cart.checkout", r#"{"cart_id":"k","order_id":"o","customer":{"id":"c"}}"#),
            ("order.cancel", r#"{"order_id":"o"}"#),
            (
                "payment.callback",
                r#"{"provider":"acme","event_id":"e","order_id":"o","attempt_id":"a",
                    "kind":"failed","occurred_at":"2026-01-01T00:00:00Z"}"#,
            ),
        ] {
            let known = crate::command::Kind::from_name(kind).expect("is a type");
            let command = Command::parse(known, data.as_bytes()).expect("is valid");
            assert_eq!(Subject::of(&command), Subject::read(data.as_bytes()), "{kind}");
        }
    }
}
