//! The numbers that the store keeps for the core: counters, timers, tables, and the parts of entities. They are those of
//! the table of the domain crate, which has the enums within records as well.

#[path = "../../crates/domain/tests/support/numbers.rs"]
#[allow(dead_code, unreachable_pub, reason = "the domain's own tests use the rest of it")]
mod numbers;

use orderly_actors::changeset::TimerKind;
use orderly_actors::counters::{self, ParkedReason};
use orderly_actors::parked;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::cart::Cart;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails, Status, Tombstone};
use orderly_domain::parked::ParkedOfOrder;
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_domain::stored::{self, Stored};
use orderly_domain::verdict::Reason;

#[test]
fn counters_keep_their_numbers() {
    let orders = Status::ALL
        .iter()
        .map(|status| (counters::of_status(*status), format!("order_{}", status.as_str())));
    let parked = ParkedReason::ALL
        .iter()
        .map(|reason| (counters::of_parked(*reason), format!("parked_{}", reason.as_str())));
    let others = [
        (counters::WAITING, "waiting"),
        (counters::PARKED_BYTES, "parked_bytes"),
        (counters::UPGRADED, "captures_named"),
        (counters::PARKED_LINKED, "parked_linked"),
        (counters::LISTS_BUILT, "lists_built"),
    ];
    let others = others.map(|(number, name)| (number, name.to_owned()));
    numbers::check("Counter", orders.chain(parked).chain(others));
}

/// A reason that has a counter counts there, every other one as `failed`.
#[test]
fn a_parked_message_counts_under_its_reason_or_as_failed() {
    for reason in Reason::ALL {
        let own = ParkedReason::from_name(reason.as_str());
        assert_eq!(ParkedReason::from(*reason), own.unwrap_or(ParkedReason::Failed));
    }
    let own = ParkedReason::ALL.iter().map(|reason| Reason::from_name(reason.as_str()));
    assert!(own.into_iter().all(|reason| reason.is_some()));
}

#[test]
fn timers_keep_their_numbers() {
    numbers::check(
        "TimerKind",
        TimerKind::ALL.iter().map(|kind| (*kind as u8, format!("{kind:?}"))),
    );
    for kind in TimerKind::ALL {
        assert_eq!(TimerKind::from_number(*kind as u8), Some(*kind));
    }
}

#[test]
fn tables_keep_their_numbers() {
    let specs = tables::SCHEMA.tables.iter();
    numbers::check("Table", specs.map(|spec| (spec.table.number(), spec.name.to_owned())));
}

#[test]
fn parts_keep_their_numbers() {
    fn part<S: State + Stored>(table: orderly_store::Table) -> (u8, String) {
        assert_eq!(S::TABLE, table);
        (S::PART, S::KIND.replace(' ', "_"))
    }
    let orders = [
        part::<Order>(tables::ORDERS),
        part::<Reservation>(tables::ORDERS),
        part::<Payments>(tables::ORDERS),
        part::<Notices>(tables::ORDERS),
        part::<Tombstone>(tables::ORDERS),
        part::<OrderDetails>(tables::ORDERS),
        part::<ParkedOfOrder>(tables::ORDERS),
    ];
    numbers::check("OrdersPart", orders);
    numbers::check("CartsPart", [part::<Cart>(tables::CARTS)]);
    numbers::check("SkusPart", [part::<Stock>(tables::SKUS)]);
    let parked =
        [(parked::ABOUT, "about"), (parked::BODY, "body"), (parked::RESOLUTION, "resolution")];
    let parked = parked.map(|(number, name)| (number, name.to_owned()));
    numbers::check("ParkedPart", parked);
    numbers::check("FoldedPart", [part::<FoldedItem>(tables::FOLDED)]);
}

#[test]
fn a_store_says_which_format_its_records_have() {
    assert_eq!(tables::SCHEMA.contents, stored::FORMAT);
}
