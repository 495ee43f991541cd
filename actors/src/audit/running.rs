//! An audit that is under way while units are sealed.

use super::auditor::Auditor;
use super::report::Audit;
use crate::states;
use orderly_store::{Unit, View};
use std::sync::Arc;

/// The audit that is under way, if one is; or why the audit cannot go on.
#[derive(Debug, Default)]
pub struct RunningAudit(Option<Result<Auditor, states::Error>>);

impl RunningAudit {
    /// Seals a unit. The audit that is under way follows what the unit changes.
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

    /// Begins an audit, or reads the states of one more page. The last page gives what the audit
    /// found: that is as of now, whatever was changed since the audit began.
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
