//! In which lists the states are, and what changes when a state does.

mod support;

use orderly_domain::lists::{
    Changed, InLists, Kind, List, Listed, changes, has_pending_refund, of_folded_item, of_money,
    of_order, of_parked, of_payments, of_reservation,
};
use orderly_domain::money::Currency;
use orderly_domain::order::{Order, Status};
use orderly_domain::parked::Parked;
use orderly_domain::payment::rules::attention;
use orderly_domain::payment::{Attempt, CaptureIdentity, Payments, RefundState, Waiting};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::{at, folded_items, id, orders, payments, reservations, text};

#[test]
fn the_kinds_keep_their_numbers() {
    let numbers = Kind::ALL.iter().map(|kind| (*kind as u8, format!("{kind:?}")));
    support::numbers::check("ListKind", numbers);
}

/// The numbers of lists are in stores: they never change.
#[test]
fn the_lists_keep_their_numbers() {
    let long = "x".repeat(128);
    let rows = [
        (List::Status(Status::Rejected), 0x0100_0000_0000_0000),
        (List::Status(Status::Authorized), 0x0100_0000_0000_000b),
        (List::Disputed, 0x0500_0000_0000_0000),
        (List::RefundPending, 0x0600_0000_0000_0000),
        (List::Hold, 0x0700_0000_0000_0000),
        (List::Waiting, 0x0800_0000_0000_0000),
        (List::Customer(&id("c-1")), CUSTOMER),
        (List::Email("Ada@Example.COM"), EMAIL),
        (List::Email("ada@example.com"), EMAIL),
        (List::Email("JÜRGEN@KÖLN.example"), UMLAUT),
        (List::Email("jürgen@köln.example"), UMLAUT),
        (List::Sku(&id("tea")), SKU),
        (List::Reference("tea"), SKU & FINGERPRINT | 0x09 << 56),
        (List::FoldedReference("tea"), SKU & FINGERPRINT | 0x0a << 56),
        (List::ParkedCommand(&long), LONG | 0x0b << 56),
        (List::ParkedCommand(""), EMPTY | 0x0b << 56),
        (List::ParkedEvent("tea"), SKU & FINGERPRINT | 0x0c << 56),
        (List::Attention, 0x0d00_0000_0000_0000),
        (List::Message("tea"), SKU & FINGERPRINT | 0x80 << 56),
        (List::Event("tea"), SKU & FINGERPRINT | 0x81 << 56),
    ];
    for (list, number) in rows {
        assert_eq!(list.number(), number, "{list:?} {:#018x}", list.number());
    }
}

const FINGERPRINT: u64 = (1 << 56) - 1;
const CUSTOMER: u64 = 0x02e9_186f_d56b_74d8;
const EMAIL: u64 = 0x0303_7cb3_21cf_8505;
const UMLAUT: u64 = 0x0353_2b07_6d95_6c05;
const SKU: u64 = 0x044c_34c5_d28b_9545;
const EMPTY: u64 = 0x00ec_ba3d_f2c3_383c;
const LONG: u64 = 0x00c0_e647_13dd_9d6b;

#[test]
fn hashes_of_similar_texts_are_spread_over_all_bits() {
    let hashes: BTreeSet<u64> =
        (0..20_000).map(|n| List::Reference(&format!("pi_{n:08}")).number()).collect();
    assert_eq!(hashes.len(), 20_000);
    for bit in 0..56 {
        let ones = hashes.iter().filter(|hash| *hash >> bit & 1 == 1).count();
        assert!((9_000..11_000).contains(&ones), "bit {bit}: {ones} of 20,000");
    }
}

fn listed(list: List, rank: Timestamp) -> Listed {
    Listed { list: list.number(), rank: rank.micros() }
}

/// Places without an order.
fn set(lists: impl IntoIterator<Item = Listed>) -> BTreeSet<Listed> {
    lists.into_iter().collect()
}

#[test]
fn an_order_is_in_the_lists_of_what_it_has() {
    let [(_, full), (_, small)] = <[_; 2]>::try_from(orders()).expect("two orders");
    let placed = full.placed_at;
    let both = [
        listed(List::Status(Status::PartiallyRefunded), placed),
        listed(List::Customer(&id("c-1")), placed),
        listed(List::Email("A@example.com"), placed),
        listed(List::Sku(&id("tea")), placed),
        listed(List::Sku(&id("cup")), placed),
        listed(List::Disputed, placed),
    ];
    assert_eq!(of_order(&full), both);
    let least = [List::Status(Status::Rejected), List::Customer(&id("c-2"))]
        .map(|list| listed(list, placed));
    assert_eq!(of_order(&small), least);
    // two lines of one sku are one place
    let twice = Order { lines: [&full.lines[..1], &full.lines[..1]].concat().into(), ..full };
    assert_eq!(of_order(&twice).len(), 5);
}

#[test]
fn an_order_is_in_the_list_of_holds_while_its_hold_has_an_end() {
    for (name, reservation) in reservations() {
        let wanted = match name {
            "held" | "frozen" => vec![listed(List::Hold, at(900))],
            "standing" | "committed" | "released" | "expired" => vec![],
            other => panic!("a further state: {other}"),
        };
        assert_eq!(of_reservation(&reservation), wanted, "{name}");
    }
}

#[test]
fn an_order_is_in_the_lists_of_the_ids_of_its_payments() {
    let [(_, full), (_, empty)] = <[_; 2]>::try_from(payments()).expect("two");
    let reference = |id| Listed { list: List::Reference(id).number(), rank: 0 };
    let ids = ["a-1", "cap-1", "e-1", "a-2", "r-1", "r-2", "d-1"].map(reference);
    // the callbacks that wait came at 5 and at 6
    let waiting = listed(List::Waiting, at(5));
    assert_eq!(set(of_payments(&full)), set(ids.into_iter().chain([waiting])));
    assert_eq!(of_payments(&full).len(), 8, "each once");
    assert_eq!(of_payments(&empty), []);
}

#[test]
fn a_refund_is_pending_until_its_provider_answers_kept_or_folded() {
    let [(_, full), (_, empty)] = <[_; 2]>::try_from(payments()).expect("two");
    let with = |state, is_folded_pending: bool| {
        let mut payments = full.clone();
        payments.refunds[0].state = state;
        let money = &mut payments.folded.as_mut().expect("it has").sums.money[0];
        money.requested.0 = i128::from(is_folded_pending);
        has_pending_refund(&payments)
    };
    assert!(with(RefundState::Requested, false) && with(RefundState::Succeeded, true));
    assert!(!with(RefundState::Succeeded, false) && !with(RefundState::Failed, false));
    assert!(!has_pending_refund(&empty));
}

/// The lists of an order's money, as they are defined.
fn money(order: &Order, payments: &Payments) -> Vec<Listed> {
    let is_odd = !attention(payments, order.currency).is_empty();
    let pending = has_pending_refund(payments).then_some(List::RefundPending);
    let lists = pending.into_iter().chain(is_odd.then_some(List::Attention));
    lists.map(|list| listed(list, order.placed_at)).collect()
}

#[test]
fn an_order_is_in_the_lists_of_its_money() {
    let (_, order) = orders().remove(0);
    let (_, full) = payments().remove(0);
    let mut simple = Payments { attempts: full.attempts[..1].to_vec(), ..Payments::default() };
    simple.attempts[0].folded = None;
    let other = Currency::from_code("USD").expect("a currency");
    assert_ne!(order.currency, other);
    for currency in [order.currency, other] {
        let capture = &mut simple.attempts[0].captures[0];
        (capture.currency, capture.amount) = (currency, 500);
        simple.attempts[0].captures.truncate(1);
        let lists = of_money(&order, &simple);
        assert_eq!(lists, money(&order, &simple));
        let is_odd = lists.contains(&listed(List::Attention, order.placed_at));
        assert_eq!(is_odd, currency == other, "{currency}");
    }
    let mut asked = full;
    asked.refunds[0].state = RefundState::Requested;
    assert!(of_money(&order, &asked).contains(&listed(List::RefundPending, order.placed_at)));
    // a refund alone, with nothing folded
    let alone = Payments { refunds: asked.refunds[..1].to_vec(), ..Payments::default() };
    assert_eq!(of_money(&order, &alone)[0], listed(List::RefundPending, order.placed_at));
}

#[test]
fn a_folded_item_is_in_the_lists_of_its_ids() {
    for (name, item) in folded_items() {
        let wanted: &[&str] = match name {
            "attempt" => &["a-1", "cap-1", "e-1"],
            "refund" => &["r-1"],
            "dispute" => &["d-1"],
            "unknown" | "nothing" => &[],
            other => panic!("a further kind: {other}"),
        };
        let reference = |id: &&str| Listed { list: List::FoldedReference(id).number(), rank: 0 };
        assert_eq!(of_folded_item(&item), wanted.iter().map(reference).collect::<Vec<_>>());
    }
}

#[test]
fn a_parked_message_is_in_the_lists_of_its_id_and_of_its_event() {
    let none = Parked {
        reason: Reason::Malformed,
        command_id: None,
        source: None,
        r#type: None,
        order_id: Some("o-1".to_owned()),
        content_type: None,
        content_encoding: None,
        received_at: at(20),
        attempts: 1,
        detail: None,
        size: 0,
        truncated: false,
        provider: None,
        event_id: None,
        cart_id: None,
        sku: None,
        link: None,
        trace: None,
    };
    let command = Parked { command_id: Some("m-1".to_owned()), ..none.clone() };
    let both = Parked { event_id: Some(id("e-1")), ..command.clone() };
    assert_eq!(of_parked(&none), []);
    assert_eq!(of_parked(&command), [listed(List::ParkedCommand("m-1"), at(20))]);
    let event = listed(List::ParkedEvent("e-1"), at(20));
    assert_eq!(of_parked(&both), [of_parked(&command)[0], event]);
}

/// The places that a change adds and removes, each once, what is gone first.
fn changed<S: InLists>(
    before: Option<&S>,
    after: Option<&S>,
) -> (BTreeSet<Listed>, BTreeSet<Listed>) {
    let (mut gone, mut added) = (BTreeSet::new(), BTreeSet::new());
    changes(before, after, &mut |listed, change| {
        let is_new = match change {
            Changed::Gone => gone.insert(listed),
            Changed::Added => added.insert(listed),
        };
        assert!(is_new, "{listed:?} twice");
    });
    (gone, added)
}

/// Checks that a change gives the difference of the places, and nothing else.
fn check<S: InLists + std::fmt::Debug>(before: Option<&S>, after: Option<&S>) {
    let places = |state: Option<&S>| {
        let mut places = BTreeSet::new();
        let each = |state: &S| state.each(&mut |listed| assert!(places.insert(listed)));
        state.into_iter().for_each(each);
        places
    };
    let (earlier, later) = (places(before), places(after));
    let wanted = (&earlier - &later, &later - &earlier);
    assert_eq!(changed(before, after), wanted, "{before:?} {after:?}");
}

fn any_order() -> impl Strategy<Value = Order> {
    let (_, order) = orders().remove(0);
    let skus = prop::collection::vec(0_usize..3, 1..4);
    let status = prop::sample::select(Status::ALL);
    let email = prop::sample::select(vec![None, Some("a@x"), Some("A@X"), Some("b@x")]);
    let line = order.lines[0].clone();
    (status, 0..2_u8, email, skus, any::<bool>(), 0..2_i64).prop_map(
        move |(status, customer, email, skus, disputed, placed)| {
            let mut order = order.clone();
            order.customer.id = id(&format!("c-{customer}"));
            order.customer.email = email.and_then(text);
            let lines = skus.into_iter().map(|sku| {
                let sku = id(["tea", "cup", "pot"][sku]);
                orderly_domain::money::Line { sku, ..line.clone() }
            });
            order.lines = lines.collect();
            Order { status, disputed, placed_at: at(placed), ..order }
        },
    )
}

fn any_payments() -> impl Strategy<Value = Payments> {
    let (_, full) = payments().remove(0);
    let few =
        |names: &'static [&'static str]| prop::collection::vec(prop::sample::select(names), 0..4);
    let parts = (few(&["x", "y"]), few(&["x", "z"]), few(&["r", "x"]), few(&["d"]));
    (parts, prop::collection::vec(5..7_i64, 0..3)).prop_map(
        move |((attempts, captures, refunds, disputes), since)| {
            let attempt = |name: &&str| {
                let mut captures: Vec<_> = captures
                    .iter()
                    .map(|name| {
                        let identity = CaptureIdentity::Capture(id(name));
                        let capture = full.attempts[0].captures[0].clone();
                        orderly_domain::payment::Capture { identity, ..capture }
                    })
                    .collect();
                captures.truncate(name.len() + 1);
                Attempt { id: id(name), captures, ..full.attempts[0].clone() }
            };
            let refund = |name: &&str| orderly_domain::payment::Refund {
                id: id(name),
                ..full.refunds[0].clone()
            };
            let dispute = |name: &&str| orderly_domain::payment::Dispute {
                id: id(name),
                ..full.disputes[0].clone()
            };
            let wait = |since: &i64| Waiting { since: at(*since), ..full.waiting[0].clone() };
            Payments {
                attempts: attempts.iter().map(attempt).collect(),
                refunds: refunds.iter().map(refund).collect(),
                disputes: disputes.iter().map(dispute).collect(),
                waiting: since.iter().map(wait).collect(),
                ..full.clone()
            }
        },
    )
}

proptest! {
    #[test]
    fn a_change_of_an_order_gives_the_difference_of_its_places(
        before in prop::option::of(any_order()),
        after in prop::option::of(any_order()),
        status in prop::sample::select(Status::ALL),
        disputed: bool,
    ) {
        check(before.as_ref(), after.as_ref());
        // most commands change these alone
        if let Some(before) = before {
            let after = Order { status, disputed, ..before.clone() };
            check(Some(&before), Some(&after));
        }
    }

    #[test]
    fn a_change_of_payments_gives_the_difference_of_their_places(
        before in prop::option::of(any_payments()),
        after in prop::option::of(any_payments()),
    ) {
        check(before.as_ref(), after.as_ref());
        let (_, order) = orders().remove(0);
        for payments in before.iter().chain(&after) {
            let bare = Payments { refunds: Vec::new(), folded: None, ..payments.clone() };
            for payments in [payments, &bare] {
                assert_eq!(of_money(&order, payments), money(&order, payments));
            }
        }
    }
}

#[test]
fn a_change_of_a_hold_or_of_a_folded_item_gives_the_difference_of_its_places() {
    fn pairs<S: InLists + std::fmt::Debug>(all: &[S]) {
        let all: Vec<_> = all.iter().map(Some).chain([None]).collect();
        for before in &all {
            for after in &all {
                check(*before, *after);
            }
        }
    }
    let mut reservations: Vec<_> = reservations().into_iter().map(|(_, one)| one).collect();
    let mut later = reservations[0].clone();
    later.state = orderly_domain::inventory::HoldState::held(at(901));
    reservations.push(later);
    pairs(&reservations);
    let mut items: Vec<_> = folded_items().into_iter().map(|(_, item)| item).collect();
    let again = orderly_domain::payment::FoldedItem { place: 77, ..items[0].clone() };
    items.push(again);
    pairs(&items);
}
