//! The expected results of a day: those of the reference model.

use crate::day::Step;
use crate::tally::{Account, Stock, Tally, VerdictWithReason};
use orderly_model::{Message, Model, Settings, Unit};

/// 2025-11-25T08:00:00Z, in microseconds: the time of the model. Results depend on it only in that deadlines of earlier years are
/// past.
const OPENING: i64 = 1_764_057_600_000_000;
/// Longer than [`SHORT_HOLD`](crate::day::SHORT_HOLD), in microseconds.
const SHORT_HOLDS_ARE_OVER: i64 = 2_000_000;

/// Takes the steps of a day through the model, and counts the results.
#[derive(Debug)]
pub struct Expected {
    model: Model,
    tally: Tally,
}

impl Expected {
    /// The results before the first step. `settings` are those of the processor.
    pub fn new(settings: Settings) -> Self {
        Self { model: Model::new(settings, OPENING), tally: Tally::default() }
    }

    /// Takes the next step. Returns the verdict if the step is a message.
    pub fn take(&mut self, step: &Step) -> Option<VerdictWithReason> {
        let Step::Send(message) = step else {
            self.model.now += SHORT_HOLDS_ARE_OVER;
            let expired = self.model.expire_due();
            self.count_events(&expired);
            return None;
        };
        let units = self.model.take_all(&Message {
            source: message.source,
            id: message.id.as_deref(),
            kind: message.kind,
            body: &message.body,
            time: None,
            deadline: message.deadline,
        });
        self.count_events(&units);
        // The other units are callbacks that waited for this order: each had its verdict when it came.
        let verdict =
            units.first().map(|unit| VerdictWithReason::new(unit.verdict, unit.reason))?;
        *self.tally.verdicts.entry(verdict.clone()).or_default() += 1;
        Some(verdict)
    }

    /// The results of all steps so far.
    pub fn finish(self) -> Tally {
        let shop = self.model.snapshot();
        let mut tally = self.tally;
        for (id, order) in shop.orders {
            for (kind, _) in order.notifications {
                *tally.notifications.entry(kind.to_owned()).or_default() += 1;
            }
            // Always true: the model gives the name of a status.
            if let Ok(status) = order.status.parse() {
                let (total, paid, refunded) = (order.total, order.paid, order.refunded);
                tally.orders.insert(id, Account { status, total, paid, refunded });
            }
        }
        let stock = shop.stock.into_iter();
        tally.stock = stock
            .map(|(sku, stock)| (sku, Stock { on_hand: stock.on_hand, held: stock.held }))
            .collect();
        tally.waiting = shop.waiting as u64;
        tally.parked = shop.parked as u64;
        tally
    }

    fn count_events(&mut self, units: &[Unit]) {
        let events = units.iter().flat_map(|unit| &unit.events);
        for event in events.filter(|event| event.starts_with("order.")) {
            *self.tally.events.entry((*event).to_owned()).or_default() += 1;
        }
    }
}
