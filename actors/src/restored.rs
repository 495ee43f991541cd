//! A store that was put back from a copy: what it does before it goes on.

use crate::states;
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::stored::Stored as _;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::{Opened, Seq};
use std::sync::Arc;

/// Continues the sequences of a store behind `through`: the sequences up to there were used by units that this copy does not
/// have. One unit without events stands for them in the journal.
///
/// Begins a new incarnation first, if `renew`. What was durable of both survives a crash in between: a later start does the rest.
pub fn continue_behind(
    opened: &mut Opened,
    through: Seq,
    renew: bool,
    now: Timestamp,
) -> Result<(), states::Error> {
    if renew {
        opened.begin_incarnation()?;
    }
    let missing = through.0.saturating_sub(opened.view.next_seq().0);
    let record = UnitRecord {
        origin: Origin::Restored,
        trace: None,
        order: None,
        verdict: Verdict::Applied,
        reason: None,
        detail: None,
        original: None,
        events: Vec::new(),
        ignored: None,
        operator: None,
        parked: None,
    };
    let builder = opened.view.begin(now.micros());
    let seq = builder.seq().0;
    let mut body = Vec::new();
    record.write(&mut body).map_err(|error| states::Error::corrupt(seq, error))?;
    let unit = builder.seal(missing, &body);
    opened.view.seal(Arc::clone(&unit));
    opened.log.commit(&[unit])?;
    Ok(())
}
