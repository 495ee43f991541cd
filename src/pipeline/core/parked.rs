//! Replays and dismisses parked messages, since a person asks for it. The answer waits until all is durable.

use super::super::Error;
use super::super::parked::{Dismissed, Replay, Replayed};
use super::super::pending_acks::Originals;
use super::Core;
use crate::decode::Edit;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::{parked, sequencer};
use orderly_domain::id::Operator;
use orderly_domain::parked::ResolutionKind;
use orderly_domain::record::Origin;
use orderly_store::{Ordinal, Seq};
use std::sync::Arc;

impl Core {
    /// Replays messages one after the other. A dry run leaves each as it is.
    pub(super) async fn replay(&mut self, replay: &Replay) -> Result<Vec<Replayed>, Error> {
        let mut all = Vec::with_capacity(replay.messages.len());
        for parked in &replay.messages {
            self.heartbeat.beat();
            all.push(self.replay_one(*parked, replay).await?);
        }
        if !replay.dry_run {
            self.until_durable().await?;
        }
        Ok(all)
    }

    async fn replay_one(&mut self, parked: Ordinal, replay: &Replay) -> Result<Replayed, Error> {
        let (about, body) = {
            let view = self.sequencer.view().borrow();
            let about = parked::read(&view, parked).map_err(sequencer::Error::from)?;
            (about, parked::body(&view, parked)?.unwrap_or_default())
        };
        let Some(about) = about else {
            return self.finished(parked, replay.edit.as_ref());
        };
        let has_data = replay.edit.as_ref().is_some_and(|edit| edit.data.is_some());
        if about.truncated && !has_data {
            return Ok(Replayed::Truncated);
        }
        let mut inbound = self.decoder.decode_parked(&about, &body, replay.edit.as_ref());
        if let Some(other) = self.belongs_elsewhere(&inbound) {
            return Ok(Replayed::Elsewhere(other));
        }
        inbound.operator.clone_from(&replay.operator);
        let edited = replay.edit.is_some();
        let again = sequencer::Replay { parked, inbound, edited };
        let entry = if replay.dry_run {
            self.sequencer.try_replay(&again).await?.map(Arc::new)
        } else if let Some(sealed) = self.sequencer.replay(&again).await? {
            let entry = Arc::clone(&sealed.entry);
            self.sealed(sealed, None).await?;
            Some(entry)
        } else {
            None
        };
        match entry {
            Some(entry) => Ok(self.verdict(entry)),
            None => self.finished(parked, replay.edit.as_ref()),
        }
    }

    fn verdict(&self, entry: Arc<JournalEntry>) -> Replayed {
        let originals = Originals { view: self.sequencer.view() };
        let original = originals.read(&entry).map(Arc::new);
        Replayed::Verdict { entry, original }
    }

    /// The verdict of a message that was replayed before, as long as it is kept; not for other data than it was replayed with.
    fn finished(&self, parked: Ordinal, edit: Option<&Edit>) -> Result<Replayed, Error> {
        let view = self.sequencer.view();
        let resolution =
            parked::resolution(&view.borrow(), parked).map_err(sequencer::Error::from)?;
        let Some(replayed) = resolution.filter(|found| found.kind == ResolutionKind::Replayed)
        else {
            return Ok(Replayed::NotParked(resolution));
        };
        let Some(unit) = view.borrow().unit(Seq(replayed.unit))? else {
            return Ok(Replayed::NotParked(resolution));
        };
        let entry = JournalEntry::read(&unit).map_err(sequencer::Error::from)?;
        if let Some(edit) = edit {
            let is_same = if edit.data.is_some() {
                let given = self.decoder.decode_edit(&entry.record.origin, edit);
                self.sequencer.is_of(&given, &entry)?
            } else {
                // its data were those of the message
                is_of_type(&entry.record.origin, edit.kind.as_deref())
            };
            if !is_same {
                return Ok(Replayed::OtherData(replayed));
            }
        }
        Ok(self.verdict(Arc::new(entry)))
    }

    /// Dismisses messages one after the other.
    pub(super) async fn dismiss(
        &mut self,
        messages: &[Ordinal],
        operator: Option<&Operator>,
    ) -> Result<Vec<Dismissed>, Error> {
        let mut all = Vec::with_capacity(messages.len());
        for parked in messages {
            self.heartbeat.beat();
            all.push(match self.sequencer.dismiss(*parked, operator.cloned()).await? {
                Some(sealed) => {
                    self.sealed(sealed, None).await?;
                    Dismissed::Done
                }
                None => {
                    let view = self.sequencer.view().borrow();
                    let found =
                        parked::resolution(&view, *parked).map_err(sequencer::Error::from)?;
                    Dismissed::NotParked(found)
                }
            });
        }
        self.until_durable().await?;
        Ok(all)
    }
}

fn is_of_type(origin: &Origin, wanted: Option<&str>) -> bool {
    match origin {
        Origin::Message { kind, .. } => wanted == Some(kind.as_str()),
        _ => false, // units of another origin replay no message
    }
}
