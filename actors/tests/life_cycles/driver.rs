//! Drives the shop and the model side by side, and compares them after every step.

use super::history::{Happens, Refers};
use crate::support::{DAY, START, Shop, inbound, settings};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::order::LatePayment;
use orderly_actors::payment::WaitingLimits;
use orderly_actors::sequencer::{FollowUp, InboundMessage, Settings, Step};
use orderly_actors::simulation::payments;
use orderly_actors::states::{self, State};
use orderly_actors::{audit, counters, tables};
use orderly_domain::cart::Cart;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{ConfirmOn, Order, OrderDetails};
use orderly_domain::record::Origin;
use orderly_domain::verdict::Verdict;
use orderly_model::snapshot::OrderSnapshot;
use orderly_model::{MINUTE, Message, Model, Snapshot, Unit, snapshot, unit};
use orderly_simulator::observed;
use orderly_store::sim::{Fault, SimDisk};
use orderly_store::{Ordinal, Table, View};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// The source of every message, as `support` sends them.
const SOURCE: &str = "test";

/// The settings of the shop, and the same for the model.
fn configured(
    late_payment: LatePayment,
    confirm_on: ConfirmOn,
    payments_kept: usize,
) -> (Settings, orderly_model::Settings) {
    let mut shop = settings();
    shop.payments_kept = payments_kept;
    shop.terms.late_payment = late_payment;
    shop.terms.confirm_on = confirm_on;
    shop.waiting = WaitingLimits { total: 5, per_order: 3, ..shop.waiting };
    // nothing reaches its retention here
    shop.identity_retention = 10_000 * DAY;
    shop.terms.keep_for = 10_000 * DAY;
    shop.carts.keep_for = 10_000 * DAY;
    let micros = |span: Duration| i64::try_from(span.as_micros()).expect("some years at most");
    let model = orderly_model::Settings {
        identity_retention: micros(shop.identity_retention),
        history_retention: micros(shop.terms.keep_for),
        hold_for: micros(shop.terms.hold_for),
        hold_cap: micros(shop.terms.hold_cap),
        holds_again: late_payment == LatePayment::Rehold,
        confirm_on: confirm_on.as_str().parse().expect("the model has both"),
        waiting_total: 5,
        waiting_per_order: 3,
        waiting_retention: micros(shop.waiting.keep_for),
        cart_expires_after: micros(shop.carts.expire_after),
        cart_expires_within: micros(shop.carts.expire_after / 10),
        ..orderly_model::Settings::default()
    };
    (shop, model)
}

/// How `Pair::seen` tells that a command of that type was applied.
pub fn applied(kind: &str) -> String {
    format!("{kind} applied")
}

/// The shop, and the model beside it.
pub struct Pair {
    pub shop: Shop,
    pub model: Model,
    settings: Settings,
    /// The messages so far: id, type and data.
    sent: Vec<(String, &'static str, Value)>,
    /// The steps so far, to be read in a failure.
    story: String,
    /// Every order as it was last seen.
    looked: BTreeMap<String, OrderSnapshot>,
    /// Every verdict, reason, event and status that was seen, and every type of command that was [`applied`].
    pub seen: BTreeSet<String>,
}

impl Pair {
    /// `payments_kept` is how many attempts, refunds and disputes of an order are not folded: it must not matter.
    pub fn open(late_payment: LatePayment, confirm_on: ConfirmOn, payments_kept: usize) -> Self {
        let (settings, of_model) = configured(late_payment, confirm_on, payments_kept);
        let disk = Arc::new(SimDisk::new(7));
        Self {
            shop: Shop::open_on(disk, settings.clone()),
            model: Model::new(of_model, START),
            settings,
            sent: Vec::new(),
            story: String::new(),
            looked: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Runs a whole history. The error says where the shop and the model differ.
    pub async fn live(&mut self, history: &[Happens]) -> Result<(), String> {
        for sku in ["cup", "pot", "tea"] {
            self.send("stock.set", json!({"sku": sku, "on_hand": 4})).await?;
        }
        for happens in history {
            self.step(happens).await?;
        }
        Ok(())
    }

    pub async fn step(&mut self, happens: &Happens) -> Result<(), String> {
        match happens {
            Happens::Sent(kind, data) => self.send(kind, self.resolved(data)).await,
            Happens::Again { back, how } => self.again(*back, how).await,
            Happens::Passes { minutes } => {
                self.note(&format!("{minutes} minutes pass"));
                self.shop.clock.advance(Duration::from_secs(60 * minutes.unsigned_abs()));
                self.model.now += minutes * MINUTE;
                Ok(())
            }
            Happens::Fires => self.fire().await,
            Happens::Restarts => {
                self.note("restart");
                let disk = self.shop.disk.copy();
                self.restart(disk);
                self.compare(&[], &[])
            }
            Happens::Crashes { nth, kind, data } => {
                self.crash(*nth, kind, self.resolved(data)).await
            }
        }
    }

    pub async fn send(&mut self, kind: &'static str, data: Value) -> Result<(), String> {
        let id = format!("m-{}", self.sent.len());
        self.sent.push((id.clone(), kind, data.clone()));
        self.deliver(&id, kind, &data).await
    }

    async fn again(&mut self, back: usize, how: &Refers) -> Result<(), String> {
        let place = self.sent.len().saturating_sub(back);
        let (id, kind, data) = self.sent[place].clone();
        match how {
            Refers::Whole => self.deliver(&id, kind, &data).await,
            Refers::WithUnknownField => {
                let mut data = data;
                data["unknown"] = json!(true);
                self.deliver(&id, kind, &data).await
            }
            Refers::UnderNewId => self.send(kind, data).await,
            Refers::WithOther(kind, data) => {
                let data = self.resolved(data);
                self.deliver(&id, kind, &data).await
            }
        }
    }

    async fn deliver(&mut self, id: &str, kind: &str, data: &Value) -> Result<(), String> {
        self.note(&format!("{kind} {id} {data}"));
        let first = self.shop.entries.len();
        self.shop.send(kind, id, data.clone()).await;
        let told = self.shop.entries[first..].to_vec();
        if told[0].record.verdict == Verdict::Applied {
            self.seen.insert(applied(kind));
        }
        let units = self.take(kind, id, data);
        self.compare(&told, &units)
    }

    /// Gives the message to the model.
    fn take(&mut self, kind: &str, id: &str, data: &Value) -> Vec<Unit> {
        let body = data.to_string();
        self.model.take_all(&Message::new(SOURCE, id, kind, body.as_bytes()))
    }

    async fn fire(&mut self) -> Result<(), String> {
        self.note("timers fire");
        let first = self.shop.entries.len();
        self.shop.pass(Duration::ZERO).await;
        let mut told = self.shop.entries[first..].to_vec();
        // a timer that sets itself again later leaves a unit without events
        told.retain(|entry| {
            entry.record.origin != Origin::Retention || !entry.record.events.is_empty()
        });
        let mut units = self.model.expire_due();
        // the contract does not say which of two orders expires first
        told.sort_by_key(|entry| entry.record.order.as_ref().map(|id| id.as_str().to_owned()));
        units.sort_by_key(|unit| unit.order.clone());
        self.compare(&told, &units)
    }

    /// Starts the shop again on `disk`.
    fn restart(&mut self, disk: SimDisk) {
        let shop = Shop::open_on(Arc::new(disk), self.settings.clone());
        shop.clock.advance(Duration::from_micros((self.model.now - START).unsigned_abs()));
        self.shop = shop;
    }

    /// The power fails at the n-th write or sync from here, while a message is processed. Then the shop starts with the
    /// disk as it is, and the message is delivered again, since nobody acknowledged it.
    async fn crash(&mut self, nth: u64, kind: &'static str, data: Value) -> Result<(), String> {
        // so that only timers of this message are due at the start
        self.fire().await?;
        let id = format!("m-{}", self.sent.len());
        self.note(&format!("{kind} {id} {data}, with a crash at write {nth}"));
        self.shop.disk.fail_at(self.shop.disk.operations() + nth, Fault::Crash);
        self.until_power_goes(&inbound(kind, &id, &data)).await;
        let disk = self.shop.disk.crash();
        self.restart(disk);
        // applies callbacks that waited, if the unit that placed their order is durable
        self.shop.pass(Duration::ZERO).await;
        let again = self.shop.send(kind, &id, data.clone()).await;
        // a hold that was due when an attempt froze it is due again as soon as the attempt ends
        self.shop.pass(Duration::ZERO).await;

        self.sent.push((id.clone(), kind, data.clone()));
        let units = self.take(kind, &id, &data);
        self.model.expire_due();
        let verdict = again.record.verdict;
        if verdict != Verdict::Duplicate && verdict.as_str() != units[0].verdict.name() {
            return Err(format!("after a crash {verdict}\nafter\n{}", self.story));
        }
        self.compare(&[], &[])
    }

    /// Processes a message until it is done or the disk fails.
    async fn until_power_goes(&mut self, inbound: &InboundMessage) {
        let Step::Sealed(sealed) = self.shop.step(inbound).await else {
            panic!("no owner fails here");
        };
        let mut next = Some(*sealed);
        while let Some(sealed) = next.take() {
            if self.shop.log.commit(&[sealed.unit]).is_err() {
                return;
            }
            for follow_up in sealed.follow_ups {
                if let FollowUp::RunWaiting(order) = follow_up {
                    let step = self.shop.sequencer.run_waiting(order).await.expect("can be read");
                    next = step.map(|step| match step {
                        Step::Sealed(sealed) => *sealed,
                        other => panic!("{other:?}"),
                    });
                }
            }
        }
    }

    /// `@n` in place of a refund's id is the n-th that the shop itself asked for; in place of an attempt it is the
    /// attempt of the n-th part of the refund.
    fn resolved(&self, data: &Value) -> Value {
        let mut data = data.clone();
        let place = |id: &Value| id.as_str().and_then(|id| id.strip_prefix('@')?.parse().ok());
        let order = data["order_id"].as_str().and_then(|order| self.model.order(order));
        let refunds = order.map_or_else(Vec::new, |order| order.refunds);
        if let Some(nth) = place(&data["refund_id"]) {
            let ids = refunds.iter().map(|refund| refund.id.as_str());
            let own: BTreeSet<_> = ids.filter(|id| !id.starts_with("w-")).collect();
            data["refund_id"] = json!(own.into_iter().nth(nth).unwrap_or("w-3"));
        }
        if let Some(nth) = place(&data["attempt_id"]) {
            let parts = refunds.iter().filter(|part| data["refund_id"] == part.id.as_str());
            let parts: Vec<_> = parts.filter(|part| !part.attempt.is_empty()).collect();
            let part = parts.get(nth).or(parts.last());
            data["attempt_id"] = json!(part.map_or("a-1", |part| &part.attempt));
            if let Some(part) = part {
                data["provider"] = json!(part.provider);
            }
        }
        // another refund is another event
        if let Some(event) = data["event_id"].as_str().filter(|event| event.contains('@')) {
            let (refund, attempt) = (&data["refund_id"], &data["attempt_id"]);
            data["event_id"] = json!(format!("{event}{refund}{attempt}"));
        }
        data
    }

    fn note(&mut self, line: &str) {
        let _ = writeln!(self.story, "{line}"); // a string always takes it
    }

    /// Compares the units of the step, and then every state that can be read.
    fn compare(&mut self, told: &[Arc<JournalEntry>], units: &[Unit]) -> Result<(), String> {
        let mut found = Vec::new();
        if told.len() != units.len() {
            found.push(format!(
                "the shop made {} units, the model {}: {told:#?}\n{units:#?}",
                told.len(),
                units.len()
            ));
        }
        for (entry, unit) in told.iter().zip(units) {
            found.extend(unit::differences(&observed::unit(&entry.record), unit));
            self.seen.extend(unit::names(unit).into_iter().map(str::to_owned));
        }
        self.learn();
        let model = self.model.snapshot();
        self.seen.extend(model.orders.values().map(|order| order.status.to_owned()));
        if found.is_empty() {
            let shop = observe(&self.shop);
            found.extend(snapshot::differences(&shop, &model));
            self.compare_versions(&shop, &mut found);
            found.extend(violations(&self.shop));
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(format!("{}\nafter\n{}", found.join("\n"), self.story))
    }

    /// Tells the model what is the shop's own choice: the ids of the refunds that it requests by itself.
    fn learn(&mut self) {
        let view = self.shop.sequencer.view().borrow();
        each(&view, tables::ORDERS, |ordinal| {
            let Some(order) = state::<Order>(&view, ordinal) else {
                return;
            };
            let payments = payments(&view, ordinal).expect("reads");
            let refunds = payments.iter().flat_map(|payments| &payments.refunds);
            self.model.name_refunds(order.id.as_str(), refunds.map(|refund| refund.id.as_str()));
        });
    }

    /// An order's version grows with every change that can be seen, and never falls.
    fn compare_versions(&mut self, shop: &Snapshot, found: &mut Vec<String>) {
        for (id, seen) in &shop.orders {
            if let Some(before) = self.looked.get(id)
                && seen != before
                && seen.version <= before.version
            {
                found
                    .push(format!("order {id}: version {} after {}", seen.version, before.version));
            }
            self.looked.insert(id.clone(), seen.clone());
        }
    }
}

/// What the audit of the whole store finds.
fn violations(shop: &Shop) -> Vec<String> {
    let view = shop.sequencer.view().borrow();
    let mut violations = audit::audit(&view).expect("reads").violations;
    violations.extend(orderly_actors::lists::check(&view).expect("reads"));
    violations
}

/// The shop as it stands: every order, cart and sku that it has.
fn observe(shop: &Shop) -> Snapshot {
    let view = shop.sequencer.view().borrow();
    let mut seen = Snapshot {
        waiting: usize::try_from(counters::waiting(&view)).expect("few"),
        ..Snapshot::default()
    };
    each(&view, tables::ORDERS, |ordinal| {
        if let Some(order) = state::<Order>(&view, ordinal) {
            let payments = payments(&view, ordinal).expect("reads");
            let reservation = state::<Reservation>(&view, ordinal);
            let notices = state::<Notices>(&view, ordinal);
            let details = state::<OrderDetails>(&view, ordinal);
            let order_seen = observed::order(
                (&order, details.as_ref()),
                payments.as_ref(),
                reservation.as_ref(),
                notices.as_ref(),
            );
            seen.orders.insert(order.id.as_str().to_owned(), order_seen);
        }
    });
    each(&view, tables::SKUS, |ordinal| {
        let stock = state::<Stock>(&view, ordinal);
        let of_sku = stock.map(|stock| (stock.sku.as_str().to_owned(), observed::stock(&stock)));
        seen.stock.extend(of_sku);
    });
    each(&view, tables::CARTS, |ordinal| {
        let cart = state::<Cart>(&view, ordinal);
        seen.carts.extend(cart.map(|cart| (cart.id.as_str().to_owned(), observed::cart(&cart))));
    });
    each(&view, tables::PARKED, |_| seen.parked += 1);
    let attention = audit::audit(&view).expect("reads").attention;
    let orders = attention.iter().filter_map(|text| text.strip_prefix("order ")?.split_once(':'));
    seen.attention = orders.map(|(order, _)| order.to_owned()).collect();
    seen
}

fn each(view: &View, table: Table, mut look: impl FnMut(Ordinal)) {
    let entities = view.scan(table, Ordinal(0), usize::MAX).expect("reads");
    for entity in &entities {
        look(entity.ordinal);
    }
}

fn state<S: State>(view: &View, ordinal: Ordinal) -> Option<S> {
    states::read(view, ordinal).expect("reads")
}
