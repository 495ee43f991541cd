//! The page: a diagram and a table of each life cycle.

use crate::cells::{Cell, History, Subject, cell};
use crate::special_cases::SPECIAL_CASES;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How an order gets into each status.
pub(crate) const STATUSES: &[(&str, History)] = &[
    ("awaiting_payment", &["place"]),
    ("authorized", &["place on authorization", "authorized p 500"]),
    ("partially_paid", &["place", "captured p 200 #1"]),
    ("under_review", &["place", "captured p 600 #1"]),
    ("paid", &["place", "captured p 500 #1"]),
    ("completed", &["place", "captured p 500 #1", "complete"]),
    ("partially_refunded", &["place", "captured p 500 #1", "refund_succeeded p 100 r-0"]),
    ("refunded", &["place", "captured p 500 #1", "refund_succeeded p 500 r-0"]),
    ("expired", &["place", "15 minutes"]),
    ("cancelled", &["place", "cancel"]),
    ("rejected", &["no stock", "place"]),
    ("refund_due", &["place", "captured p 200 #1", "cancel"]),
];

/// Those in which no money has come.
const UNPAID: &[&str] = &["awaiting_payment", "authorized", "expired", "cancelled", "rejected"];

/// What may happen to an order, in words.
pub(crate) const HAPPENS: &[(&str, History)] = &[
    (REACHES, &["captured n 500"]),
    ("captured, less", &["captured n 100"]),
    ("captured, the net passes the total", &["captured n 501"]),
    ("captured, another currency", &["captured n 500 USD"]),
    (KNOWN, &["captured p 500 #1"]),
    (SHARE, &["captured p 50"]),
    ("action_required", &["action_required n"]),
    ("authorized", &["authorized n 500"]),
    ("failed, voided or expired", &["voided n"]),
    ("refund_succeeded, part of the net", &["refund_succeeded p 100 r-1"]),
    ("refund_succeeded, all of the net", &["refund_succeeded p 600 r-1"]),
    ("refund_failed, never asked for", &["refund_failed p r-1"]),
    ("dispute_opened", &["dispute_opened p d-1"]),
    ("dispute_closed", &["dispute_closed p d-1 lost"]),
    ("order.cancel", &["cancel"]),
    ("order.complete", &["complete"]),
    ("order.resolve accept", &["accept"]),
    ("order.resolve accept with a write_off", &["write off"]),
    ("order.resolve cancel", &["decline"]),
    ("order.resolve return", &["return"]),
    ("order.capture", &["capture"]),
    ("refund.request", &["refund 100"]),
    ("order.amend (a unit more)", &["amend 2"]),
    ("order.amend (a lower total)", &["discount 100"]),
    ("order.amend (customer, addresses or metadata)", &["note"]),
    ("the hold runs out", &["to the cap"]),
];

const REACHES: &str = "captured, the net reaches the total";
const KNOWN: &str = "captured, a known capture_id";
const SHARE: &str = "captured, the same attempt without a capture_id";

/// A life cycle that is told by its states and what happens in each of them.
struct Cycle {
    title: &'static str,
    about: &'static str,
    subject: Subject,
    states: &'static [History],
    happens: &'static [(&'static str, History)],
}

const CYCLES: &[Cycle] = &[
    Cycle {
        title: "Attempts",
        about: "One attempt of an order that awaits its money. An attempt never goes backwards, but one that ended may still turn\n\
                out captured. When the order no longer awaits money, the end of an attempt is recorded and its verdict is stale.\n\
                What was authorized before the attempt ended is gone, also when it is heard of later: the `occurred_at` of the\n\
                callbacks say what was before. `captured_and_ended`: its end is known too. An attempt belongs to the first order\n\
                that counted an authorization or a capture of it: for any other order its authorizations are stale.",
        subject: Subject::Attempt,
        states: &[
            &["place"],
            &["place", "action_required a"],
            &["place", "authorized a 500"],
            &["place", "captured a 100 #1"],
            &["place", "captured a 100 #1", "voided a"],
            &["place", "failed a"],
            &["place", "voided a"],
            &["place", "expired a"],
        ],
        happens: &[
            ("action_required", &["action_required a"]),
            ("authorized", &["authorized a 500"]),
            ("authorized, later", &["authorized a 500 later"]),
            ("captured", &["captured a 100 #2"]),
            ("failed", &["failed a"]),
            ("voided", &["voided a"]),
            ("expired", &["expired a"]),
        ],
    },
    Cycle {
        title: "Refunds",
        about: "One refund of a paid order, of 100. Only `refund_succeeded` lowers the net: once, by its own amount, whether the\n\
                refund was requested or not. Shares of a refund that was requested add up: it succeeds when all of it has come. A\n\
                failure before that is one of what is left. A failure after that undoes all of it: the refund bounced, and its\n\
                amount is owed again. Of the outcomes the one that occurred last decides (a success when both occurred at once),\n\
                in whatever order they are heard of; what is earlier or later, the `occurred_at` of the callbacks say.\n\
                `requested_in_part` and `failed_in_part`: 40 of it have come, and what is left was asked for or has failed.",
        subject: Subject::Refund,
        states: &[
            &["place", "captured p 500"],
            &["place", "captured p 500", "refund 100"],
            &["place", "captured p 500", "refund 100", "refund_succeeded p 40 r-1"],
            &["place", "captured p 500", "refund 100", "refund_failed p r-1"],
            &[
                "place",
                "captured p 500",
                "refund 100",
                "refund_succeeded p 40 r-1",
                "refund_failed p r-1 later",
            ],
            &["place", "captured p 500", "refund 100", "refund_succeeded p 100 r-1"],
        ],
        happens: &[
            ("refund.request", &["refund 100"]),
            ("refund_succeeded, earlier", &["refund_succeeded p 100 r-1 earlier"]),
            ("refund_succeeded, at the same time", &["refund_succeeded p 100 r-1"]),
            ("refund_succeeded, later", &["refund_succeeded p 100 r-1 later"]),
            ("refund_succeeded, the rest of it", &["refund_succeeded p 60 r-1 later"]),
            ("refund_failed, earlier", &["refund_failed p r-1 earlier"]),
            ("refund_failed, at the same time", &["refund_failed p r-1"]),
            ("refund_failed, later", &["refund_failed p r-1 later"]),
        ],
    },
    Cycle {
        title: "Disputes",
        about: "A dispute is an overlay: an order is `disputed` while a dispute is open or lost. A dispute changes neither money nor\n\
                stock nor the order's status.",
        subject: Subject::Dispute,
        states: &[
            &["place"],
            &["place", "dispute_opened a d-1"],
            &["place", "dispute_closed a d-1 won"],
            &["place", "dispute_closed a d-1 lost"],
        ],
        happens: &[
            ("dispute_opened", &["dispute_opened a d-1"]),
            ("dispute_closed, won", &["dispute_closed a d-1 won"]),
            ("dispute_closed, lost", &["dispute_closed a d-1 lost"]),
        ],
    },
    Cycle {
        title: "Reservations",
        about: "The reserved stock of one order: all of its lines or none. A reservation resolves once; a late payment makes a new\n\
                one. `held_frozen`: an attempt is open; when none is open any more, the time that was left continues, up to the\n\
                cap. `held_to_cap`: part of the money came, or a person must decide. `held_without_end`: authorizations cover the order.",
        subject: Subject::Reservation,
        states: &[
            &[],
            &["place"],
            &["place", "authorized a 500"],
            &["place on authorization", "authorized a 500"],
            &["place", "captured p 100"],
            &["place", "captured p 500"],
            &["place", "cancel"],
            &["place", "15 minutes"],
        ],
        happens: &[
            ("the order is placed", &["place"]),
            ("an attempt begins", &["authorized b 500"]),
            ("the attempt ends", &["failed a"]),
            ("part of the money comes", &["captured q 50"]),
            ("exact money comes", &["captured q 500"]),
            ("too much money comes", &["captured q 900"]),
            ("the order is cancelled", &["cancel"]),
            ("a unit comes back with a refund", &["return 1"]),
            ("15 minutes pass", &["15 minutes"]),
            ("the cap is reached", &["to the cap"]),
        ],
    },
];

/// The whole page.
pub(crate) async fn write() -> String {
    let mut page = String::from(HEAD);
    orders(&mut page).await;
    for cycle in CYCLES {
        of_cycle(&mut page, cycle).await;
    }
    page
}

const HEAD: &str = "\
# Life cycles

A test writes this page: it brings an order into every status, lets each event happen there, and notes what the
processor does. Do not edit the page. `ORDERLY_TEST_WRITE_DOCS=1 cargo test -p orderly-actors --test life_cycles_page` writes
it again.

Each row is about an order of one line with a total of 500 EUR. Its stock is held for 15 minutes, with a cap of 2 hours,
and `late_payment` is `\"rehold\"`. Every callback also emits `payment.recorded`, which is left out here. A dash means
that the status stays as it is, or that no event is emitted.

";

async fn orders(page: &mut String) {
    let mut cells = Vec::new();
    for (status, history) in STATUSES {
        let is_unpaid = UNPAID.contains(status);
        for (what, happens) in HAPPENS {
            if is_unpaid && [KNOWN, SHARE].contains(what) {
                continue; // no money came before
            }
            let cell = cell(Subject::Order, history, exact(status, what, happens)).await;
            assert_eq!(cell.from, *status, "the history of {status}");
            cells.push((*what, cell));
        }
    }
    let mut special = Vec::new();
    for (what, history, happens) in SPECIAL_CASES {
        special.push((*what, cell(Subject::Order, history, happens).await));
    }
    page.push_str("## Orders\n\n");
    let mut drawn = Vec::new();
    for before in [&[][..], &["no stock"]] {
        drawn.push(("order.place", cell(Subject::Order, before, &["place"]).await));
    }
    drawn.extend(cells.iter().cloned());
    let known: Vec<_> =
        drawn.iter().map(|(_, cell)| (cell.from.clone(), cell.to.clone())).collect();
    let is_new = |cell: &Cell| !known.contains(&(cell.from.clone(), cell.to.clone()));
    drawn.extend(special.iter().filter(|(_, cell)| is_new(cell)).cloned());
    diagram(page, &drawn);
    for rows in cells.chunk_by(|(_, one), (_, next)| one.from == next.from) {
        let _ = writeln!(page, "### {}\n", rows[0].1.from);
        table(page, rows);
    }
    page.push_str("### Special cases\n\n");
    table(page, &special);
}

/// Of an order that has some of its money, the rest reaches the total.
fn exact(status: &str, what: &str, happens: History) -> History {
    match (status, what) {
        ("partially_paid", REACHES) => &["captured n 300"],
        _ => happens,
    }
}

async fn of_cycle(page: &mut String, cycle: &Cycle) {
    let mut cells = Vec::new();
    for history in cycle.states {
        for (what, happens) in cycle.happens {
            cells.push((*what, cell(cycle.subject, history, happens).await));
        }
    }
    let _ = writeln!(page, "## {}\n\n{}\n", cycle.title, cycle.about);
    diagram(page, &cells);
    for rows in cells.chunks(cycle.happens.len()) {
        let _ = writeln!(page, "### {}: {}\n", cycle.title.to_lowercase(), rows[0].1.from);
        table(page, rows);
    }
}

/// Every change of state, with all that leads to it.
fn diagram(page: &mut String, cells: &[(&str, Cell)]) {
    let mut edges = BTreeMap::<(&str, &str), Vec<&str>>::new();
    for (what, cell) in cells.iter().filter(|(_, cell)| cell.from != cell.to) {
        let labels = edges.entry((&cell.from, &cell.to)).or_default();
        if !labels.contains(what) {
            labels.push(*what);
        }
    }
    page.push_str("```mermaid\nstateDiagram-v2\n");
    for ((from, to), labels) in edges {
        let from = if from == "none" { "[*]" } else { from };
        let _ = writeln!(page, "    {from} --> {to}: {}", labels.join(" / "));
    }
    page.push_str("```\n\n");
}

fn table(page: &mut String, rows: &[(&str, Cell)]) {
    page.push_str("| what happens | verdict | new status | events |\n|---|---|---|---|\n");
    for (what, cell) in rows {
        let becomes = if cell.from == cell.to { "–" } else { &cell.to };
        let verdict = if cell.verdict.is_empty() { "–" } else { &cell.verdict };
        let events = if cell.events.is_empty() { "–".to_owned() } else { cell.events.join(", ") };
        let _ = writeln!(page, "| {what} | {verdict} | {becomes} | {events} |");
    }
    page.push('\n');
}
