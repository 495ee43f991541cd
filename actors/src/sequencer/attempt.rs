//! Asking the owners, and asking once more on reloaded states when an owner panicked.

use super::owners::Owners;
use super::state::Sequencer;
use super::step::Error;
use crate::outcome::Fault;
use crate::states::Rollback;
use orderly_domain::command::Invalid;
use orderly_planted::{Bug, is_planted};

/// What came of asking the owners.
pub(super) enum Attempt<T> {
    /// They replied.
    Done(T),
    /// The command does not fit the state that it is about.
    Invalid(Invalid),
    /// Asking failed twice: what went wrong the second time.
    Failed(String),
}

impl Sequencer {
    /// Asks the owners, and asks once more when one of them panicked or contradicted another. After
    /// a failure nothing is staged in any owner.
    ///
    /// A store that failed, or a state that cannot be read, ends the process.
    pub(super) async fn attempt<T>(
        &mut self,
        ask: impl AsyncFn(&Owners) -> Result<T, Fault>,
    ) -> Result<Attempt<T>, Error> {
        let mut is_retry = false;
        loop {
            let fault = match ask(&self.owners).await {
                Ok(done) => return Ok(Attempt::Done(done)),
                Err(fault) => fault,
            };
            match fault {
                Fault::State(error) => return Err(error.into()),
                Fault::Invalid(invalid) => {
                    self.owners.roll_back(Rollback::Staged).await;
                    return Ok(Attempt::Invalid(invalid));
                }
                Fault::Panicked(_) | Fault::Inconsistent(_) => {
                    if !is_planted(Bug::CacheNotReloaded) {
                        self.owners.roll_back(Rollback::All).await;
                    }
                    if is_retry {
                        return Ok(Attempt::Failed(fault.to_string()));
                    }
                    is_retry = true;
                }
            }
        }
    }

    /// The same for steps that are not commands of producers, and so are never invalid.
    pub(super) async fn attempt_valid<T>(
        &mut self,
        ask: impl AsyncFn(&Owners) -> Result<T, Fault>,
    ) -> Result<Result<T, String>, Error> {
        Ok(match self.attempt(ask).await? {
            Attempt::Done(done) => Ok(done),
            Attempt::Invalid(invalid) => Err(invalid.detail),
            Attempt::Failed(problem) => Err(problem),
        })
    }
}
