//! An audit between the commands: a few states at a time.

use super::state::Sequencer;
use crate::audit::Audit;
use crate::states;

impl Sequencer {
    /// Begins an audit, or goes on with the one that is under way: reads the states of one page. The
    /// last page gives what the audit found: that is as of now, whatever was changed since the audit
    /// began.
    pub fn audit_step(&mut self) -> Option<Result<Audit, states::Error>> {
        self.audit.step(&self.view.borrow())
    }
}
