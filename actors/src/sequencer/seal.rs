//! Makes a unit from the outcome of a command, a timer or a delivery.

use super::inbound::InboundMessage;
use super::listing::{post, post_message, post_money, post_place};
use super::state::Sequencer;
use super::step::{Error, FollowUp, Sealed, Step};
use crate::changeset::{Change, NewTimer, TimerKind};
use crate::counters;
use crate::journal_entry::JournalEntry;
use crate::marker;
use crate::outcome::Outcome;
use crate::states::{Rollback, State};
use crate::tables;
use orderly_domain::id::Operator;
use orderly_domain::identity::DataHash;
use orderly_domain::ignored::Ignored;
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::stored::{self, Stored};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::Verdict;
use orderly_planted::{Bug, is_planted};
use orderly_store::{IdentityHash, List, Ordinal, PostingChange, Seq, UnitBuilder};
use std::sync::Arc;
use std::time::Duration;

/// A notification is sent as soon as its unit is durable. Its timer fires this much later, for the case
/// that the process ends before it has sent the notification.
const NOTIFY_SAFETY: Duration = Duration::from_secs(5);

/// The identity that a unit uses up, or frees.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) hash: IdentityHash,
    /// Tells a duplicate from a conflict.
    pub(super) data: DataHash,
}

/// Everything that a unit records besides the outcome of its command.
pub(super) struct UnitContext {
    /// What set the unit off.
    pub(super) origin: Origin,
    pub(super) trace: Option<TraceParent>,
    /// The identity that the command uses up.
    pub(super) identity: Option<Identity>,
    /// The list of the event that a callback tells.
    pub(super) event: Option<List>,
    /// Of a duplicate or a conflict: the unit that came first.
    pub(super) original: Option<Seq>,
    /// The fields of the command that are not known.
    pub(super) ignored: Ignored,
    /// Who acted, as the caller of the admin API said.
    pub(super) operator: Option<Operator>,
    /// The parked message that the unit replays or dismisses.
    pub(super) parked: Option<Ordinal>,
    pub(super) now: Timestamp,
}

/// What was decided, and what its unit records besides. It is handed on in a box: it has several hundred bytes, and each step
/// that waits for another would copy them.
pub(super) struct Decided {
    pub(super) context: UnitContext,
    pub(super) outcome: Outcome,
}

impl Decided {
    pub(super) fn new(context: UnitContext, outcome: Outcome) -> Box<Self> {
        Box::new(Self { context, outcome })
    }
}

impl UnitContext {
    pub(super) fn new(origin: Origin, trace: Option<TraceParent>, now: Timestamp) -> Self {
        Self {
            origin,
            trace,
            identity: None,
            event: None,
            original: None,
            ignored: Ignored::default(),
            operator: None,
            parked: None,
            now,
        }
    }

    /// Of a message that uses up no identity.
    pub(super) fn of_message(inbound: &InboundMessage, now: Timestamp) -> Self {
        Self {
            ignored: inbound.ignored.clone(),
            operator: inbound.operator.clone(),
            ..Self::new(inbound.origin(), inbound.trace, now)
        }
    }
}

impl Sequencer {
    /// Seals the outcome of a command that owners decided. The owners keep the states that they staged;
    /// when the outcome changes nothing, they drop them.
    ///
    /// A command that failed ends in another way: its message is parked, see [`seal_parked`](Self::seal_parked).
    pub(super) async fn seal(
        &mut self,
        context: UnitContext,
        outcome: Outcome,
    ) -> Result<Sealed, Error> {
        debug_assert_ne!(outcome.verdict, Verdict::Failed, "what failed is parked: {outcome:?}");
        self.seal_any(Decided::new(context, outcome)).await
    }

    /// The same for a step that may fail: it fails, and changes nothing, when the store does not take its unit.
    pub(super) async fn seal_step(&mut self, decided: Box<Decided>) -> Result<Step, Error> {
        let outcome = &decided.outcome;
        debug_assert_ne!(outcome.verdict, Verdict::Failed, "what failed is parked: {outcome:?}");
        match self.seal_any(decided).await {
            Ok(sealed) => Ok(sealed.into()),
            Err(Error::TooLong(problem)) => {
                self.owners.roll_back(Rollback::Staged).await;
                Ok(Step::Failed { problem: problem.to_string() })
            }
            Err(error) => Err(error),
        }
    }

    /// Seals the outcome of a message that is parked, or was parked before.
    pub(super) async fn seal_parked(
        &mut self,
        context: UnitContext,
        outcome: Outcome,
    ) -> Result<Sealed, Error> {
        self.seal_any(Decided::new(context, outcome)).await
    }

    async fn seal_any(&mut self, mut decided: Box<Decided>) -> Result<Sealed, Error> {
        if let Some(trace) = decided.context.trace {
            self.trace_notifications(&mut decided.outcome.changeset, trace).await;
        }
        if decided.outcome.changeset.changes.is_empty() && !is_planted(Bug::RefusalKeepsChanges) {
            self.owners.roll_back(Rollback::Staged).await;
        }
        self.write(decided)
    }

    /// Writes the unit of an outcome, and makes it memory.
    pub(super) fn write(&mut self, decided: Box<Decided>) -> Result<Sealed, Error> {
        let sealed = self.build(decided)?;
        self.audit.seal(&mut self.view.borrow_mut(), &sealed.unit);
        Ok(sealed)
    }

    /// Makes the unit of an outcome: states, names, timers, counters, and the record with the events.
    pub(super) fn build(&self, decided: Box<Decided>) -> Result<Sealed, Error> {
        let Decided { context, outcome } = *decided;
        let mut builder = self.view.borrow().begin(context.now.micros());
        let Outcome { verdict, reason, detail, order, original, changeset } = outcome;
        let (id, order) = order.map_or((None, None), |(id, ordinal)| (Some(id), ordinal));
        let record = UnitRecord {
            origin: context.origin,
            trace: context.trace,
            order: id,
            verdict,
            reason,
            detail,
            original: context.original.or(original).map(|seq| seq.0),
            events: changeset.events,
            ignored: Some(context.ignored).filter(|ignored| !ignored.is_empty()),
            operator: context.operator,
            parked: context.parked.map(|parked| parked.0),
        };
        if let Some(identity) = context.identity {
            builder.identity(identity.hash, identity.data.word());
        }
        for (table, hash, ordinal) in changeset.names {
            builder.name(table, hash, ordinal);
        }
        let mut entry = JournalEntry {
            seq: builder.seq(),
            next: builder.seq().plus(1 + record.events.len() as u64),
            at: Timestamp::from_micros(builder.at()),
            record,
            order: None,
            details: None,
            carts: Vec::new(),
            reservation: None,
        };
        post_money(&mut builder, &changeset.changes, &self.view.borrow())?;
        for change in changeset.changes {
            put(&mut builder, &mut entry, change)?;
        }
        if context.identity.is_some() {
            post_message(&mut builder, &entry.record.origin, context.event);
        }
        for (ordinal, place) in changeset.places {
            post_place(&mut builder, ordinal, place, PostingChange::Added);
        }
        let at = entry.at;
        let follow_ups = changeset.timers.iter().filter_map(|timer| follow_up(timer, at)).collect();
        for timer in changeset.timers.iter().filter(|timer| !is_forgotten(timer)) {
            let due = match timer.kind {
                TimerKind::Notify if timer.due <= entry.at => timer.due.plus(NOTIFY_SAFETY),
                TimerKind::Notify
                | TimerKind::Hold
                | TimerKind::Waiting
                | TimerKind::Cart
                | TimerKind::OrphanedCallback
                | TimerKind::DeleteOrder
                | TimerKind::Resolution => timer.due,
            };
            builder.timer(due.micros(), timer.kind.table(), timer.ordinal, timer.kind as u8);
        }
        if let Some((before, after)) = changeset.status_change {
            if let Some(before) = before {
                builder.count(counters::of_status(before), -1);
            }
            builder.count(counters::of_status(after), 1);
        }
        if let Some(status) = changeset.deleted {
            builder.count(counters::of_status(status), -1);
        }
        if changeset.waiting != 0 {
            builder.count(counters::WAITING, changeset.waiting);
        }
        if changeset.up_to_date {
            builder.count(counters::UPGRADED, counters::to_upgrade(&self.view.borrow()));
        }
        if changeset.lists_built {
            builder.count(counters::LISTS_BUILT, 1);
        }
        if let Some(item) = changeset.parked {
            item.put(&mut builder)?;
        }
        if let Some(unparked) = changeset.unparked {
            unparked.put(&mut builder)?;
        }
        if let Some(reparked) = changeset.reparked {
            reparked.put(&mut builder)?;
        }
        if let Some(linked) = changeset.parked_linked {
            linked.changes.put(&mut builder)?;
            builder.count(counters::PARKED_LINKED, linked.is_done.into());
        }
        if let Some(marker) = changeset.marker {
            let view = self.view.borrow();
            marker::put(&marker, marker::find(&view)?, &view, &mut builder)?;
        }
        if let Some(order) = order {
            let previous = self.view.borrow().last_in_history(tables::ORDERS, order)?;
            builder.link_history(tables::ORDERS, order, previous);
        }
        let events = entry.record.events.len() as u64;
        let unit = builder.seal_with(events, |out| entry.record.write(out).map_err(Error::from))?;
        Ok(Sealed { unit, entry: Arc::new(entry), follow_ups, dead_letter: false })
    }
}

fn put(builder: &mut UnitBuilder, entry: &mut JournalEntry, change: Change) -> Result<(), Error> {
    fn write<S: State>(
        builder: &mut UnitBuilder,
        ordinal: Ordinal,
        state: &S,
    ) -> Result<(), stored::Error> {
        builder.put_with(S::TABLE, ordinal, S::PART, |out| state.write(out))
    }
    match change {
        Change::Order(order) => {
            write(builder, order.ordinal, &*order.after)?;
            // an order is placed once
            post(builder, &order, PostingChange::New);
            entry.order = Some(order.after);
        }
        Change::OrderDetails(ordinal, details) => {
            write(builder, ordinal, &*details)?;
            entry.details = Some(details);
        }
        Change::Reservation(reservation) => {
            write(builder, reservation.ordinal, &*reservation.after)?;
            // and gets one reservation, which is deleted only with it
            post(builder, &reservation, PostingChange::New);
            entry.reservation = Some(reservation.after);
        }
        Change::Cart(ordinal, cart) => {
            write(builder, ordinal, &*cart)?;
            entry.carts.push(cart);
        }
        Change::Payments(payments) => {
            write(builder, payments.ordinal, &*payments.after)?;
            post(builder, &payments, PostingChange::Added);
        }
        Change::FoldedItem(item) => {
            write(builder, item.ordinal, &*item.after)?;
            post(builder, &item, PostingChange::Added);
        }
        Change::Notices(ordinal, notices) => write(builder, ordinal, &*notices)?,
        Change::Stock(ordinal, stock) => write(builder, ordinal, &*stock)?,
        Change::Tombstone(ordinal, tombstone) => write(builder, ordinal, &tombstone)?,
        Change::Deleted { table, ordinal, part, places } => {
            builder.remove(table, ordinal, part);
            for place in places {
                post_place(builder, ordinal, place, PostingChange::Removed);
            }
        }
    }
    Ok(())
}

fn is_forgotten(timer: &NewTimer) -> bool {
    timer.kind == TimerKind::Hold && is_planted(Bug::ForgottenTimer)
}

fn follow_up(timer: &NewTimer, at: Timestamp) -> Option<FollowUp> {
    match timer.kind {
        TimerKind::Notify if timer.due > at => None,
        TimerKind::Waiting => Some(FollowUp::RunWaiting(timer.ordinal)),
        TimerKind::Notify => Some(FollowUp::Notify(timer.ordinal)),
        TimerKind::Hold
        | TimerKind::Cart
        | TimerKind::OrphanedCallback
        | TimerKind::DeleteOrder
        | TimerKind::Resolution => None,
    }
}
