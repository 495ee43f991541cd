//! Answers the questions that only the core can answer.

use super::super::Error;
use super::super::handle::Question;
use super::Core;

impl Core {
    pub(super) async fn answer(&mut self, question: Question) -> Result<(), Error> {
        match question {
            Question::Audit(asker) => self.askers.ask(asker),
            Question::Pause(true) => self.link.control.pause().await,
            Question::Pause(false) => self.link.control.resume().await,
            Question::Resend { id, answer } => {
                let resent = self.resend(&id).await?;
                let _ = answer.send(resent); // the caller may have gone
            }
            Question::Stop { .. } => {} // handled by the loop
        }
        Ok(())
    }
}
