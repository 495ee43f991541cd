//! Answers the questions that only the core can answer.

use super::super::Error;
use super::super::handle::Question;
use super::super::pending_acks::Originals;
use super::super::submit::Tried;
use super::Core;
use orderly_actors::sequencer::InboundMessage;

impl Core {
    pub(super) async fn answer(&mut self, question: Question) -> Result<(), Error> {
        match question {
            Question::Audit(asker) => self.askers.ask(asker),
            Question::Backup(answer) => self.journal.back_up(answer),
            // a caller may have gone
            Question::Pause { paused, operator, answer } => {
                self.set_paused(paused, operator.as_ref()).await;
                let _ = answer.send(());
            }
            Question::Resend { ids, operator, answer } => {
                let _ = answer.send(self.resend(&ids, operator.as_ref()).await?);
            }
            Question::Replay { replay, answer } => {
                let _ = answer.send(self.replay(&replay).await?);
            }
            Question::Try { inbound, answer } => {
                let _ = answer.send(self.try_command(&inbound).await?);
            }
            Question::Dismiss { messages, operator, answer } => {
                let _ = answer.send(self.dismiss(&messages, operator.as_ref()).await?);
            }
            Question::Stop { .. } => {} // handled by the loop
        }
        Ok(())
    }

    async fn try_command(&mut self, inbound: &InboundMessage) -> Result<Tried, Error> {
        self.heartbeat.beat();
        let entry = self.sequencer.try_run(inbound).await?;
        let original = Originals { view: self.sequencer.view() }.read(&entry);
        Ok(Tried { entry, original })
    }
}
