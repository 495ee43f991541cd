//! The subject of a message: the ids that it names. Of an invalid message, the ids that can be read from its bytes, and its
//! trace.

mod scan;

use crate::id::{CartId, EventId, OrderId, Provider, Sku};
use crate::trace::TraceParent;
use scan::scan;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The order, the cart, the sku and the provider's event that a message names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The order.
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

/// The members that are read, and those that say where they are.
const WANTED: [&str; 8] =
    ["specversion", "data", "order_id", "provider", "event_id", "cart_id", "into_cart_id", "sku"];

impl Subject {
    /// The subject of a message with these bytes: the data of a command, or a CloudEvent that contains them. The bytes may
    /// be cut off, or no JSON: what can be read counts. A member that is not a valid id counts as absent; a whole number
    /// counts as the text of its digits.
    ///
    /// It takes time in proportion to the bytes: the caller bounds them.
    pub fn read(bytes: &[u8]) -> Self {
        let found = scan(bytes, &WANTED);
        let (outer, mut data) = (found.outer, found.data);
        if let Some(text) = outer.get("data") {
            // the data were encoded twice
            data = scan(text.as_bytes(), &WANTED).outer;
        }
        let outer = if outer.contains_key("specversion") { BTreeMap::new() } else { outer };
        let members = [outer, data];
        Self {
            order_id: member(&members, "order_id"),
            provider: member(&members, "provider"),
            event_id: member(&members, "event_id"),
            cart_id: member(&members, "cart_id").or_else(|| member(&members, "into_cart_id")),
            sku: member(&members, "sku"),
        }
    }
}

/// The trace that a CloudEvent with these bytes names. They may be cut off, or no JSON, like those of a [`Subject`].
pub fn trace(event: &[u8]) -> Option<TraceParent> {
    const NAME: &str = "traceparent";
    scan(event, &[NAME]).outer.get(NAME).and_then(|text| TraceParent::parse(text))
}

/// The member of the first object that has it as a valid id.
fn member<T: FromStr>(objects: &[BTreeMap<String, String>], name: &str) -> Option<T> {
    objects.iter().find_map(|members| members.get(name)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Kind};
    use rstest::rstest;
    use std::collections::BTreeSet;

    fn shown(subject: &Subject) -> String {
        let Subject { order_id, provider, event_id, cart_id, sku } = subject;
        let words = [
            order_id.as_ref().map(OrderId::as_str),
            provider.as_ref().map(Provider::as_str),
            event_id.as_ref().map(EventId::as_str),
            cart_id.as_ref().map(CartId::as_str),
            sku.as_ref().map(Sku::as_str),
        ];
        words.map(|word| word.unwrap_or("-")).join(" ")
    }

    #[rstest]
    // order, provider, event, cart, sku
    #[case(r#"{"provider": "acme", "event_id": "e-1", "order_id": "o-1"}"#, "o-1 acme e-1 - -")]
    #[case(r#"{"cart_id": "k-1", "sku": "tea", "quantity": "many"}"#, "- - - k-1 tea")]
    #[case(r#"{"from_cart_id": "k-1", "into_cart_id": "k-2"}"#, "- - - k-2 -")]
    #[case(r#"{"sku": "a", "sku": "b"}"#, "- - - - b")]
    // a CloudEvent, what looks like one, and data that were encoded twice
    #[case(r#"{"specversion": "1.0", "sku": "no", "data": {"sku": "tea"}}"#, "- - - - tea")]
    #[case(r#"{"data": {"order_id": "o-1"}, "specversion": "1.0"}"#, "o-1 - - - -")]
    #[case(r#"{"type": "order.cancel", "data": {"order_id": "o-1"}}"#, "o-1 - - - -")]
    #[case(r#"{"specversion": "1.0", "data": "{\"order_id\": \"o-1\"}"}"#, "o-1 - - - -")]
    #[case(r#"{"specversion": "1.0", "data": "{}"}"#, "- - - - -")]
    // what stands in lists and inner objects is not the subject
    #[case(r#"{"lines": [{"sku": "tea"}], "customer": {"order_id": "o-9"}}"#, "- - - - -")]
    #[case(
        r#"{"data": {"lines": [{"sku": "tea"}], "metadata": {"order_id": "o-9"}}}"#,
        "- - - - -"
    )]
    #[case(r#"{"note": "\"order_id\": \"o-9\"", "order_id": "o-1"}"#, "o-1 - - - -")]
    #[case(r#"{"lines": [{"sku": "tea"}, {"sku": "cup"}], "order_id": "o-1"}"#, "o-1 - - - -")]
    // what is no id
    #[case(
        r#"{"cart_id": "two words", "sku": null, "provider": true, "event_id": "\u0065"}"#,
        "- - e - -"
    )]
    #[case(r#"{"order_id": 1234, "event_id": -5, "sku": 1.5}"#, "1234 - - - -")]
    #[case(r#"{"order_id": {"id": "o-1"}, "sku": ["tea"]}"#, "- - - - -")]
    // cut off, or malformed further on
    #[case(r#"{"order_id": "o-1", "event_id": "e-1"#, "o-1 - - - -")]
    #[case(r#"{"order_id": "o-1", "amount": 5,, "provider": "acme"}"#, "o-1 acme - - -")]
    #[case(r#"{"order_id": "o-1", "amount": NaN, "provider": "acme"}"#, "o-1 acme - - -")]
    #[case(r#"{"order_id": "o-1" "provider": "acme"}"#, "o-1 acme - - -")]
    #[case(r#"{"order_id": "o-1", "name": "un"closed", "provider": "acme"}"#, "o-1 - - - -")]
    #[case(r#"{"order_id": 12"#, "- - - - -")]
    #[case(r#""order_id": "o-1"}"#, "o-1 - - - -")]
    #[case(r#"{"sku": "tea""#, "- - - - tea")]
    #[case("{'order_id': 'o-1', 'amount': None}", "o-1 - - - -")]
    #[case("{order_id: \"o-1\", amount: 5}", "o-1 - - - -")]
    #[case("order_id=o-1&amount=5", "- - - - -")]
    #[case(r#"["tea"]"#, "- - - - -")]
    #[case("", "- - - - -")]
    fn of_bytes(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(shown(&Subject::read(body.as_bytes())), expected);
    }

    #[rstest]
    #[case(r#"{"traceparent": "TRACE", "id": 7, "data": {}}"#, true)]
    #[case(r#"{"id": "m-1", "traceparent": "TRACE", "data": {"order_id": "o-"#, true)]
    #[case(r#"{"traceparent": "TRACE""#, true)]
    #[case(r#"{"traceparent": "TRACE"#, false)]
    #[case(r#"{"data": {"traceparent": "TRACE"}}"#, false)]
    #[case(r#"{"data": {"note": "\"traceparent\": \"TRACE\""}}"#, false)]
    #[case(r#"{"traceparent": "00-TRACE"}"#, false)]
    #[case(r#"{"traceparent": 7}"#, false)]
    #[case("", false)]
    fn of_bytes_the_trace(#[case] event: &str, #[case] is_read: bool) {
        const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let found = trace(event.replace("TRACE", TRACE).as_bytes());
        assert_eq!(found, TraceParent::parse(TRACE).filter(|_| is_read));
    }

    #[test]
    fn any_bytes_are_read_in_time() {
        let mut bodies = vec![vec![0xff; 1 << 20], vec![b'{'; 1 << 20], vec![b'"'; 1 << 20]];
        bodies.push(b"{\"a\":\"\\".repeat(1 << 16));
        bodies.push(b"\"\\u".repeat(1 << 18));
        for body in bodies {
            assert_eq!(Subject::read(&body), Subject::default());
        }
    }

    proptest::proptest! {
        /// However a message is cut, an id is read whole or not at all.
        #[test]
        fn an_id_is_never_read_in_part(end in 0..80_usize) {
            let body = br#"{"provider": "acme", "amount": 5, "order_id": "o-1", "event_id": 1234, "x": 1}"#;
            let Subject { order_id, provider, event_id, .. } = Subject::read(&body[..end.min(body.len())]);
            proptest::prop_assert!(order_id.is_none_or(|id| id.as_str() == "o-1"));
            proptest::prop_assert!(provider.is_none_or(|id| id.as_str() == "acme"));
            proptest::prop_assert!(event_id.is_none_or(|id| id.as_str() == "1234"));
        }
    }

    /// The bytes of a command name what the command names.
    #[test]
    fn a_command_and_its_bytes_have_the_same_subject() {
        let mut kinds = BTreeSet::new();
        for row in include_str!("../../tests/golden/data_hashes.txt").lines() {
            let words: Vec<_> = row.splitn(3, ' ').collect();
            let [name, _, data] = words[..] else { panic!("{row} is no row of three") };
            let kind = Kind::from_name(name).expect("is a type");
            let command = Command::parse(kind, data.as_bytes()).expect("is valid");
            assert_eq!(command.subject(), Subject::read(data.as_bytes()), "{row}");
            kinds.insert(kind);
        }
        assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)), "a type has no row");
    }
}
