//! Drives the shop and the model side by side, and compares them after every step.

use super::history::{Happens, Refers};
use super::picture;
use crate::model::{MINUTE, Model, Terms, Unit};
use crate::support::{DAY, START, Shop, inbound, settings};
use orderly_actors::audit;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::order::LatePayment;
use orderly_actors::payment::WaitingLimits;
use orderly_actors::sequencer::{FollowUp, InboundMessage, Settings, Step};
use orderly_actors::tables;
use orderly_domain::event::{Event, OrderChange, Type};
use orderly_domain::record::{Origin, Record};
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::sim::{Fault, SimDisk};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// What both are configured to.
pub fn terms(late_payment: LatePayment) -> (Settings, Terms) {
    let mut shop = settings();
    shop.terms.late_payment = late_payment;
    shop.waiting = WaitingLimits { total: 5, per_order: 3, ..shop.waiting };
    // what is swept and forgotten is not seen here
    shop.identity_retention = 10_000 * DAY;
    shop.terms.keep_for = 10_000 * DAY;
    shop.carts.keep_for = 10_000 * DAY;
    let micros = |span: Duration| i64::try_from(span.as_micros()).expect("some hours");
    let model = Terms {
        hold_for: micros(shop.terms.hold_for),
        hold_cap: micros(shop.terms.hold_cap),
        rehold: late_payment == LatePayment::Rehold,
        waiting_per_order: 3,
        waiting_total: 5,
        waiting_kept: micros(shop.waiting.keep_for),
        // the shop lets up to a tenth more pass
        carts_kept: micros(shop.carts.expire_after + shop.carts.expire_after / 10),
    };
    (shop, model)
}

/// The shop, and the model beside it.
pub struct Pair {
    pub shop: Shop,
    pub model: Model,
    settings: Settings,
    /// Messages so far: id, type and data.
    sent: Vec<(String, &'static str, Value)>,
    /// What happened so far, for a person.
    story: String,
    versions: BTreeMap<String, (u64, Value)>,
    /// Every verdict, reason, event and status that was seen.
    pub seen: BTreeSet<String>,
}

impl Pair {
    pub fn open(late_payment: LatePayment) -> Self {
        let (settings, terms) = terms(late_payment);
        let disk = Arc::new(SimDisk::new(7));
        Self {
            shop: Shop::open_on(disk, settings.clone()),
            model: Model::new(terms, START),
            settings,
            sent: Vec::new(),
            story: String::new(),
            versions: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Lives a whole history; an error tells where the two part.
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
        let units = self.model.run(kind, id, data);
        self.compare(&told, &units)
    }

    async fn fire(&mut self) -> Result<(), String> {
        self.note("timers fire");
        let first = self.shop.entries.len();
        self.shop.pass(Duration::ZERO).await;
        let mut told = self.shop.entries[first..].to_vec();
        // a timer that looks again later leaves a unit that tells nothing
        told.retain(|entry| entry.record.origin != Origin::Age || !entry.record.events.is_empty());
        let mut units = self.model.fire();
        // which of two orders whose time is up comes first is nobody's business
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

    /// The power goes at the n-th write or sync from here, on the way of a message. Then the shop
    /// starts on what is left, and the message, which nobody acknowledged, is delivered again.
    async fn crash(&mut self, nth: u64, kind: &'static str, data: Value) -> Result<(), String> {
        // so that nothing is due at the start but what the message leaves
        self.fire().await?;
        let id = format!("m-{}", self.sent.len());
        self.note(&format!("{kind} {id} {data}, with a crash at write {nth}"));
        self.shop.disk.fail_at(self.shop.disk.operations() + nth, Fault::Crash);
        self.until_power_goes(&inbound(kind, &id, &data)).await;
        let disk = self.shop.disk.crash();
        self.restart(disk);
        // callbacks that had waited, if their order's placing outlived the crash
        self.shop.pass(Duration::ZERO).await;
        let again = self.shop.send(kind, &id, data.clone()).await;
        // a hold whose time was up when an attempt froze it is due as soon as that attempt ends
        self.shop.pass(Duration::ZERO).await;

        self.sent.push((id.clone(), kind, data.clone()));
        let units = self.model.run(kind, &id, &data);
        self.model.fire();
        let verdict = again.record.verdict;
        if verdict != Verdict::Duplicate && verdict.as_str() != units[0].verdict {
            return Err(format!("after a crash {verdict}\nafter\n{}", self.story));
        }
        self.compare(&[], &[])
    }

    /// Takes a message to its end, or to that of the disk.
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
                        Step::Failed { problem } => panic!("{problem}"),
                    });
                }
            }
        }
    }

    /// `@n` in place of a refund's id is the n-th that the shop itself asked for.
    fn resolved(&self, data: &Value) -> Value {
        let mut data = data.clone();
        let wanted = data["refund_id"].as_str().and_then(|id| id.strip_prefix('@')?.parse().ok());
        let (Some(wanted), Some(order)) = (wanted, data["order_id"].as_str()) else {
            return data;
        };
        let known: orderly_domain::payment::Payments =
            self.shop.state(tables::ORDERS, order).unwrap_or_default();
        let own = known.refunds.iter().filter(|refund| !refund.id.as_str().starts_with("w-"));
        let id = own.map(|refund| refund.id.as_str()).nth(wanted).unwrap_or("w-3");
        data["refund_id"] = json!(id);
        // another refund is another event
        if let Some(event) = data["event_id"].as_str().filter(|event| !event.starts_with("e-")) {
            data["event_id"] = json!(format!("{event}{id}"));
        }
        data
    }

    fn note(&mut self, line: &str) {
        let _ = writeln!(self.story, "{line}"); // a string always takes it
    }

    /// Compares what was told, and then all that can be seen.
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
            compare_unit(&entry.record, unit, &mut found);
            self.seen.insert(unit.verdict.to_owned());
            self.seen.extend(unit.reason.map(str::to_owned));
            self.seen.extend(unit.events.iter().map(|&event| event.to_owned()));
        }
        let statuses = self.model.orders.values().map(|order| order.status.name().to_owned());
        self.seen.extend(statuses);
        self.name_refunds();
        if found.is_empty() {
            let shop = picture::of_shop(&self.shop, &self.model);
            picture::differences("", &shop, &picture::of_model(&self.model), &mut found);
            self.compare_versions(&shop, &mut found);
            found.extend(violations(&self.shop));
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(format!("{}\nafter\n{}", found.join("\n"), self.story))
    }

    /// The ids of the refunds that the shop itself asks for are its own choice: the model learns them.
    fn name_refunds(&mut self) {
        let orders: Vec<_> = self.model.orders.keys().cloned().collect();
        for order in orders {
            let known: orderly_domain::payment::Payments =
                self.shop.state(tables::ORDERS, &order).unwrap_or_default();
            let ids = known.refunds.iter().map(|refund| refund.id.as_str().to_owned());
            self.model.name_refunds(&order, ids.collect());
        }
    }

    /// An order's version grows with every change that can be seen, and never falls.
    fn compare_versions(&mut self, shop: &Value, found: &mut Vec<String>) {
        for (id, seen) in shop["orders"].as_object().into_iter().flatten() {
            let version = self.shop.order(id).version;
            if let Some((before, looked)) = self.versions.get(id) {
                let own = ["status", "disputed", "paid", "refunded"];
                let has_changed = own.iter().any(|field| seen[field] != looked[field]);
                if version < *before || (has_changed && version == *before) {
                    found.push(format!("order {id}: version {version} after {before}"));
                }
            }
            self.versions.insert(id.clone(), (version, seen.clone()));
        }
    }
}

/// What the audit of the whole store finds.
pub fn violations(shop: &Shop) -> Vec<String> {
    let view = shop.sequencer.view().borrow();
    audit::audit(&view).expect("reads").violations
}

/// What an event says beyond its type, where the contract says what that is.
fn fact(event: &Event) -> Option<String> {
    match event {
        Event::Order { change: OrderChange::Paid { late }, .. } => Some(format!("late {late}")),
        Event::Order { change: OrderChange::RefundDue { amount }, .. } => {
            Some(format!("due {amount}"))
        }
        Event::StockLow { sku, available } => Some(format!("low {sku} {available}")),
        _ => None,
    }
}

fn compare_unit(record: &Record, unit: &Unit, found: &mut Vec<String>) {
    let verdict = record.verdict.as_str();
    let reason = record.reason.map(Reason::as_str);
    if (verdict, reason) != (unit.verdict, unit.reason) {
        let detail = &record.detail;
        found.push(format!(
            "the shop says {verdict} {reason:?} {detail:?}, the model {} {:?} {}",
            unit.verdict, unit.reason, unit.detail
        ));
    }
    let types: Vec<_> = record.types().into_iter().map(Type::as_str).collect();
    let sorted = |types: &[&'static str]| {
        let mut types = types.to_vec();
        types.sort_unstable();
        types
    };
    // of the other subjects it matters what happened, of the order also what came first
    let of_order = |types: &[&'static str]| {
        types.iter().copied().filter(|kind| kind.starts_with("order.")).collect::<Vec<_>>()
    };
    if sorted(&types) != sorted(&unit.events) || of_order(&types) != of_order(&unit.events) {
        found.push(format!("the shop tells {types:?}, the model {:?}", unit.events));
    }
    if !unit.detail.is_null() && json!(record.detail) != unit.detail {
        found.push(format!("the shop details {:?}, the model {}", record.detail, unit.detail));
    }
    let mut facts = unit.facts.clone();
    facts.sort_unstable();
    let mut said: Vec<_> = record.events.iter().filter_map(fact).collect();
    said.sort_unstable();
    if said != facts {
        found.push(format!("the shop says {said:?}, the model {facts:?}"));
    }
    let asked: Vec<_> = record
        .events
        .iter()
        .filter_map(|event| match event {
            Event::RefundRequested { amount, currency, .. } => {
                Some((*amount, currency.code().to_owned()))
            }
            _ => None,
        })
        .collect();
    if asked != unit.asked {
        found.push(format!("the shop asks back {asked:?}, the model {:?}", unit.asked));
    }
    let voids: Vec<_> = record
        .events
        .iter()
        .filter_map(|event| match event {
            Event::VoidRequested { attempt_id } => Some(attempt_id.as_str().to_owned()),
            _ => None,
        })
        .collect();
    if voids != unit.voids {
        found.push(format!("the shop voids {voids:?}, the model {:?}", unit.voids));
    }
}
