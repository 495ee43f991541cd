//! The numbers that the store keeps for the actors: counters, timers, and the parts of entities.
//! (Tables: see `tables.rs`; enums within records: `numbers.rs` of the domain.)

use orderly_actors::changeset::TimerKind;
use orderly_actors::counters;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::cart::Cart;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, Status, Tombstone};
use orderly_domain::payment::Payments;
use orderly_domain::stored;
use orderly_domain::verdict::Reason;

#[test]
fn counters_keep_their_numbers() {
    let statuses = Status::ALL.iter().map(|status| (status.as_str(), counters::of_status(*status)));
    let expected = [
        ("rejected", 0),
        ("awaiting_payment", 1),
        ("partially_paid", 2),
        ("under_review", 3),
        ("paid", 4),
        ("completed", 5),
        ("expired", 6),
        ("cancelled", 7),
        ("refund_due", 8),
        ("partially_refunded", 9),
        ("refunded", 10),
    ];
    assert_eq!(statuses.collect::<Vec<_>>(), expected);
    assert_eq!((counters::WAITING, counters::PARKED_BYTES), (32, 33));
    let reasons = Reason::ALL.iter().map(|reason| (reason.as_str(), counters::of_parked(*reason)));
    let parked: Vec<_> = reasons.filter(|(_, number)| *number != 47).collect();
    let expected = [
        ("malformed", 40),
        ("unknown_type", 41),
        ("validation", 42),
        ("too_large", 43),
        ("deadline", 44),
        ("expired_identity", 45),
        ("conflict", 46),
        ("waiting_full", 48),
        ("order_never_came", 49),
    ];
    assert_eq!(parked, expected);
    assert_eq!(counters::of_parked(Reason::Failed), 47);
    // what is shown of parked messages has a counter of its own, each
    let shown = counters::PARKED_REASONS.map(counters::of_parked);
    assert_eq!(shown, [40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
}

#[test]
fn timers_keep_their_numbers() {
    let numbers = TimerKind::ALL.map(|kind| (format!("{kind:?}"), kind as u8));
    let expected = [
        ("Hold", 1),
        ("Waiting", 2),
        ("Notify", 3),
        ("Cart", 4),
        ("OrphanedCallback", 5),
        ("DeleteOrder", 6),
    ];
    assert_eq!(numbers, expected.map(|(kind, number)| (kind.to_owned(), number)));
    for kind in TimerKind::ALL {
        assert_eq!(TimerKind::from_number(kind as u8), Some(kind));
    }
}

#[test]
fn parts_keep_their_numbers() {
    fn place<S: State>() -> (u8, u8) {
        (S::TABLE.number(), S::PART)
    }
    let orders = [
        place::<Order>(),
        place::<Reservation>(),
        place::<Payments>(),
        place::<Notices>(),
        place::<Tombstone>(),
    ];
    assert_eq!(orders, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]);
    assert_eq!([place::<Cart>(), place::<Stock>()], [(1, 0), (2, 0)]);
}

#[test]
fn a_store_says_which_format_its_records_have() {
    assert_eq!(tables::SCHEMA.contents, stored::FORMAT);
}
