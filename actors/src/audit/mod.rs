//! The audit: do the books balance? Reads every state, and checks what must hold after every unit.
//!
//! A store that nobody writes is audited in one call: [`audit`]. While the shop is at work, an
//! [`Auditor`] reads a few states at a time between two commands, and follows what these change.
//!
//! | module | has |
//! |---|---|
//! | `report` | what an audit finds |
//! | `books` | the sums over states, and what each state violates |
//! | `auditor` | reads a page of states at a time, and follows what units change |
//! | `running` | the audit that is under way while units are sealed |

mod auditor;
mod books;
mod report;
mod running;

pub use auditor::{Auditor, audit};
pub use report::{Audit, Counts};
pub use running::RunningAudit;
