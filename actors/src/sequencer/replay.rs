//! Replays and dismisses parked messages, since a person asks for it.
//!
//! A replay takes the way of every command. The unit with its verdict also takes the message from the parked ones, unless the
//! message would be parked again: then the message stays where it is. So after a crash the message is parked and untouched,
//! or its command is decided and the message is gone. What became of it is kept for as long as history is.
//!
//! A person has decided, so neither the deadline nor the age of the message counts: the caller leaves both out. A conflict runs
//! under an identity of its own: that of the command was used up with other data.

use super::command::{IdentityOf, Judgement};
use super::dead_letter::Unprocessable;
use super::inbound::InboundMessage;
use super::seal::{Decided, UnitContext};
use super::state::Sequencer;
use super::step::{Error, Sealed, Step};
use crate::changeset::{Change, Changeset, NewTimer, TimerKind};
use crate::journal_entry::JournalEntry;
use crate::outcome::Outcome;
use crate::parked::{self, Reparked, Unparked};
use crate::states::Rollback;
use crate::tables;
use orderly_domain::id::{Operator, OrderId};
use orderly_domain::identity::{self, DataHash};
use orderly_domain::parked::{Parked, ResolutionKind};
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::{IdentityHash, Ordinal};

/// A parked message that is to be processed again.
#[derive(Debug)]
pub struct Replay {
    /// Its place among the parked messages.
    pub parked: Ordinal,
    /// The message, decoded again. Its deadline and its own time count, where it has them.
    pub inbound: InboundMessage,
    /// Whether a person has put other data in the place of the message's.
    pub edited: bool,
}

impl Sequencer {
    /// Processes a parked message again. `None`: no message is parked there.
    pub async fn replay(&mut self, replay: &Replay) -> Result<Option<Sealed>, Error> {
        let now = self.now();
        let Some((context, outcome)) = self.decide_replay(replay, now).await? else {
            return Ok(None);
        };
        // what stays parked has a verdict that is parked, and what was decided has another one
        match self.seal_parked(context, outcome).await {
            Err(Error::TooLong(problem)) => {
                self.owners.roll_back(Rollback::Staged).await;
                let Some((context, outcome)) = self.fail_replay(replay, &problem, now)? else {
                    return Ok(None);
                };
                self.seal_parked(context, outcome).await.map(Some)
            }
            sealed => sealed.map(Some),
        }
    }

    /// What the unit of a replay would be. Nothing of it is kept. `None`: no message is parked there.
    pub async fn try_replay(&mut self, replay: &Replay) -> Result<Option<JournalEntry>, Error> {
        let now = self.now();
        let Some((context, outcome)) = self.decide_replay(replay, now).await? else {
            return Ok(None);
        };
        match self.build_and_drop(context, outcome).await {
            Err(Error::TooLong(problem)) => {
                let Some((context, outcome)) = self.fail_replay(replay, &problem, now)? else {
                    return Ok(None);
                };
                self.build_and_drop(context, outcome).await.map(Some)
            }
            built => built.map(Some),
        }
    }

    /// Whether the command was decided in that unit, or in the one that the unit repeats: with the same identity and the same
    /// data, as a message or as the replay of a conflict.
    pub fn is_of(&self, inbound: &InboundMessage, entry: &JournalEntry) -> Result<bool, Error> {
        let (Ok(command), Some(source), Some(id)) =
            (&inbound.command, &inbound.source, &inbound.id)
        else {
            return Ok(false);
        };
        let data = DataHash::new(command);
        let of_command = identity::of(source, id, command);
        let view = self.view.borrow();
        for hash in [of_command, identity::of_replayed_conflict(of_command, data)] {
            let seen = view.identity(&IdentityHash(hash))?;
            let units = [Some(entry.seq.0), entry.record.original];
            if seen.is_some_and(|seen| data.is_same(seen.data) && units.contains(&Some(seen.seq.0)))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn decide_replay(
        &mut self,
        replay: &Replay,
        now: Timestamp,
    ) -> Result<Option<(UnitContext, Outcome)>, Error> {
        let &Replay { parked, ref inbound, .. } = replay;
        let unparked = Unparked::find(&self.view.borrow(), parked, ResolutionKind::Replayed)?;
        let Some(unparked) = unparked else { return Ok(None) };
        let identity = match unparked.about.reason {
            Reason::Conflict => IdentityOf::ReplayedConflict,
            _ => IdentityOf::Command,
        };
        let (context, outcome) = match self.judge(inbound, identity, now).await? {
            Judgement::Decided(decided) | Judgement::Repeated(decided) => {
                let Decided { context, mut outcome } = *decided;
                self.take(unparked, &mut outcome.changeset, now);
                (context, outcome)
            }
            Judgement::Unprocessable(why) => self.keep(unparked, *why, replay)?,
            Judgement::Failed(problem) => return self.fail_replay(replay, &problem, now),
        };
        Ok(Some((UnitContext { parked: Some(parked), ..context }, outcome)))
    }

    /// The message cannot be processed, whatever its command: it stays parked as failed.
    fn fail_replay(
        &self,
        replay: &Replay,
        problem: &impl ToString,
        now: Timestamp,
    ) -> Result<Option<(UnitContext, Outcome)>, Error> {
        let &Replay { parked, ref inbound, .. } = replay;
        let unparked = Unparked::find(&self.view.borrow(), parked, ResolutionKind::Replayed)?;
        let Some(unparked) = unparked else { return Ok(None) };
        let detail = Some(problem.to_string().into());
        let why = Unprocessable::new(inbound, Reason::Failed, detail, now);
        let (context, outcome) = self.keep(unparked, why, replay)?;
        Ok(Some((UnitContext { parked: Some(parked), ..context }, outcome)))
    }

    /// Takes a message from the parked ones.
    fn take(&self, unparked: Unparked, changeset: &mut Changeset, now: Timestamp) {
        changeset.timers.push(NewTimer {
            due: now.plus(self.settings.terms.keep_for),
            kind: TimerKind::Resolution,
            ordinal: unparked.ordinal,
        });
        changeset.unparked = Some(Box::new(unparked));
    }

    /// Leaves a message parked. What is known of it follows, unless it was tried with other data.
    fn keep(
        &self,
        Unparked { ordinal, about, .. }: Unparked,
        why: Unprocessable,
        Replay { inbound, edited, .. }: &Replay,
    ) -> Result<(UnitContext, Outcome), Error> {
        let before = about.reason;
        let attempts = about.attempts.saturating_add(1);
        // in the history of the order that the data name; of what is no command, of the order that the message names
        let order = inbound.command.as_ref().ok().and_then(|command| command.subject().order_id);
        let order = order.or_else(|| OrderId::new(about.order_id.as_ref()?).ok());
        let order = self.placed(order)?;
        let about = if *edited {
            Parked { attempts, ..about }
        } else {
            Parked { attempts, reason: why.reason, detail: why.detail.clone(), ..about }
        };
        let reparked = Some(Box::new(Reparked { ordinal, about, before }));
        Ok(why.outcome(order, Changeset { reparked, ..Changeset::default() }))
    }

    /// Takes a parked message from the parked ones without processing it. `None`: no message is parked there.
    pub async fn dismiss(
        &mut self,
        parked: Ordinal,
        operator: Option<Operator>,
    ) -> Result<Option<Sealed>, Error> {
        let now = self.now();
        let unparked = Unparked::find(&self.view.borrow(), parked, ResolutionKind::Dismissed)?;
        let Some(unparked) = unparked else { return Ok(None) };
        let order = unparked.about.order_id.as_ref().and_then(|id| OrderId::new(id).ok());
        let order = self.placed(order)?;
        let mut changeset = Changeset::default();
        self.take(unparked, &mut changeset, now);
        let outcome = Outcome { order, ..Outcome::new(Verdict::Applied, changeset) };
        let context = UnitContext {
            operator,
            parked: Some(parked),
            ..UnitContext::new(Origin::Dismissed, None, now)
        };
        self.seal(context, outcome).await.map(Some)
    }

    /// Forgets what became of a message that was parked, once history is not kept for so long.
    pub(super) async fn forget_resolution(
        &mut self,
        parked: Ordinal,
    ) -> Result<Option<Step>, Error> {
        let now = self.now();
        let resolution = parked::resolution(&self.view.borrow(), parked)?;
        let Some(resolution) = resolution else { return Ok(None) };
        let due = resolution.at.plus(self.settings.terms.keep_for);
        let changeset = if due > now {
            // history is kept for longer than it was then
            Changeset::timer(NewTimer { due, kind: TimerKind::Resolution, ordinal: parked })
        } else {
            let (table, part) = (tables::PARKED, parked::RESOLUTION);
            let places = [].into();
            let forgotten = Change::Deleted { table, ordinal: parked, part, places };
            Changeset { changes: vec![forgotten], ..Changeset::default() }
        };
        let context = UnitContext::new(Origin::Retention, None, now);
        self.seal(context, Outcome::new(Verdict::Applied, changeset))
            .await
            .map(Step::from)
            .map(Some)
    }
}
