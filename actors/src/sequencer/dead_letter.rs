//! Parks messages that cannot be processed, each once, with its bytes and the reason.
//!
//! The parked messages are bounded. Beyond the limit of bytes only the beginning of a body is kept;
//! beyond the limit of their number nothing is. A message that is not kept whole is also published to
//! the broker's dead letters. The message is acknowledged, or the callback stops waiting, only after the
//! broker has confirmed the dead letter: a process that dies earlier publishes the message again.

use super::inbound::{InboundMessage, Raw};
use super::seal::{Identity, UnitContext};
use super::state::Sequencer;
use super::step::{DeadLetter, Error, Sealed, Step};
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::counters;
use crate::names;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::parked::{self, Lists, MAX_WHOLE_BODY, ParkedItem, TRUNCATED_BODY};
use crate::payment;
use crate::states::Rollback;
use crate::tables;
use bytes::Bytes;
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::identity::{self, DataHash};
use orderly_domain::ignored::Ignored;
use orderly_domain::parked::Parked;
use orderly_domain::payment::Waiting;
use orderly_domain::record::Origin;
use orderly_domain::subject::Subject;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use orderly_store::{IdentityHash, Ordinal, Seq};

impl Sequencer {
    /// Parks a message that still failed after every retry.
    pub async fn park_failed(
        &mut self,
        inbound: &InboundMessage,
        problem: String,
    ) -> Result<Sealed, Error> {
        let why = Unprocessable::new(inbound, Reason::Failed, Some(problem.into()), self.now());
        self.park(inbound, why).await
    }

    /// Parks a message. A message that was parked before is not parked twice. A message that cannot be kept whole is also
    /// marked for the dead letters of the broker.
    pub(super) async fn park(
        &mut self,
        inbound: &InboundMessage,
        why: Unprocessable,
    ) -> Result<Sealed, Error> {
        let (context, outcome, dead_letter) = self.parking(inbound, why)?;
        let sealed = self.seal_parked(context, outcome).await?;
        Ok(Sealed { dead_letter, ..sealed })
    }

    /// What the unit of a message has that is parked, and whether the message goes to the dead letters of the broker, too. The
    /// unit is in the history of the order that the message names, also if there is no such order yet.
    pub(super) fn parking(
        &self,
        inbound: &InboundMessage,
        why: Unprocessable,
    ) -> Result<(UnitContext, Outcome, bool), Error> {
        let (reason, detail) = (why.reason, why.detail.clone());
        let subject = self.subject_of(inbound);
        let mut changeset = Changeset::default();
        let mut number = None;
        // a message that was parked before is published again too: the process may have died before
        // the broker confirmed the dead letter
        let dead_letter =
            match self.place((inbound, &subject), reason, detail.clone(), why.context.now)? {
                Place::Known(about) => about.truncated,
                Place::Room(item) => {
                    let truncated = item.about.truncated;
                    number = item.about.link.map(|link| Ordinal(link.order));
                    changeset.events.push(event(Some(&item), inbound, reason, detail.clone()));
                    changeset.parked = Some(item);
                    truncated
                }
                Place::Full => {
                    changeset.events.push(event(None, inbound, reason, detail));
                    true
                }
            };
        let order = match (subject.order_id, number) {
            (Some(id), Some(number)) => Some((id, Some(number))),
            (order, _) => self.placed(order)?,
        };
        let (context, outcome) = why.outcome(order, changeset);
        Ok((context, outcome, dead_letter))
    }

    /// The same order with its place in the store, where its id has one.
    pub(super) fn placed(
        &self,
        order: Option<OrderId>,
    ) -> Result<Option<(OrderId, Option<Ordinal>)>, Error> {
        let Some(id) = order else { return Ok(None) };
        let ordinal = names::find(&self.view().borrow(), tables::ORDERS, id.as_str())?;
        Ok(Some((id, ordinal)))
    }

    /// What a message names. Of one that is no command, what can be read from its bytes.
    fn subject_of(&self, inbound: &InboundMessage) -> Subject {
        match &inbound.command {
            Ok(command) => command.subject(),
            Err(_) => Subject::read(&(self.settings.data_of)(&inbound.raw)),
        }
    }

    /// What is known of a message that is parked already.
    pub(super) fn parked_before(&self, inbound: &InboundMessage) -> Result<Option<Parked>, Error> {
        let view = self.view().borrow();
        let name =
            names::parked_name(inbound.source.as_ref(), inbound.id.as_ref(), &inbound.raw.body);
        match view.find(tables::PARKED, &name)? {
            Some(ordinal) => Ok(parked::read(&view, ordinal)?),
            None => Ok(None),
        }
    }

    /// Whether one more message may be parked.
    pub(super) fn has_room(&self) -> bool {
        counters::parked_in_all(&self.view().borrow()) < self.settings.parked_count
    }

    /// Where a message goes that is to be parked, and that names this subject.
    fn place(
        &self,
        (inbound, subject): (&InboundMessage, &Subject),
        reason: Reason,
        detail: Option<Detail>,
        now: Timestamp,
    ) -> Result<Place, Error> {
        let view = self.view().borrow();
        let whole = &inbound.raw.body;
        let name = names::parked_name(inbound.source.as_ref(), inbound.id.as_ref(), whole);
        let known = view.find(tables::PARKED, &name)?;
        if let Some(ordinal) = known
            && let Some(about) = parked::read(&view, ordinal)?
        {
            return Ok(Place::Known(Box::new(about)));
        }
        if !self.has_room() {
            return Ok(Place::Full);
        }
        let full = counters::parked_bytes(&view).saturating_add(whole.len() as u64)
            > self.settings.parked_bytes;
        let kept = if whole.len() <= MAX_WHOLE_BODY && !full {
            whole.len()
        } else {
            whole.len().min(TRUNCATED_BODY)
        };
        let Subject { order_id, provider, event_id, cart_id, sku } = subject.clone();
        let about = Parked {
            reason,
            command_id: inbound.id.as_ref().map(ToString::to_string),
            source: inbound.source.as_ref().map(ToString::to_string),
            r#type: Some(inbound.kind.as_str().to_owned()).filter(|kind| !kind.is_empty()),
            order_id: order_id.as_ref().map(|id| id.as_str().to_owned()),
            content_type: inbound.raw.content_type.clone(),
            content_encoding: inbound.raw.content_encoding.clone(),
            received_at: now,
            attempts: inbound.attempts + 1,
            detail,
            size: whole.len() as u64,
            truncated: kept < whole.len(),
            provider,
            event_id,
            cart_id,
            sku,
            link: None,
            trace: inbound.trace,
        };
        // a copy: the message may share its buffer with others that came in the same frame
        let body = Bytes::copy_from_slice(&whole[..kept]);
        let ordinal = known.unwrap_or_else(|| view.next_ordinal(tables::PARKED));
        let was_resolved = known.is_some();
        let mut lists = Lists::new(&view);
        let about = match order_id {
            Some(order) => lists.add(ordinal, about, &order)?,
            None => about,
        };
        let lists = lists.finish().without(ordinal);
        Ok(Place::Room(Box::new(ParkedItem { ordinal, name, about, body, lists, was_resolved })))
    }

    /// Parks the first callback that waited for an order, because the callback cannot be applied.
    /// `confirmed` is the dead letter that the broker confirmed, if there was no room to park the callback.
    /// `None`: the callback was applied or parked before.
    pub(super) async fn park_waiting(
        &mut self,
        order: Ordinal,
        cause: ParkCause,
        confirmed: Option<&DeadLetter>,
        now: Timestamp,
    ) -> Result<Option<Step>, Error> {
        let next = payment::DequeueCallback { order };
        let reply = ask(&self.owners.payment, next).await;
        let (next, mut changeset) = match reply {
            Ok(Ok((Some(next), changeset))) => (next, changeset),
            Err(Fault::State(error)) | Ok(Err(CommandError::Fault(Fault::State(error)))) => {
                return Err(error.into());
            }
            // the callback was applied or parked in the meantime
            Ok(Ok((None, _))) if confirmed.is_some() => {
                self.owners.roll_back(Rollback::Staged).await;
                return Ok(None);
            }
            Ok(_) | Err(_) => {
                let problem = format!("a callback waiting for order {} cannot be read", order.0);
                return Ok(Some(Step::Failed { problem }));
            }
        };
        if next.left > 0 {
            let kind = TimerKind::Waiting;
            changeset.timers.push(NewTimer { due: now, kind, ordinal: order });
        }
        let waited = Waited { waiting: next.waiting, order, changeset };
        self.park_callback(waited, cause, confirmed, now).await.map(Some)
    }

    /// Parks a callback that waited for an order and waits no more. The message that brought the callback
    /// is not stored, so the callback's data are parked in its place. Without room nothing is sealed,
    /// unless `confirmed` says that the broker has this callback among its dead letters.
    pub(super) async fn park_callback(
        &mut self,
        Waited { waiting, order, mut changeset }: Waited,
        ParkCause { reason, detail }: ParkCause,
        confirmed: Option<&DeadLetter>,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let Waiting { callback, trace, source, command_id, .. } = waiting;
        let body = serde_json::to_vec(&callback).unwrap_or_default();
        let order_id = callback.order_id.clone();
        let command = orderly_domain::command::Command::PaymentCallback(callback);
        // The callback used up its identity when it began to wait. A message that failed uses up none.
        let hash = IdentityHash(identity::of(&source, &command_id, &command));
        let freed = Identity { hash, data: DataHash::FREED };
        let inbound = InboundMessage {
            source: Some(source.clone()),
            id: Some(command_id.clone()),
            kind: orderly_domain::record::CommandName::from(command.kind()),
            time: None,
            deadline: None,
            trace,
            attempts: 1,
            command: Ok(command),
            operator: None,
            ignored: Ignored::default(),
            raw: Raw {
                body: body.into(),
                content_type: Some("application/json".to_owned()),
                content_encoding: None,
            },
        };
        let subject = self.subject_of(&inbound);
        match self.place((&inbound, &subject), reason, detail.clone(), now)? {
            Place::Known(_) => {}
            Place::Room(item) => {
                changeset.events.push(event(Some(&item), &inbound, reason, detail.clone()));
                changeset.parked = Some(item);
            }
            Place::Full if confirmed.is_some_and(|letter| letter.is_of(&source, &command_id)) => {
                changeset.events.push(event(None, &inbound, reason, detail.clone()));
            }
            Place::Full => {
                self.owners.roll_back(Rollback::Staged).await;
                let body = inbound.raw.body;
                let letter = DeadLetter { order, reason, detail, source, command_id, trace, body };
                return Ok(Step::DeadLetter(Box::new(letter)));
            }
        }
        let origin = Origin::Waited { source, id: command_id };
        let outcome =
            Outcome { reason: Some(reason), detail, ..Outcome::new(verdict_of(reason), changeset) };
        let outcome = outcome.about(order_id, Some(order));
        let context = UnitContext { identity: Some(freed), ..UnitContext::new(origin, trace, now) };
        Ok(self.seal_parked(context, outcome).await?.into())
    }

    /// Ends the waiting of a callback whose dead letter the broker has confirmed. `None`: the callback
    /// was applied or parked in the meantime.
    pub async fn dead_lettered(&mut self, letter: &DeadLetter) -> Result<Option<Step>, Error> {
        let DeadLetter { order, reason, ref detail, .. } = *letter;
        match reason {
            Reason::OrderNeverCame => self.take_orphaned_callback(order, Some(letter)).await,
            _ => {
                let cause = ParkCause { reason, detail: detail.clone() };
                let now = self.now();
                self.park_waiting(order, cause, Some(letter), now).await
            }
        }
    }
}

/// Why a message cannot be processed.
pub(super) struct Unprocessable {
    pub(super) context: UnitContext,
    pub(super) reason: Reason,
    pub(super) detail: Option<Detail>,
}

impl Unprocessable {
    pub(super) fn new(
        inbound: &InboundMessage,
        reason: Reason,
        detail: Option<Detail>,
        now: Timestamp,
    ) -> Self {
        Self { context: UnitContext::of_message(inbound, now), reason, detail }
    }

    /// Of a message whose identity came before, in the unit `first`, with other data.
    pub(super) fn conflict(inbound: &InboundMessage, first: Seq, now: Timestamp) -> Self {
        let detail = Some("the same identity came before with other data".into());
        let conflict = Self::new(inbound, Reason::Conflict, detail, now);
        let context = UnitContext { original: Some(first), ..conflict.context };
        Self { context, ..conflict }
    }

    /// The outcome of its command: nothing of what it asked for is done.
    pub(super) fn outcome(
        self,
        order: Option<(OrderId, Option<Ordinal>)>,
        changeset: Changeset,
    ) -> (UnitContext, Outcome) {
        let Self { context, reason, detail } = self;
        let verdict = verdict_of(reason);
        let outcome =
            Outcome { reason: Some(reason), detail, order, ..Outcome::new(verdict, changeset) };
        (context, outcome)
    }
}

/// The reason why a callback is parked.
pub(super) struct ParkCause {
    pub(super) reason: Reason,
    pub(super) detail: Option<Detail>,
}

/// A callback that was taken from those that wait for an order, and the changes that say so.
pub(super) struct Waited {
    pub(super) waiting: Waiting,
    pub(super) order: Ordinal,
    pub(super) changeset: Changeset,
}

/// Where a message goes that is to be parked.
enum Place {
    /// The message is parked already.
    Known(Box<Parked>),
    /// The message is kept: all of its body, or the beginning.
    Room(Box<ParkedItem>),
    /// There is no room: `parked.max_count` messages are parked.
    Full,
}

fn verdict_of(reason: Reason) -> Verdict {
    match reason {
        Reason::Conflict => Verdict::Conflict,
        Reason::Failed | Reason::WaitingFull | Reason::OrderNeverCame => Verdict::Failed,
        _ => Verdict::Invalid,
    }
}

/// The event of a parked message. Without an item only the broker has the message.
fn event(
    item: Option<&ParkedItem>,
    inbound: &InboundMessage,
    reason: Reason,
    detail: Option<Detail>,
) -> Event {
    Event::CommandParked {
        parked_id: item.map(|item| parked::id(item.ordinal)),
        reason,
        detail,
        r#type: Some(inbound.kind.as_str().to_owned()).filter(|kind| !kind.is_empty()),
        source: inbound.source.clone(),
        command_id: inbound.id.clone(),
    }
}
