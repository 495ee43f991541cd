//! Sentences of the contract about commands, events and life cycles that no other test pins down, a
//! test each. Through the actors, on a simulated clock and disk.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::event::payload::EventPayload;
use orderly_domain::order::Status;
use orderly_domain::verdict::Verdict;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Shop, checkout, line, place, said, verdict};

const MINUTE: Duration = Duration::from_secs(60);
const APPLIED: (Verdict, Option<&str>) = (Verdict::Applied, None);

fn cart(shop: &Shop, id: &str) -> Cart {
    shop.state(tables::CARTS, id).expect("the cart is there")
}

/// The data of a unit's events of that type, as subscribers read them.
fn events(entry: &JournalEntry, kind: &str) -> Vec<Value> {
    let events = entry.record.events.iter().filter(|event| event.kind().as_str() == kind);
    let payloads = events.map(|event| EventPayload::new(event, entry.context()).expect("is whole"));
    payloads.map(|payload| serde_json::to_value(payload).expect("is JSON")).collect()
}

fn detail(entry: &JournalEntry) -> Value {
    serde_json::to_value(&entry.record.detail).expect("is JSON")
}

// commands

/// "A rejected order keeps its id (`order_exists`); its cart stays open."
#[actix::test]
async fn a_rejected_checkout_keeps_its_id_and_its_cart_stays_open() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("cart.put", line("k-1", "tea", 2)).await;

    let rejected = shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    assert_eq!(verdict(&rejected), (Verdict::Rejected, Some("out_of_stock")));
    assert_eq!(
        (shop.status("o-1"), cart(&shop, "k-1").status),
        (Status::Rejected, CartStatus::Open)
    );
    assert_eq!(shop.count("cart.checked_out"), 0);

    let changed = shop.run("cart.put", line("k-1", "tea", 1)).await;
    assert_eq!(verdict(&changed), APPLIED);
    let again = shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    assert_eq!(verdict(&again), (Verdict::Rejected, Some("order_exists")));
    let said = detail(&again);
    let made = "rejected; made by cart.checkout \"";
    assert!(said.as_str().is_some_and(|said| said.starts_with(made)), "{said}");
    let other = shop.run("cart.checkout", checkout("k-1", "o-2")).await;
    assert_eq!(verdict(&other), APPLIED);
    assert_eq!(cart(&shop, "k-1").status, CartStatus::CheckedOut);
}

/// "a total below 0 or over i64 is `invalid`", and "`invalid` […] use[s] up no identity".
#[actix::test]
async fn a_checkout_with_an_impossible_total_is_invalid_and_may_be_sent_again_with_other_data() {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    shop.run("cart.put", line("k-1", "tea", 2)).await;
    let mut dear = line("k-2", "tea", 2);
    dear["unit_price"] = json!(i64::MAX);
    shop.run("cart.put", dear).await;
    let adjusted = |cart: &str, amount: i64| {
        let mut data = checkout(cart, "o-1");
        data["adjustments"] = json!([{"kind": "voucher", "amount": amount}]);
        data
    };

    for (cart, amount) in [("k-1", -1001), ("k-2", 0)] {
        let invalid = shop.send("cart.checkout", "m", adjusted(cart, amount)).await;
        assert_eq!(verdict(&invalid), (Verdict::Invalid, Some("validation")), "{cart}");
        assert_eq!((shop.stock("tea"), self::cart(&shop, cart).status), ((9, 0), CartStatus::Open));
    }

    let placed = shop.send("cart.checkout", "m", adjusted("k-1", -1000)).await;
    assert_eq!(verdict(&placed), APPLIED, "neither the message's id nor the order's was used up");
    assert_eq!((shop.order("o-1").total, shop.status("o-1")), (0, Status::Paid));
}

/// "Several lines of one sku in an order are legal and count together", "`out_of_stock` (detail:
/// `[{sku,wanted,available}]`)".
#[actix::test]
async fn out_of_stock_lists_each_sku_once_with_the_sum_of_its_lines() {
    let mut shop = Shop::stocked(&[("cup", 9), ("pot", 0), ("tea", 4)]).await;
    shop.run("order.place", place("o-0", &[("tea", 1, 500)])).await;
    let lines = [("tea", 2, 500), ("cup", 9, 100), ("pot", 1, 900), ("tea", 2, 400)];

    let rejected = shop.run("order.place", place("o-1", &lines)).await;

    let short = json!([
        {"sku": "pot", "wanted": 1, "available": 0},
        {"sku": "tea", "wanted": 4, "available": 3},
    ]);
    assert_eq!(detail(&rejected), short);
    let [event] = &events(&rejected, "order.rejected")[..] else { panic!("one event is expected") };
    assert_eq!((&event["reason"], &event["detail"]), (&json!("out_of_stock"), &short));
    assert_eq!([shop.stock("cup"), shop.stock("tea")], [(9, 0), (4, 1)], "all lines or none");
}

/// "`not_allowed` (detail: the status)", and what is possible.
#[actix::test]
async fn not_allowed_names_the_status_of_the_order() {
    for (happens, status) in [
        (&["captured a 500"][..], "paid"),
        (&["captured a 500", "refund_succeeded a 500 r-1"], "refunded"),
        (&["captured a 500", "refund_succeeded a 5 r-1"], "partially_refunded"),
    ] {
        let mut shop = Shop::stocked(&[("tea", 1)]).await;
        shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
        for text in happens {
            shop.run("payment.callback", said("o-1", text)).await;
        }
        for (kind, data) in [
            ("order.cancel", json!({"order_id": "o-1"})),
            ("order.resolve", json!({"order_id": "o-1", "decision": "cancel"})),
        ] {
            let refused = shop.run(kind, data).await;
            assert_eq!(verdict(&refused), (Verdict::Rejected, Some("not_allowed")));
            let detail = detail(&refused);
            let said = detail.as_str().expect("is a text").split_once("; ");
            let (named, possible) = said.expect("names the status and what is possible");
            assert_eq!(named, status, "{kind}");
            assert!(possible.starts_with("possible: "), "{kind}: {possible}");
        }
    }
}

// events

/// "An order whose total is 0 is paid at once (`order.placed`, then `order.paid`)"; each event shows the
/// order as it was right after it.
#[actix::test]
async fn an_order_that_costs_nothing_is_placed_and_then_paid() {
    let mut shop = Shop::stocked(&[("tea", 2)]).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    let mut free = checkout("k-1", "o-2");
    free["adjustments"] = json!([{"kind": "gift", "amount": -500}]);
    for (kind, data) in [("order.place", place("o-1", &[("tea", 1, 0)])), ("cart.checkout", free)] {
        let entry = shop.run(kind, data).await;

        let types = entry.record.types().into_iter().map(orderly_domain::event::Type::as_str);
        let of_order: Vec<_> = types.filter(|kind| kind.starts_with("order.")).collect();
        assert_eq!(of_order, ["order.placed", "order.paid"], "{kind}");
        let [placed] = &events(&entry, "order.placed")[..] else { panic!("once") };
        let [paid] = &events(&entry, "order.paid")[..] else { panic!("once") };
        assert_eq!(
            (&placed["status"], &paid["status"], &paid["late"]),
            (&json!("awaiting_payment"), &json!("paid"), &json!(false))
        );
        assert!(placed["version"].as_u64() < paid["version"].as_u64());
    }
    assert_eq!((shop.stock("tea"), shop.count("notification.requested")), ((0, 0), 2));
}

// life cycles

/// "An order that leaves `awaiting_payment` or `partially_paid` emits `payment.void_requested` for every
/// authorization still open."
#[actix::test]
async fn an_order_that_stops_awaiting_payment_voids_every_open_authorization_and_no_other() {
    for (end, expected) in [
        ("captured x 500", &["a", "b"][..]),
        ("captured a 500", &["b"]), // its own authorization was captured
        ("captured x 501", &["a", "b"]),
        ("captured x 500 USD", &["a", "b"]),
        ("CANCELLED", &["a", "b"]),
        ("EXPIRES", &["a", "b"]),
    ] {
        let mut shop = Shop::stocked(&[("tea", 1)]).await;
        shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
        for text in ["authorized a 500", "authorized b 500", "action_required c"] {
            shop.run("payment.callback", said("o-1", text)).await;
        }
        for text in ["authorized d 500", "voided d", "authorized e 5", "failed e"] {
            shop.run("payment.callback", said("o-1", text)).await;
        }
        let first = shop.entries.len();
        match end {
            "CANCELLED" => drop(shop.run("order.cancel", json!({"order_id": "o-1"})).await),
            "EXPIRES" => shop.pass(120 * MINUTE).await,
            text => drop(shop.run("payment.callback", said("o-1", text)).await),
        }
        let units = &shop.entries[first..];
        let voided = units.iter().flat_map(|entry| events(entry, "payment.void_requested"));
        let voided: Vec<_> = voided.map(|data| data["attempt_id"].clone()).collect();
        assert_eq!(json!(voided), json!(expected), "{end}");
    }
}

/// "expired: hold all lines again → paid, `late: true`; else `refund_due` and `payment.refund_requested`".
#[actix::test]
async fn a_late_payment_holds_all_lines_again_or_none() {
    let mut shop = Shop::stocked(&[("cup", 1), ("tea", 1)]).await;
    let lines = [("cup", 1, 200), ("tea", 1, 300)];
    for order in ["o-1", "o-2"] {
        shop.run("order.place", place(order, &lines)).await;
        shop.pass(15 * MINUTE).await;
    }
    shop.run("stock.set", json!({"sku": "tea", "on_hand": 0})).await;

    let short = shop.run("payment.callback", said("o-1", "captured a 500")).await;
    assert_eq!((verdict(&short), shop.status("o-1")), (APPLIED, Status::RefundDue));
    assert_eq!(
        [shop.stock("cup"), shop.stock("tea")],
        [(1, 0), (0, 0)],
        "neither line is held alone"
    );
    assert_eq!(events(&short, "payment.refund_requested")[0]["amount"], 500);

    shop.run("stock.set", json!({"sku": "tea", "on_hand": 1})).await;
    let paid = shop.run("payment.callback", said("o-2", "captured a 500")).await;
    assert_eq!((verdict(&paid), shop.status("o-2")), (APPLIED, Status::Paid));
    assert_eq!(events(&paid, "order.paid")[0]["late"], true);
    assert_eq!([shop.stock("cup"), shop.stock("tea")], [(0, 0), (0, 0)]);
}

/// "A hold stands until its expiry is processed".
#[actix::test]
async fn a_payment_before_the_expiry_of_its_hold_is_processed_is_in_time() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.clock.advance(60 * MINUTE);

    let paid = shop.run("payment.callback", said("o-1", "captured a 500")).await;
    assert_eq!(events(&paid, "order.paid")[0]["late"], false);
    shop.pass(MINUTE).await;
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Paid, (0, 0)));
}

/// "exactly the surplus is asked back", in which "refunds that were requested for other reasons do
/// not count".
#[actix::test]
async fn a_surplus_is_refunded_whatever_other_refunds_there_are() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", said("o-1", "captured a 500")).await;
    let refund = json!({"order_id": "o-1", "refund_id": "r-1", "amount": 100});
    shop.run("refund.request", refund).await;
    let mut asked = Vec::new();
    for text in [
        "captured b 30",              // the refund of the producer is pending
        "refund_succeeded a 100 r-1", // a refund that succeeds requests nothing
        "captured c 500",             // the refund of the producer has succeeded
        "captured c 7 #2",            // another capture of the same attempt
        "captured c 7 #2",            // the same capture again
    ] {
        let entry = shop.run("payment.callback", said("o-1", text)).await;
        let amounts = events(&entry, "payment.refund_requested").into_iter();
        asked.push(amounts.map(|data| data["amount"].clone()).collect::<Vec<_>>());
    }
    assert_eq!(json!(asked), json!([[30], [], [500], [7], []]));
    assert_eq!(shop.status("o-1"), Status::PartiallyRefunded);
}

/// "Dispute: […] never moves stock", and "disputed = a dispute is open or lost", in every status.
#[actix::test]
async fn a_dispute_marks_its_order_and_changes_neither_status_nor_stock() {
    for happens in
        [&[][..], &["captured a 500"], &["captured a 200"], &["captured a 501"], &["CANCEL"]]
    {
        let mut shop = Shop::stocked(&[("tea", 2)]).await;
        shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
        for text in happens {
            match *text {
                "CANCEL" => drop(shop.run("order.cancel", json!({"order_id": "o-1"})).await),
                text => drop(shop.run("payment.callback", said("o-1", text)).await),
            }
        }
        let before = (shop.status("o-1"), shop.stock("tea"), shop.order("o-1").net());
        for (text, disputed) in [
            ("dispute_opened a d-1", true),
            ("dispute_opened a d-2", true),
            ("dispute_closed a d-1 won", true), // the other is open still
            ("dispute_closed a d-2 lost", true),
            ("dispute_closed a d-2 won", false), // won on appeal
        ] {
            let entry = shop.run("payment.callback", said("o-1", text)).await;
            assert_eq!(
                (verdict(&entry), shop.order("o-1").disputed),
                (APPLIED, disputed),
                "{text}"
            );
            let now = (shop.status("o-1"), shop.stock("tea"), shop.order("o-1").net());
            assert_eq!(now, before, "{text}");
        }
    }
}

/// "`partially_paid`, hold extended once (to `hold_cap`)", which "counts from `placed_at`"; "when it
/// runs out: expired, `refund_due` for what was paid".
#[actix::test]
async fn partial_payments_keep_the_hold_to_its_cap_and_are_refunded_when_it_expires() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.pass(10 * MINUTE).await;
    shop.run("payment.callback", said("o-1", "captured a 100")).await;
    shop.pass(100 * MINUTE).await;
    shop.run("payment.callback", said("o-1", "captured b 100")).await;
    shop.pass(9 * MINUTE).await;
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::PartiallyPaid, (1, 1)));

    let first = shop.entries.len();
    shop.pass(MINUTE).await;

    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::RefundDue, (1, 0)));
    let [expired] = &shop.entries[first..] else { panic!("one unit") };
    assert_eq!(events(expired, "order.expired")[0]["status"], "expired");
    let due = &events(expired, "order.refund_due")[0];
    assert_eq!((&due["amount"], &due["status"]), (&json!(200), &json!("refund_due")));
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 100), ("EUR", 100)]);
}

/// "stock.low comes when available falls to `low_at` or below", held units being not available.
#[actix::test]
async fn stock_low_is_emitted_when_available_falls_to_low_at() {
    let mut shop = Shop::open();
    shop.run("stock.set", json!({"sku": "tea", "on_hand": 6, "low_at": 3})).await;
    let cancel = |order: &str| ("order.cancel", json!({"order_id": order}));
    let take = |order: &str, units: u32| ("order.place", place(order, &[("tea", units, 500)]));
    for ((kind, data), low) in [
        (take("o-1", 2), None),
        (take("o-2", 1), Some(3)),
        (take("o-3", 1), None), // the stock is low already
        (cancel("o-2"), None),  // and is still low
        (cancel("o-1"), None),
        (take("o-4", 3), Some(2)), // falls below the threshold again
        (("stock.adjust", json!({"sku": "tea", "delta": 4})), None),
        (("stock.adjust", json!({"sku": "tea", "delta": -6})), Some(0)),
    ] {
        let entry = shop.run(kind, data.clone()).await;
        assert_eq!(verdict(&entry), APPLIED, "{kind} {data}");
        let events = events(&entry, "stock.low");
        let available: Vec<_> =
            events.iter().filter_map(|data| data["available"].as_u64()).collect();
        assert_eq!(available, low.into_iter().collect::<Vec<u64>>(), "{kind} {data}");
    }
}
