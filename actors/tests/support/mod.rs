//! A shop in memory: the whole core on a simulated disk and a clock that stands still.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses its part of it")]

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::sequencer::{FollowUp, InboundMessage, Sealed, Sequencer, Settings, Step};
pub use orderly_actors::simulation::commands::{checkout, line, place, stock};
use orderly_actors::simulation::{Core, SimulatedClock, commands, options};
pub use orderly_actors::simulation::{DAY, settings};
use orderly_actors::states::{self, State};
use orderly_actors::supervisor::RestartBudgetExceeded;
use orderly_actors::tables;
use orderly_domain::notification::Sent;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::{Payments, Refund, RefundState};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::sim::SimDisk;
use orderly_store::{self as store, Disk, Entity, History, Log, Ordinal, Table, View};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The time at which every test begins.
pub const START: i64 = 1_700_000_000_000_000;

pub struct Shop {
    pub sequencer: Sequencer,
    pub log: Log,
    pub history: History,
    pub clock: SimulatedClock,
    pub disk: Arc<SimDisk>,
    pub failures: mpsc::UnboundedReceiver<RestartBudgetExceeded>,
    /// What was sealed, in order.
    pub entries: Vec<Arc<JournalEntry>>,
    next_id: u64,
}

impl Shop {
    pub fn open() -> Self {
        Self::open_on(Arc::new(SimDisk::new(7)), settings())
    }

    pub fn open_on(disk: Arc<SimDisk>, settings: Settings) -> Self {
        let clock = SimulatedClock::at(Timestamp::from_micros(START));
        let shared = Arc::clone(&disk) as Arc<dyn Disk>;
        let core = Core::start(&shared, &options(), settings, clock.clone()).expect("opens");
        let Core { sequencer, log, history, failures, .. } = core;
        Self { sequencer, log, history, clock, disk, failures, entries: Vec::new(), next_id: 0 }
    }

    /// Runs a command under a new id, and the follow-ups of its unit.
    pub async fn run(&mut self, kind: &str, data: Value) -> Arc<JournalEntry> {
        self.next_id += 1;
        let id = format!("m-{}", self.next_id);
        self.send(kind, &id, data).await
    }

    /// Runs a command under `id`.
    pub async fn send(&mut self, kind: &str, id: &str, data: Value) -> Arc<JournalEntry> {
        match self.step(&inbound(kind, id, &data)).await {
            Step::Sealed(sealed) => self.keep(*sealed).await,
            other => panic!("{kind} {id} has no unit: {other:?}"),
        }
    }

    pub async fn step(&mut self, inbound: &InboundMessage) -> Step {
        self.sequencer.run(inbound).await.expect("the store works")
    }

    /// Commits a unit, and runs its follow-ups.
    pub async fn keep(&mut self, sealed: Sealed) -> Arc<JournalEntry> {
        let first = Arc::clone(&sealed.entry);
        let mut sealed = vec![sealed];
        while let Some(done) = sealed.pop() {
            self.log.commit(&[done.unit]).expect("commits");
            self.entries.push(done.entry);
            for follow_up in done.follow_ups {
                if let FollowUp::RunWaiting(order) = follow_up
                    && let Some(Step::Sealed(next)) =
                        self.sequencer.run_waiting(order).await.expect("the store works")
                {
                    sealed.push(*next);
                }
            }
        }
        first
    }

    /// Lets time pass, and fires every timer that is due.
    pub async fn pass(&mut self, span: Duration) {
        self.clock.advance(span);
        loop {
            let now = self.sequencer.now();
            let due = self.sequencer.view().borrow().due(now.micros(), 100).expect("reads");
            if due.is_empty() {
                return;
            }
            for timer in due {
                if let Some(Step::Sealed(sealed)) =
                    self.sequencer.fire(timer).await.expect("the store works")
                {
                    self.keep(*sealed).await;
                }
            }
        }
    }

    pub fn state<S: State>(&self, table: Table, id: &str) -> Option<S> {
        let view = self.sequencer.view().borrow();
        read(&view, table, id)
    }

    pub fn order(&self, id: &str) -> Order {
        self.state(tables::ORDERS, id).expect("the order is there")
    }

    pub fn status(&self, id: &str) -> Status {
        self.order(id).status
    }

    /// (on hand, held) of a sku.
    pub fn stock(&self, sku: &str) -> (u64, u64) {
        let stock: orderly_domain::inventory::Stock =
            self.state(tables::SKUS, sku).expect("the sku is there");
        (stock.on_hand, stock.held)
    }

    /// Every state of every order, cart and sku, as sealed, and the counters.
    pub fn dump(&self) -> (Vec<Entity>, Vec<i64>) {
        let view = self.sequencer.view().borrow();
        let tables = [tables::ORDERS, tables::CARTS, tables::SKUS].into_iter();
        let entities = tables
            .flat_map(|table| view.scan(table, Ordinal(0), usize::MAX).expect("reads"))
            .collect();
        (entities, view.counters().to_vec())
    }

    /// The number of timers that a process which starts now would have, whenever they are due.
    pub fn timers(&self) -> usize {
        let disk = Arc::new(self.disk.copy()) as Arc<dyn Disk>;
        let opened = store::open(&disk, &store::Options::new(tables::SCHEMA)).expect("opens");
        opened.view.due(i64::MAX / 4, usize::MAX).expect("reads").len()
    }

    /// The ordinals of a table that have a state.
    pub fn places(&self, table: Table) -> BTreeSet<Ordinal> {
        let view = self.sequencer.view().borrow();
        let entities = view.scan(table, Ordinal(0), usize::MAX).expect("reads");
        entities.into_iter().map(|entity| entity.ordinal).collect()
    }

    /// Forgets identities that are past their retention, as the store thread does; says how many.
    pub async fn sweep_identities(&mut self) -> u64 {
        let before = self.log.checkpoint().expect("the disk works");
        let expired =
            self.log.expire_identities(self.sequencer.now().micros()).expect("the disk works");
        let after = self.log.checkpoint().expect("the disk works");
        for report in [before, after] {
            self.sequencer.view().borrow_mut().checkpointed(&report);
        }
        // with each later unit the view forgets a part of what the checkpoint holds
        for _ in 0..self.entries.len() {
            self.run("stock.set", json!({"sku": "other", "on_hand": 1})).await;
        }
        expired
    }

    /// Checks the books alone: for a store in which a test has written states past their owners, so that no list has them.
    pub fn check_books(&self) {
        let audit = orderly_actors::audit::audit(&self.sequencer.view().borrow());
        let audit = audit.expect("reads");
        assert!(audit.balanced, "{:?}", audit.violations);
    }

    /// Checks the books, and the lists that the API filters by.
    pub fn check_balance(&self) {
        self.check_books();
        let view = self.sequencer.view().borrow();
        assert_eq!(orderly_actors::lists::check(&view).expect("reads"), Vec::<String>::new());
    }

    /// Delivers every pending notification.
    pub async fn deliver(&mut self) {
        for order in self.places(tables::ORDERS) {
            let pending = self
                .sequencer
                .pending_notifications(order)
                .await
                .expect("reads")
                .unwrap_or_default();
            for delivery in pending {
                let told = self.sequencer.notified(&delivery, Sent::Delivered).await;
                if let Some(Step::Sealed(sealed)) = told.expect("the store works") {
                    self.keep(*sealed).await;
                }
            }
        }
    }

    /// Restarts of all owners so far.
    pub fn restarts(&self) -> u64 {
        let vitals = self.sequencer.owners().stats().iter();
        vitals.map(|(_, vitals)| vitals.restarts()).sum()
    }

    /// The types of all events so far.
    pub fn event_types(&self) -> Vec<&'static str> {
        let types = self.entries.iter().flat_map(|entry| entry.record.types());
        types.map(orderly_domain::event::Type::as_str).collect()
    }

    /// How many events of that type there were.
    pub fn count(&self, kind: &str) -> usize {
        self.event_types().iter().filter(|told| **told == kind).count()
    }

    /// The refunds of an order, in the order in which they were requested.
    pub fn refunds(&self, id: &str) -> Vec<Refund> {
        let payments: Option<Payments> = self.state(tables::ORDERS, id);
        payments.map(|known| known.refunds).unwrap_or_default()
    }

    /// The refunds of an order that were requested and have neither succeeded nor failed: currency and amount.
    pub fn pending_refunds(&self, id: &str) -> Vec<(&'static str, i64)> {
        let refunds = self.refunds(id).into_iter();
        let asked = refunds.filter(|refund| refund.state == RefundState::Requested);
        asked.map(|refund| (refund.currency.code(), refund.amount)).collect()
    }

    /// Every requested refund fails.
    pub async fn fail_refunds(&mut self, id: &str) {
        for refund in self.refunds(id) {
            self.run("payment.callback", said(id, &format!("refund_failed a {}", refund.id))).await;
        }
    }

    pub async fn stocked(skus: &[(&str, u64)]) -> Self {
        let mut shop = Self::open();
        for (sku, on_hand) in skus {
            shop.run("stock.set", stock(sku, *on_hand)).await;
        }
        shop
    }
}

pub fn read<S: State>(view: &View, table: Table, id: &str) -> Option<S> {
    let ordinal = view.find(table, &orderly_actors::names::name(id)).expect("reads")?;
    states::read(view, ordinal).expect("reads")
}

pub fn inbound(kind: &str, id: &str, data: &Value) -> InboundMessage {
    commands::inbound("test", id, kind, data.to_string().into())
}

/// A callback: an attempt of its own captured the amount.
pub fn captured(order: &str, event: &str, amount: i64) -> Value {
    commands::captured(order, event, &format!("a-{event}"), amount)
}

/// A callback of its own event, written `kind attempt`, followed by its other fields: an
/// amount, `USD` or the like (else EUR), `#capture`, `r-refund`, `d-dispute`, `won`, `lost`,
/// `final`, `@provider` (else acme), `earlier` or `later` (it occurred a day before or after the others).
pub fn said(order: &str, text: &str) -> Value {
    thread_local!(static EVENTS: Cell<u64> = const { Cell::new(0) });
    EVENTS.set(EVENTS.get() + 1);
    let event = format!("said-{}", EVENTS.get());
    let mut data = json!({
        "provider": "acme", "event_id": event, "order_id": order,
        "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z",
    });
    for (place, word) in text.split(' ').enumerate() {
        let (field, value) = match (place, word) {
            (0, kind) => ("kind", json!(kind)),
            (1, attempt) => ("attempt_id", json!(attempt)),
            (_, "won" | "lost") => ("outcome", json!(word)),
            (_, "final") => ("final", json!(true)),
            (_, "earlier") => ("occurred_at", json!("2025-12-31T00:00:00Z")),
            (_, "later") => ("occurred_at", json!("2026-01-02T00:00:00Z")),
            (_, id) if id.starts_with('@') => ("provider", json!(&id[1..])),
            (_, id) if id.starts_with('#') => ("capture_id", json!(&id[1..])),
            (_, id) if id.starts_with("r-") => ("refund_id", json!(id)),
            (_, id) if id.starts_with("d-") => ("dispute_id", json!(id)),
            (_, code) if code.len() == 3 && code.chars().all(char::is_uppercase) => {
                ("currency", json!(code))
            }
            (_, amount) => ("amount", json!(amount.parse::<i64>().expect("is an amount"))),
        };
        data[field] = value;
    }
    data
}

pub fn verdict(entry: &Arc<JournalEntry>) -> (Verdict, Option<&'static str>) {
    (entry.record.verdict, entry.record.reason.map(orderly_domain::verdict::Reason::as_str))
}
