//! The audit that runs while units are sealed.

use super::auditor::Auditor;
use super::report::Audit;
use crate::states;
use orderly_store::{Unit, View};
use std::sync::Arc;

/// The audit that runs, if any, or the error that ended it. The next step returns that error.
#[derive(Debug, Default)]
pub struct RunningAudit(Option<Result<Auditor, states::Error>>);

impl RunningAudit {
    /// Seals a unit. An audit that runs takes the changes of the unit into account.
    pub fn seal(&mut self, view: &mut View, unit: &Arc<Unit>) {
        self.follow(|auditor| auditor.before(view, unit));
        view.seal(Arc::clone(unit));
        self.follow(|auditor| auditor.after(view, unit));
    }

    fn follow(&mut self, follow: impl FnOnce(&mut Auditor) -> Result<(), states::Error>) {
        if let Some(Ok(auditor)) = &mut self.0
            && let Err(error) = follow(auditor)
        {
            self.0 = Some(Err(error));
        }
    }

    /// Begins an audit, or reads the states of one more page. After the last page returns the result,
    /// which describes the current states, also those that changed since the audit began.
    pub fn step(&mut self, view: &View) -> Option<Result<Audit, states::Error>> {
        let audit = match self.0.get_or_insert_with(|| Ok(Auditor::default())) {
            Ok(auditor) => auditor.step(view),
            Err(error) => Err(error.clone()),
        };
        let ended = audit.transpose();
        if ended.is_some() {
            self.0 = None;
        }
        ended
    }
}
