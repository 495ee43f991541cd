//! The audit reads every state and checks what must hold after every unit: stock, money and counters
//! agree with each other.
//!
//! A store that nobody writes is audited in one call: [`audit`]. While the shop is at work, an
//! [`Auditor`] reads a few states at a time between two commands, and follows what these change.
//!
//! | module | has |
//! |---|---|
//! | `report` | the result: counts, violations, and what a person must look at |
//! | `totals` | the sums over the states, and what is found in each state |
//! | `findings` | what is found in single states |
//! | `auditor` | reads a page of states at a time, and follows every unit meanwhile |
//! | `running` | the audit that runs while units are sealed |
//! | `verify` | the audit of a store that nobody writes, with the check of all lists |

mod auditor;
mod findings;
mod report;
mod running;
mod totals;
mod verify;

pub use auditor::{Auditor, audit};
pub use report::{Audit, Counts};
pub use running::RunningAudit;
pub use totals::attention;
pub use verify::verify;
