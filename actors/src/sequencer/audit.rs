//! An audit beside the work: a few states at a time, between two commands.

use super::Sequencer;
use crate::audit::{Audit, Auditor};
use crate::states;
use orderly_store::{Unit, View};
use std::sync::Arc;

/// The audit that is under way, if one is; or why it cannot go on.
#[derive(Debug, Default)]
pub(super) struct Audits(Option<Result<Auditor, states::Error>>);

impl Audits {
    /// Seals a unit; an audit that is under way sees what it changes.
    pub(super) fn seal(&mut self, view: &mut View, unit: &Arc<Unit>) {
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
}

impl Sequencer {
    /// Goes on with the audit that is under way, or begins one: reads the states of one page. What it found, once it
    /// has read all; that is as of now, whatever was changed since it began.
    pub fn audit_step(&mut self) -> Option<Result<Audit, states::Error>> {
        let audit = match self.audits.0.get_or_insert_with(|| Ok(Auditor::default())) {
            Ok(auditor) => auditor.step(&self.view.borrow()),
            Err(error) => Err(error.clone()),
        };
        let ended = audit.transpose();
        if ended.is_some() {
            self.audits = Audits::default();
        }
        ended
    }
}
