//! What would come of a message, without doing it: the unit is made and dropped, and the owners drop what they staged.

use super::command::{IdentityOf, Judgement};
use super::dead_letter::Unprocessable;
use super::inbound::InboundMessage;
use super::seal::{Decided, UnitContext};
use super::state::Sequencer;
use super::step::Error;
use crate::journal_entry::JournalEntry;
use crate::outcome::Outcome;
use crate::states::Rollback;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use std::sync::Arc;

impl Sequencer {
    /// What the unit of a message would be, after the last attempt. Nothing of it is kept.
    pub async fn try_run(&mut self, inbound: &InboundMessage) -> Result<JournalEntry, Error> {
        let now = self.now();
        let (context, outcome) = match self.judge(inbound, IdentityOf::Command, now).await? {
            Judgement::Decided(decided) | Judgement::Repeated(decided) => {
                let Decided { context, outcome } = *decided;
                (context, outcome)
            }
            Judgement::Unprocessable(why) => {
                let (context, outcome, _) = self.parking(inbound, *why)?;
                (context, outcome)
            }
            Judgement::Failed(problem) => self.failing(inbound, &problem, now)?,
        };
        match self.build_and_drop(context, outcome).await {
            Err(Error::TooLong(problem)) => {
                let (context, outcome) = self.failing(inbound, &problem, now)?;
                self.build_and_drop(context, outcome).await
            }
            built => built,
        }
    }

    /// The message is parked as failed.
    fn failing(
        &self,
        inbound: &InboundMessage,
        problem: &impl ToString,
        now: Timestamp,
    ) -> Result<(UnitContext, Outcome), Error> {
        let detail = Some(problem.to_string().into());
        let why = Unprocessable::new(inbound, Reason::Failed, detail, now);
        let (context, outcome, _) = self.parking(inbound, why)?;
        Ok((context, outcome))
    }

    /// Makes the unit of an outcome and drops it, with all that the owners staged.
    pub(super) async fn build_and_drop(
        &mut self,
        context: UnitContext,
        outcome: Outcome,
    ) -> Result<JournalEntry, Error> {
        let built = self.build(Decided::new(context, outcome));
        self.owners.roll_back(Rollback::Staged).await;
        built.map(|sealed| Arc::unwrap_or_clone(sealed.entry))
    }
}
