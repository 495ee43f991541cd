//! What decoding says of the partition of a message.

use super::*;
use std::num::NonZeroU16;

const EIGHT: Decoder =
    Decoder { max_command_size: 1024, partitions: Partitions(NonZeroU16::new(8).unwrap()) };

/// `shop-12` is in partition 5 of 8, and the empty key in 4.
#[rstest]
#[case::of_an_order("order.cancel", r#"{"order_id":"shop-12:o-1"}"#, 5)]
#[case::of_a_sku("stock.set", r#"{"sku":"shop-12:tea","on_hand":1}"#, 5)]
#[case::without_a_key("order.cancel", r#"{"order_id":"o-1"}"#, 4)]
#[case::routed("p3.order.cancel", r#"{"order_id":"shop-12:o-1"}"#, 5)]
#[case::invalid("order.cancel", r#"{"order_id":"shop-12:o-1","reason":1}"#, 5)]
#[case::of_no_known_type("no.such", r#"{"order_id":"shop-12:o-1"}"#, 5)]
#[case::cut_off("order.cancel", r#"{"order_id":"shop-12:o-1","#, 5)]
#[case::unreadable("order.cancel", "{", 0)]
#[case::of_no_order("stock.set", r#"{"sku":"shop-12:tea"}"#, 0)]
fn a_message_belongs_to_a_partition(#[case] key: &str, #[case] body: &str, #[case] number: u16) {
    let message = plain(key, Some("m-1"), body);
    assert_eq!(EIGHT.partition_of(&EIGHT.decode(&message)), number);
    assert_eq!(DECODER.partition_of(&DECODER.decode(&message)), 0, "without partitions");
}

#[test]
fn the_type_in_a_routing_key_stands_behind_the_partition() {
    let message = plain("p3.order.cancel", Some("m-1"), DATA);
    assert_eq!(EIGHT.decode(&message).kind.as_str(), "order.cancel");
    assert_eq!(DECODER.decode(&message).kind.as_str(), "p3.order.cancel", "without partitions");
}

#[test]
fn ids_must_belong_together_where_there_are_partitions() {
    let body = r#"{"from_cart_id":"shop-1:c","into_cart_id":"shop-2:c"}"#;
    let message = plain("cart.merge", Some("m-1"), body);
    let invalid = EIGHT.decode(&message).command.expect_err("they do not");
    assert_eq!(invalid.reason, Reason::Validation);
    let detail = "into_cart_id: must begin with `shop-1:`, as from_cart_id does";
    assert_eq!(invalid.detail, detail);
    assert!(DECODER.decode(&message).command.is_ok(), "without partitions `:` means nothing");
}
