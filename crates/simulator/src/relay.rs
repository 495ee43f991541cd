//! The simulated relay: publishes the events of durable units in order, and keeps the cursor of the confirmed ones.
//!
//! After a broken channel the relay starts again at the first unit with an unconfirmed event; after a crash, at the cursor in the
//! store. It then reads units from the journal and not from memory, and the bytes must be the same.

use crate::exchange::{Event, Exchange};
use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::event::{self, payload::EventPayload};
use orderly_store::{History, Recovery, Seq, Unit};
use serde_json::json;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Units whose events may be unconfirmed at a time.
const OUTSTANDING: usize = 16;

pub(crate) struct Relay {
    incarnation: String,
    history: History,
    /// Durable units in memory.
    fresh: VecDeque<Arc<JournalEntry>>,
    /// The next unit to publish.
    position: Seq,
    /// Nothing was published since the start.
    is_behind: bool,
    outstanding: VecDeque<Outstanding>,
}

struct Outstanding {
    seq: Seq,
    next: Seq,
    unconfirmed: BTreeSet<u64>,
}

impl Relay {
    pub(crate) fn new(history: History, recovery: &Recovery) -> Self {
        Self {
            incarnation: recovery.incarnations.current().to_string(),
            history,
            fresh: VecDeque::new(),
            position: recovery.cursor,
            is_behind: true,
            outstanding: VecDeque::new(),
        }
    }

    /// Takes a unit that became durable.
    pub(crate) fn durable(&mut self, entry: Arc<JournalEntry>) {
        self.fresh.push_back(entry);
    }

    /// Whether everything durable is published and confirmed.
    pub(crate) fn is_idle(&self) -> bool {
        self.position >= self.history.durable() && self.outstanding.is_empty()
    }

    /// Publishes the events of the next durable unit, if there is one.
    pub(crate) fn publish(&mut self, exchange: &mut Exchange) -> Option<Seq> {
        let blocked = exchange.is_broken() || self.outstanding.len() == OUTSTANDING;
        if blocked || self.position >= self.history.durable() {
            return None;
        }
        let entry = self.next_entry();
        // Cursor and pruning are not synced by themselves, so after a crash the cursor may lie before the first unit of the
        // journal. All pruned units had been confirmed. The end of the run checks that no event is missing.
        assert!(
            entry.seq == self.position || self.is_behind,
            "the journal lacks the unit at {}, which is not published yet",
            self.position
        );
        self.is_behind = false;
        let mut unconfirmed = BTreeSet::new();
        for event in events(&entry, &self.incarnation) {
            unconfirmed.insert(event.sequence);
            exchange.publish(event);
        }
        self.position = entry.next;
        self.outstanding.push_back(Outstanding { seq: entry.seq, next: entry.next, unconfirmed });
        Some(entry.seq)
    }

    fn next_entry(&mut self) -> Arc<JournalEntry> {
        while let Some(entry) = self.fresh.pop_front() {
            if entry.seq == self.position {
                return entry;
            }
            if entry.seq > self.position {
                self.fresh.push_front(entry);
                break;
            }
        }
        let unit = self.history.units(self.position).next();
        let unit = unit.expect("it is durable").expect("the journal is readable");
        Arc::new(read(&unit))
    }

    /// Takes the confirm of an event, and returns the new cursor: all events before it are confirmed.
    pub(crate) fn confirmed(&mut self, sequence: u64) -> Seq {
        for unit in &mut self.outstanding {
            unit.unconfirmed.remove(&sequence);
        }
        self.cursor()
    }

    /// The cursor. Units without events need no confirm.
    pub(crate) fn cursor(&mut self) -> Seq {
        while let Some(first) = self.outstanding.front() {
            if !first.unconfirmed.is_empty() {
                return first.seq;
            }
            let next = first.next;
            self.outstanding.pop_front();
            if self.outstanding.is_empty() {
                return next;
            }
        }
        self.position
    }

    /// Goes back to the first unconfirmed unit after a broken channel.
    pub(crate) fn resume(&mut self) -> Seq {
        self.position = self.cursor();
        self.outstanding.clear();
        self.position
    }
}

/// A unit read from the journal.
pub(crate) fn read(unit: &Unit) -> JournalEntry {
    JournalEntry::read(unit).expect("a unit that was sealed can be read back")
}

/// The events of a unit as they are published.
pub(crate) fn events(entry: &JournalEntry, incarnation: &str) -> Vec<Event> {
    let on_the_wire = |(seq, event): (Seq, &event::Event)| {
        let data = EventPayload::new(event, entry.context())
            .expect("the unit has the states of its events");
        let subject = subject(entry, event);
        let id = format!("{incarnation}-{:020}", seq.0);
        let body = json!({
            "id": id, "type": event.kind().as_str(), "subject": subject, "data": data,
            "time": entry.at, "sequence": format!("{:020}", seq.0),
        });
        Event { sequence: seq.0, subject, id, body: body.to_string().into_bytes() }
    };
    entry.events().map(on_the_wire).collect()
}

/// The subject of an event. Events with the same subject keep their order.
fn subject(entry: &JournalEntry, event: &event::Event) -> String {
    match event {
        event::Event::StockLow { sku, .. } | event::Event::StockChanged { sku, .. } => {
            sku.to_string()
        }
        event::Event::CartCheckedOut { cart_id }
        | event::Event::CartReopened { cart_id }
        | event::Event::CartChanged { cart_id }
        | event::Event::CartExpired { cart_id } => cart_id.to_string(),
        event::Event::CommandParked { parked_id, .. } => parked_id.clone().unwrap_or_default(),
        event::Event::Order { .. }
        | event::Event::PaymentRecorded { .. }
        | event::Event::RefundRequested { .. }
        | event::Event::CaptureRequested { .. }
        | event::Event::VoidRequested { .. }
        | event::Event::StockHeld { .. }
        | event::Event::StockCommitted
        | event::Event::StockReleased { .. }
        | event::Event::StockReturned { .. }
        | event::Event::NotificationRequested { .. }
        | event::Event::NotificationDelivered { .. }
        | event::Event::NotificationFailed { .. } => {
            let order = entry.record.order.as_ref();
            order.expect("the event is one of an order").to_string()
        }
    }
}
