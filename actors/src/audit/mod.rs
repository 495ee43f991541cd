//! The audit: do the books balance? Reads every state, and checks what must hold after every unit.
//!
//! A store that nobody writes is audited in one call: [`audit`]. While the shop is at work, an
//! [`Auditor`] reads a few states at a time between two commands, and follows what these change.
//!
//! | module | has |
//! |---|---|
//! | `report` | what an audit finds |
//! | `books` | the sums over states, and what each state violates |
//! | `auditor` | an audit that is under way |

mod auditor;
mod books;
mod report;

pub use auditor::{Auditor, audit};
pub use report::{Audit, Counts};
