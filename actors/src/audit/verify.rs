//! Everything that can be checked of a store that nobody writes.

use super::{Audit, audit};
use crate::counters;
use crate::lists;
use crate::states;
use orderly_store::View;

/// Audits the store, and compares the lists of its entities with their states. (A store of an earlier build has no lists
/// before its first start with this one.)
pub fn verify(view: &View) -> Result<Audit, states::Error> {
    let mut audit = audit(view)?;
    if counters::lists_are_built(view) {
        audit.violations.extend(lists::check(view)?);
        audit.balanced = audit.violations.is_empty();
    }
    Ok(audit)
}
