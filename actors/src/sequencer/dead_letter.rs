//! Putting aside what cannot be processed: with its bytes and its reason, once.

use super::command::order_of;
use super::inbound::{InboundMessage, Raw};
use super::seal::Turn;
use super::state::Sequencer;
use super::step::{Error, Sealed, Step};
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::counters;
use crate::names;
use crate::parked::{self, CUT, ParkedItem, WHOLE};
use crate::payment;
use crate::tables;
use crate::turn::{CommandError, Fault, Outcome, ask};
use bytes::Bytes;
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::parked::Parked;
use orderly_domain::payment::Waiting;
use orderly_domain::record::Origin;
use orderly_domain::subject::Subject;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use orderly_store::{Ordinal, Seq};

impl Sequencer {
    /// Parks a message that still failed after every retry.
    pub async fn park_failed(
        &mut self,
        inbound: &InboundMessage,
        problem: String,
    ) -> Result<Sealed, Error> {
        let now = self.now();
        self.park(inbound, Reason::Failed, Some(problem.into()), now).await
    }

    /// Parks a message for `reason`; delivered again, it is acknowledged and not parked twice.
    pub(super) async fn park(
        &mut self,
        inbound: &InboundMessage,
        reason: Reason,
        detail: Option<Detail>,
        now: Timestamp,
    ) -> Result<Sealed, Error> {
        let turn = Turn::new(inbound.origin(), inbound.trace, now);
        let order = inbound.command.as_ref().ok().and_then(order_of).cloned();
        self.set_aside(inbound, turn, reason, detail, order.map(|id| (id, None))).await
    }

    /// Parks a message whose identity came before with other data.
    pub(super) async fn park_conflict(
        &mut self,
        inbound: &InboundMessage,
        first: Seq,
        order: Option<(OrderId, Option<Ordinal>)>,
        now: Timestamp,
    ) -> Result<Sealed, Error> {
        let turn =
            Turn { original: Some(first), ..Turn::new(inbound.origin(), inbound.trace, now) };
        let detail = Some("the same identity came before with other data".into());
        self.set_aside(inbound, turn, Reason::Conflict, detail, order).await
    }

    async fn set_aside(
        &mut self,
        inbound: &InboundMessage,
        turn: Turn,
        reason: Reason,
        detail: Option<Detail>,
        order: Option<(OrderId, Option<Ordinal>)>,
    ) -> Result<Sealed, Error> {
        let mut changeset = Changeset::default();
        let item = self.item(inbound, reason, detail.clone(), turn.now)?;
        // also when it was parked before: the process may have died before the dead letter was confirmed
        let dead_letter = match &item {
            Some(item) => item.about.truncated,
            None => self.parked_before(inbound)?.is_some_and(|about| about.truncated),
        };
        if let Some(item) = item {
            changeset.events.push(event(&item, inbound));
            changeset.parked = Some(Box::new(item));
        }
        let order = match order {
            Some((id, None)) => {
                let name = names::name(id.as_str());
                let ordinal = self.view().borrow().find(tables::ORDERS, &name)?;
                Some((id, ordinal))
            }
            other => other,
        };
        let verdict = verdict_of(reason);
        let outcome =
            Outcome { reason: Some(reason), detail, order, ..Outcome::new(verdict, changeset) };
        let sealed = self.seal(turn, outcome).await?;
        Ok(Sealed { dead_letter, ..sealed })
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

    /// What is to be kept of a message; `None` when it is parked already.
    fn item(
        &self,
        inbound: &InboundMessage,
        reason: Reason,
        detail: Option<Detail>,
        now: Timestamp,
    ) -> Result<Option<ParkedItem>, Error> {
        let view = self.view().borrow();
        let whole = &inbound.raw.body;
        let name = names::parked_name(inbound.source.as_ref(), inbound.id.as_ref(), whole);
        let known = view.find(tables::PARKED, &name)?;
        if let Some(ordinal) = known
            && parked::read(&view, ordinal)?.is_some()
        {
            return Ok(None);
        }
        let full = counters::parked_bytes(&view).saturating_add(whole.len() as u64)
            > self.settings.parked_bytes;
        let kept = if whole.len() <= WHOLE && !full { whole.len() } else { whole.len().min(CUT) };
        let subject = match &inbound.command {
            Ok(command) => Subject::of(command),
            // of a longer body not even the JSON is looked at
            Err(_) if whole.len() > WHOLE => Subject::default(),
            Err(_) => Subject::read(whole),
        };
        let about = Parked {
            reason,
            command_id: inbound.id.as_ref().map(ToString::to_string),
            source: inbound.source.as_ref().map(ToString::to_string),
            r#type: Some(inbound.kind.as_str().to_owned()).filter(|kind| !kind.is_empty()),
            order_id: inbound
                .command
                .as_ref()
                .ok()
                .and_then(order_of)
                .map(|id| id.as_str().to_owned()),
            content_type: inbound.raw.content_type.clone(),
            received_at: now,
            attempts: inbound.attempts + 1,
            detail,
            size: whole.len() as u64,
            truncated: kept < whole.len(),
            provider: subject.provider,
            event_id: subject.event_id,
            cart_id: subject.cart_id,
            sku: subject.sku,
        };
        // a copy: the message may share its buffer with others that came in the same frame
        let body = Bytes::copy_from_slice(&whole[..kept]);
        let ordinal = known.unwrap_or_else(|| view.next_ordinal(tables::PARKED));
        Ok(Some(ParkedItem { ordinal, name, about, body }))
    }

    /// Parks the first callback that waited for an order, since it cannot be applied.
    pub(super) async fn park_waiting(
        &mut self,
        order: Ordinal,
        now: Timestamp,
    ) -> Result<Option<Step>, Error> {
        let next = payment::DequeueCallback { order };
        let reply = ask(&self.owners.payment, next).await;
        let (next, mut changeset) = match reply {
            Ok(Ok((Some(next), changeset))) => (next, changeset),
            Err(Fault::State(error)) | Ok(Err(CommandError::Fault(Fault::State(error)))) => {
                return Err(error.into());
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
        let park = (Reason::Failed, "it failed when its order had come");
        Ok(Some(self.park_callback(next.waiting, order, park, changeset, now).await?.into()))
    }

    /// Parks a callback that waited for an order and waits no more, as `changeset` says: its data is what is kept.
    pub(super) async fn park_callback(
        &mut self,
        waited: Waiting,
        order: Ordinal,
        (reason, detail): (Reason, &str),
        mut changeset: Changeset,
        now: Timestamp,
    ) -> Result<Sealed, Error> {
        let Waiting { callback, trace, source, command_id, .. } = waited;
        let body = serde_json::to_vec(&callback).unwrap_or_default();
        let order_id = callback.order_id.clone();
        let command = orderly_domain::command::Command::PaymentCallback(callback);
        let inbound = InboundMessage {
            source: Some(source.clone()),
            id: Some(command_id.clone()),
            kind: orderly_domain::record::Named::from(command.kind()),
            time: None,
            deadline: None,
            trace,
            attempts: 1,
            command: Ok(command),
            raw: Raw { body: body.into(), content_type: Some("application/json".to_owned()) },
        };
        let detail = Some(Detail::from(detail));
        if let Some(item) = self.item(&inbound, reason, detail.clone(), now)? {
            changeset.events.push(event(&item, &inbound));
            changeset.parked = Some(Box::new(item));
        }
        let origin = Origin::Waited { source, id: command_id };
        let outcome =
            Outcome { reason: Some(reason), detail, ..Outcome::new(verdict_of(reason), changeset) };
        let outcome = outcome.about(order_id, Some(order));
        self.seal(Turn::new(origin, trace, now), outcome).await
    }
}

fn verdict_of(reason: Reason) -> Verdict {
    match reason {
        Reason::Conflict => Verdict::Conflict,
        Reason::Failed | Reason::WaitingFull | Reason::OrderNeverCame => Verdict::Failed,
        _ => Verdict::Invalid,
    }
}

fn event(item: &ParkedItem, inbound: &InboundMessage) -> Event {
    Event::CommandParked {
        parked_id: parked::id(item.ordinal),
        reason: item.about.reason,
        detail: item.about.detail.clone(),
        r#type: item.about.r#type.clone(),
        source: inbound.source.clone(),
        command_id: inbound.id.clone(),
    }
}
