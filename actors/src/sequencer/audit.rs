//! An audit between the commands: a few states at a time.

use super::state::Sequencer;
use crate::audit::Audit;
use crate::states;

impl Sequencer {
    /// Begins an audit, or continues the one that is under way: reads the states of one page. The last page
    /// returns the result. It describes the current states, also those that changed since the audit began.
    pub fn audit_step(&mut self) -> Option<Result<Audit, states::Error>> {
        self.audit.step(&self.view.borrow())
    }
}
