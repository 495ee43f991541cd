//! States in the stored form of an earlier build, as if that build had processed the command. When they are read again, their
//! upgrade must give the state back.

use bytes::Bytes;
use minicbor::Encoder;
use orderly_actors::states::{self, State};
use orderly_domain::inventory::Stock;
use orderly_domain::order::{ConfirmOn, Order, Status};
use orderly_store::{Ordinal, Put, Table, Unit};
use std::fmt::Debug;

/// The unit, with the states that an earlier build could have stored in its form.
pub(crate) fn unit(unit: &Unit) -> Unit {
    let put = |put: &Put| {
        let value = put.value.as_ref().map(|value| {
            form_of(put.table, put.part, value).unwrap_or_else(|| Bytes::clone(value))
        });
        Put { value, ..put.clone() }
    };
    Unit { puts: unit.puts.iter().map(put).collect(), ..unit.clone() }
}

/// The form that an earlier build gave the same state. `None`: it did not know such a state, or had the same form.
pub(crate) fn form_of(table: Table, part: u8, value: &[u8]) -> Option<Bytes> {
    match (table, part) {
        (Order::TABLE, Order::PART) => upgraded(value, order),
        (Stock::TABLE, Stock::PART) => upgraded(value, stock),
        _ => None,
    }
}

/// The earlier form of a state. Its upgrade must give the state back.
fn upgraded<S>(value: &[u8], form_of: impl FnOnce(&S) -> Option<Bytes>) -> Option<Bytes>
where
    S: State + PartialEq + Debug,
{
    let state: S = states::decode(Ordinal(0), value).ok()?;
    let form = form_of(&state)?;
    let upgraded: S = states::decode(Ordinal(0), &form).expect("an earlier form can be read");
    assert_eq!(upgraded, state, "the upgrade of an earlier form gives the state back");
    Some(form)
}

/// Version 1 of an order.
fn order(order: &Order) -> Option<Bytes> {
    let completed_at = (order.status == Status::Completed).then_some(order.updated_at);
    let is_known = order.confirm_on == ConfirmOn::Capture
        && order.hold_since == order.placed_at
        && order.completed_at == completed_at
        && (order.written_off, order.early_refunds, order.has_details) == (0, 0, false);
    if !is_known {
        return None;
    }
    let mut encoder = encoder();
    let fields = encoder.array(16).ok()?;
    fields.encode(&order.id).ok()?.encode(&order.customer).ok()?.encode(order.currency).ok()?;
    fields.encode(&*order.lines).ok()?.encode(&*order.adjustments).ok()?;
    fields.encode(order.total).ok()?.encode(&order.cart).ok()?.encode(order.status).ok()?;
    fields.encode(order.version).ok()?.encode(order.paid).ok()?.encode(order.refunded).ok()?;
    fields.encode(order.auto_refunds_requested).ok()?.encode(order.disputed).ok()?;
    fields.encode(order.hold_for).ok()?.encode(order.placed_at).ok()?;
    fields.encode(order.updated_at).ok()?;
    Some(encoder.into_writer().into())
}

/// Version 1 of a stock, which did not count its versions.
fn stock(stock: &Stock) -> Option<Bytes> {
    if stock.version != 1 {
        return None;
    }
    let mut encoder = encoder();
    let fields = encoder.array(4).ok()?;
    fields.encode(&stock.sku).ok()?.encode(stock.on_hand).ok()?.encode(stock.held).ok()?;
    fields.encode(stock.low_at).ok()?;
    Some(encoder.into_writer().into())
}

/// Version 1, and then CBOR.
fn encoder() -> Encoder<Vec<u8>> {
    Encoder::new(vec![1])
}
