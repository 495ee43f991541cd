//! Partitions: which one of several a command belongs to.
//!
//! The key of an id is what stands before its first `:` (`shop-12` of `shop-12:o-77`), and empty if it has none. All
//! order, cart and sku ids of a command have the same key: orders, carts and stock of one key are always in one
//! partition. The number of the partition is a function of the key that every producer can compute; it never changes.

use crate::command::Invalid;
use crate::id::Sku;
use sha2::{Digest as _, Sha256};
use std::num::NonZeroU16;

/// The key of an id.
pub fn key_of(id: &str) -> &str {
    id.split_once(':').map_or("", |(key, _)| key)
}

/// How many partitions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions(pub NonZeroU16);

impl Partitions {
    /// One partition: a namespace without partitions.
    pub const ONE: Self = Self(NonZeroU16::MIN);

    /// Whether there are several.
    pub fn are_several(self) -> bool {
        self != Self::ONE
    }

    /// Every number, from 0 on.
    pub fn numbers(self) -> std::ops::Range<u16> {
        0..self.0.get()
    }

    /// The number of the partition that an order, a cart or a sku of this id belongs to.
    pub fn of_id(self, id: &str) -> u16 {
        self.number_of(key_of(id))
    }

    /// The number of the partition that has `key`, from 0 on: the first 8 bytes of the SHA-256 of the key, as a
    /// big-endian number, modulo the number of partitions.
    pub fn number_of(self, key: &str) -> u16 {
        let rest = first_8_bytes(&Sha256::digest(key)) % u64::from(self.0.get());
        u16::try_from(rest).expect("a rest is less than the divisor")
    }
}

/// Orders the members of a cluster in an order of its own for each partition: the smallest comes first. All members compute the same.
pub fn rank(member: &str, partition: u16) -> u64 {
    let digest = Sha256::new().chain_update(partition.to_be_bytes()).chain_update(member);
    first_8_bytes(&digest.finalize())
}

fn first_8_bytes(digest: &[u8]) -> u64 {
    digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Goes through the ids of a command, and compares their keys.
#[derive(Debug, Default)]
pub(crate) struct Ids<'a> {
    first: Option<(&'static str, &'a str)>,
    /// The first field whose key is another one.
    other: Option<Invalid>,
}

impl<'a> Ids<'a> {
    /// The next id.
    pub(crate) fn id(&mut self, field: &'static str, id: &'a str) {
        self.compare(id, field, || field.to_owned());
    }

    /// The skus of a list.
    pub(crate) fn skus(&mut self, field: &'static str, skus: impl Iterator<Item = &'a Sku>) {
        for (at, sku) in skus.enumerate() {
            self.compare(sku.as_str(), field, || format!("{field}[{at}].sku"));
        }
    }

    fn compare(&mut self, id: &'a str, field: &'static str, path: impl FnOnce() -> String) {
        let key = key_of(id);
        let &mut (first_field, first) = self.first.get_or_insert((field, key));
        if key != first && self.other.is_none() {
            let begins = |key: &str| match key {
                "" => "have no `:`".to_owned(),
                key => format!("begin with `{key}:`"),
            };
            let problem = format_args!("must {}, as {first_field} does", begins(first));
            self.other = Some(Invalid::field(&path(), problem));
        }
    }

    /// The key of all of them.
    pub(crate) fn key(self) -> Result<&'a str, Invalid> {
        match (self.other, self.first) {
            (Some(invalid), _) => Err(invalid),
            (None, first) => Ok(first.map_or("", |(_, key)| key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Kind};
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn partitions(count: u16) -> Partitions {
        Partitions(NonZeroU16::new(count).expect("at least one"))
    }

    #[rstest]
    #[case("shop-12:o-77", "shop-12")]
    #[case("shop-12:o:77", "shop-12")]
    #[case("o-77", "")]
    #[case(":o-77", "")]
    #[case("shop-12:", "shop-12")]
    fn the_key_stands_before_the_first_colon(#[case] id: &str, #[case] key: &str) {
        assert_eq!(key_of(id), key);
    }

    /// A change of a number would send the commands of an order to a partition that does not know it. Made with Python: `int.from_bytes(sha256(key).digest()[:8], "big") % count`.
    #[rstest]
    #[case("", 1, 0)]
    #[case("", 8, 4)]
    #[case("shop-12", 8, 5)]
    #[case("shop-12", 64, 5)]
    #[case("shop-13", 64, 25)]
    #[case("a", 7, 4)]
    #[case("~", 65_535, 63_691)]
    fn numbers_never_change(#[case] key: &str, #[case] count: u16, #[case] number: u16) {
        assert_eq!(partitions(count).number_of(key), number);
    }

    /// The same for ids; the adapters of `examples/providers` are tested with this table, too.
    #[test]
    fn the_numbers_of_ids_never_change() {
        for row in include_str!("../tests/golden/partitions.txt").lines() {
            let [id, count, number] = row.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{row}");
            };
            let count = partitions(count.parse().expect("a number"));
            assert_eq!(count.of_id(id).to_string(), number, "{row}");
        }
    }

    proptest! {
        #[test]
        fn keys_spread_evenly(prefix in "[a-z]{0,8}", count in 2..=64_u16) {
            let mut found = vec![0_u32; usize::from(count)];
            let of_each = 200;
            for key in 0..of_each * u32::from(count) {
                let number = partitions(count).number_of(&format!("{prefix}-{key}"));
                found[usize::from(number)] += 1;
            }
            // 200 keys a partition: the standard deviation is 14, and 100 is seven of them
            prop_assert!(found.iter().all(|found| found.abs_diff(of_each) < 100), "{found:?}");
        }
    }

    fn customer() -> Value {
        json!({"id": "c-1"})
    }

    fn line(sku: &str) -> Value {
        json!({"sku": sku, "quantity": 1, "unit_price": 1, "currency": "EUR"})
    }

    fn key(kind: Kind, data: &Value) -> Result<String, String> {
        let command = Command::parse(kind, data.to_string().as_bytes()).expect("valid data");
        let key = command.partition_key().map(str::to_owned);
        key.map_err(|invalid| invalid.detail)
    }

    #[rstest]
    #[case(Kind::StockSet, json!({"sku": "s:tea", "on_hand": 1}))]
    #[case(Kind::StockAdjust, json!({"sku": "s:tea", "delta": 1}))]
    #[case(Kind::CartPut, json!({"cart_id": "s:c", "sku": "s:tea", "quantity": 1, "unit_price": 1, "currency": "EUR"}))]
    #[case(Kind::CartAdd, json!({"cart_id": "s:c", "sku": "s:tea", "quantity": 1, "unit_price": 1, "currency": "EUR"}))]
    #[case(Kind::CartClear, json!({"cart_id": "s:c"}))]
    #[case(Kind::CartMerge, json!({"from_cart_id": "s:c", "into_cart_id": "s:d"}))]
    #[case(Kind::CartCheckout, json!({"cart_id": "s:c", "order_id": "s:o", "customer": customer()}))]
    #[case(Kind::OrderPlace, json!({"order_id": "s:o", "customer": customer(), "currency": "EUR", "lines": [line("s:tea")]}))]
    #[case(Kind::OrderCancel, json!({"order_id": "s:o"}))]
    #[case(Kind::OrderComplete, json!({"order_id": "s:o"}))]
    #[case(Kind::PaymentCallback, json!({"provider": "p", "event_id": "e", "order_id": "s:o", "attempt_id": "a", "kind": "failed", "occurred_at": "2026-01-01T00:00:00Z"}))]
    #[case(Kind::OrderResolve, json!({"order_id": "s:o", "decision": "cancel"}))]
    #[case(Kind::RefundRequest, json!({"order_id": "s:o", "refund_id": "r", "amount": 1, "currency": "EUR", "restock": [{"sku": "s:tea", "quantity": 1}]}))]
    #[case(Kind::OrderCapture, json!({"order_id": "s:o"}))]
    #[case(Kind::OrderAmend, json!({"order_id": "s:o", "lines": [{"sku": "s:tea", "quantity": 1}]}))]
    fn every_id_of_a_command_counts(#[case] kind: Kind, #[case] data: Value) {
        assert_eq!(key(kind, &data), Ok("s".to_owned()));
        // each of them alone makes it invalid
        let text = data.to_string();
        let ids: Vec<usize> = text.match_indices("\"s:").map(|(at, _)| at + 1).collect();
        for at in &ids {
            let other = format!("{}t{}", &text[..*at], &text[at + 1..]);
            let other = serde_json::from_str(&other).expect("JSON");
            assert_eq!(key(kind, &other).is_err(), ids.len() > 1, "{other}");
        }
    }

    #[test]
    fn the_field_with_another_key_is_named() {
        let lines = [line("s:tea"), line("s:mug"), line("mug")];
        let data =
            json!({"order_id": "s:o", "customer": customer(), "currency": "EUR", "lines": lines});
        let expected = "lines[2].sku: must begin with `s:`, as order_id does".to_owned();
        assert_eq!(key(Kind::OrderPlace, &data), Err(expected));
        let data = json!({"from_cart_id": "c", "into_cart_id": "s:c"});
        let expected = "into_cart_id: must have no `:`, as from_cart_id does".to_owned();
        assert_eq!(key(Kind::CartMerge, &data), Err(expected));
    }
}
