//! A shop, and the names that were seen in its units and states after every step.

use crate::support::{self, Shop, inbound};
use orderly_actors::sequencer::{InboundMessage, Settings, Step};
use orderly_actors::states::{self, State};
use orderly_actors::tables;
use orderly_domain::cart::Cart;
use orderly_domain::command::{Command, Invalid, Kind};
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::inventory::Reservation;
use orderly_domain::notification::{Notice, Notices, Sent};
use orderly_domain::order::Order;
use orderly_domain::payment::Payments;
use orderly_domain::record::{CommandName, Origin, UnitRecord};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use orderly_store::sim::SimDisk;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Names that were seen, by what they name.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    all: BTreeMap<&'static str, BTreeSet<&'static str>>,
    nothing: BTreeSet<&'static str>,
}

impl Seen {
    fn note(&mut self, what: &'static str, name: &'static str) {
        self.all.entry(what).or_default().insert(name);
    }

    pub(crate) fn of(&self, what: &'static str) -> &BTreeSet<&'static str> {
        self.all.get(what).unwrap_or(&self.nothing)
    }

    pub(crate) fn absorb(&mut self, other: &mut Self) {
        for (what, names) in &mut other.all {
            self.all.entry(what).or_default().append(names);
        }
    }

    fn record(&mut self, record: &UnitRecord) {
        self.note("verdict", record.verdict.as_str());
        if let Some(reason) = record.reason {
            self.note("reason", reason.as_str());
            if record.verdict == Verdict::Rejected {
                self.note("refusal", reason.as_str());
            }
        }
        if let Origin::Message { kind, .. } = &record.origin
            && let (Some(kind), Verdict::Applied) = (kind.kind(), record.verdict)
        {
            self.note("command", kind.as_str());
        }
        for event in &record.events {
            self.event(event);
        }
    }

    fn event(&mut self, event: &Event) {
        self.note("event", event.kind().as_str());
        match event {
            Event::PaymentRecorded { kind, .. } => self.note("callback", kind.as_str()),
            Event::CommandParked { reason, .. } => self.note("parked", reason.as_str()),
            Event::StockReleased { reason, .. } => self.note("release", reason.as_str()),
            Event::NotificationRequested { kind, .. } => self.note("notification", kind.as_str()),
            Event::Order { change: OrderChange::UnderReview { reason }, .. } => {
                self.note("review", reason.as_str());
            }
            _ => {}
        }
    }

    fn states(&mut self, shop: &Shop) {
        for order in all::<Order>(shop) {
            self.note("order", order.status.as_str());
        }
        for reservation in all::<Reservation>(shop) {
            self.note("reservation", reservation.state.as_str());
        }
        for payments in all::<Payments>(shop) {
            for attempt in payments.attempts {
                self.note("attempt", attempt.state.as_str());
            }
            for refund in payments.refunds {
                self.note("refund", refund.state.as_str());
            }
            for dispute in payments.disputes {
                self.note("dispute", dispute.state.as_str());
            }
        }
        for cart in all::<Cart>(shop) {
            self.note("cart", cart.status.as_str());
        }
        for Notices { all, .. } in all::<Notices>(shop) {
            for standing in all.iter().map(Notice::standing) {
                self.note("standing", standing.as_str());
            }
        }
    }
}

/// Every state of one kind.
fn all<S: State>(shop: &Shop) -> Vec<S> {
    let view = shop.sequencer.view().borrow();
    let entities = view.scan(S::TABLE, Ordinal(0), usize::MAX).expect("reads");
    let states = entities.iter().map(|entity| states::read(&view, entity.ordinal).expect("reads"));
    states.flatten().collect()
}

/// A shop, and the names that were seen in it.
pub(crate) struct Scenario {
    pub(crate) shop: Shop,
    pub(crate) seen: Seen,
    /// Units whose names were noted.
    noted: usize,
    /// Messages sent so far.
    messages: usize,
}

impl Scenario {
    /// A shop with ten units of `tea`.
    pub(crate) async fn begin() -> Self {
        Self::begin_with(support::settings()).await
    }

    pub(crate) async fn begin_with(settings: Settings) -> Self {
        let shop = Shop::open_on(Arc::new(SimDisk::new(7)), settings);
        let mut scenario = Self { shop, seen: Seen::default(), noted: 0, messages: 0 };
        scenario.run("stock.set", json!({"sku": "tea", "on_hand": 10})).await;
        scenario
    }

    fn note_names(&mut self) {
        for entry in &self.shop.entries[self.noted..] {
            self.seen.record(&entry.record);
        }
        self.noted = self.shop.entries.len();
        self.seen.states(&self.shop);
    }

    fn message(&mut self, kind: &str, data: &Value) -> InboundMessage {
        self.messages += 1;
        inbound(kind, &format!("m-{}", self.messages), data)
    }

    async fn take(&mut self, inbound: &InboundMessage) {
        let Step::Sealed(sealed) = self.shop.step(inbound).await else { panic!("it ends") };
        self.shop.keep(*sealed).await;
        self.note_names();
    }

    /// A command comes.
    pub(crate) async fn run(&mut self, kind: &str, data: Value) {
        let inbound = self.message(kind, &data);
        self.take(&inbound).await;
    }

    /// A message comes with this body.
    pub(crate) async fn run_raw(&mut self, kind: &str, body: &'static [u8]) {
        let mut inbound = self.message(kind, &json!({}));
        let kind = Kind::from_name(kind).expect("is a type");
        inbound.command = Command::parse(kind, body);
        inbound.raw.body = body.into();
        self.take(&inbound).await;
    }

    /// A message comes without a source, an id and a type.
    pub(crate) async fn run_nameless(&mut self) {
        let inbound = InboundMessage {
            source: None,
            id: None,
            kind: CommandName::new(None),
            command: Err(Invalid::malformed("id is required")),
            ..self.message("order.cancel", &json!({}))
        };
        self.take(&inbound).await;
    }

    /// A command comes with a deadline, or a time of its own.
    pub(crate) async fn run_late(
        &mut self,
        kind: &str,
        data: Value,
        deadline: Option<Timestamp>,
        time: Option<Timestamp>,
    ) {
        let inbound = InboundMessage { deadline, time, ..self.message(kind, &data) };
        self.take(&inbound).await;
    }

    /// A command comes that fails every time, until it is parked.
    pub(crate) async fn run_until_given_up(&mut self, kind: &str, data: Value) {
        let inbound = self.message(kind, &data);
        let Step::Failed { problem } = self.shop.step(&inbound).await else { panic!("it fails") };
        let parked = self.shop.sequencer.park_failed(&inbound, problem).await;
        self.shop.keep(parked.expect("the store works")).await;
        self.note_names();
    }

    pub(crate) async fn pass(&mut self, span: Duration) {
        self.shop.pass(span).await;
        self.note_names();
    }

    /// Every pending notification of an order is sent, with this outcome.
    pub(crate) async fn deliver(&mut self, order: &str, sent: Sent) {
        let name = orderly_actors::names::name(order);
        let found = self.shop.sequencer.view().borrow().find(tables::ORDERS, &name);
        let order = found.expect("reads").expect("is there");
        let pending = self.shop.sequencer.pending_notifications(order).await.expect("reads");
        for delivery in pending.expect("no owner fails") {
            let told = self.shop.sequencer.notified(&delivery, sent).await;
            if let Some(Step::Sealed(sealed)) = told.expect("the store works") {
                self.shop.keep(*sealed).await;
            }
        }
        self.note_names();
    }
}
