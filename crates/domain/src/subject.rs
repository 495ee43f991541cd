//! The subject of a message: the ids that it names. Of an invalid message, the ids that can be read from its bytes.

use crate::id::{CartId, EventId, OrderId, Provider, Sku};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The order, the cart, the sku and the provider's event that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The order. Only valid commands have it.
    pub order_id: Option<OrderId>,
    /// The payment provider.
    pub provider: Option<Provider>,
    /// The provider's event.
    pub event_id: Option<EventId>,
    /// The cart; of a merge, the cart that gets the lines.
    pub cart_id: Option<CartId>,
    /// The sku. The skus of an order's lines do not count.
    pub sku: Option<Sku>,
}

type Members<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

impl Subject {
    /// The subject of a message with this body: the data of a command, or a CloudEvent that contains them.
    /// A member that is not a valid id counts as absent.
    pub fn read(body: &[u8]) -> Self {
        let Ok(mut members) = serde_json::from_slice::<Members<'_>>(body) else {
            return Self::default();
        };
        if members.contains_key("specversion") {
            let data = members.get("data").map(|data| data.get());
            members = data.and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        }
        Self {
            order_id: None,
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
    use crate::command::{Command, Kind};
    use rstest::rstest;
    use std::collections::BTreeSet;

    fn shown(subject: &Subject) -> String {
        let Subject { order_id: _, provider, event_id, cart_id, sku } = subject;
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

    /// The bytes of a command name what the command names, and its order.
    #[test]
    fn a_command_and_its_bytes_have_the_same_subject() {
        let mut kinds = BTreeSet::new();
        for row in include_str!("../tests/golden/data_hashes.txt").lines() {
            let words: Vec<_> = row.splitn(3, ' ').collect();
            let [name, _, data] = words[..] else { panic!("{row} is no row of three") };
            let kind = Kind::from_name(name).expect("is a type");
            let command = Command::parse(kind, data.as_bytes()).expect("is valid");
            let value: serde_json::Value = serde_json::from_str(data).expect("is JSON");
            let order_id = value["order_id"].as_str().map(|id| OrderId::new(id).expect("is an id"));
            let expected = Subject { order_id, ..Subject::read(data.as_bytes()) };
            assert_eq!(command.subject(), expected, "{row}");
            kinds.insert(kind);
        }
        assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)), "a type has no row");
    }
}
