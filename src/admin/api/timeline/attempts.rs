//! What a failed attempt to deliver a notification changed.
//!
//! A delivery that ended is an event of its unit. A failed attempt that is tried again is no event: its unit has only the new
//! state of all notifications of the order. What the attempt changed is the difference to the state before, which is in an
//! earlier unit of the order.

use crate::admin::api::Error;
use orderly_actors::journal_entry;
use orderly_actors::states::State as _;
use orderly_domain::notification::{Delivery, Notices, NotificationKind, Progress};
use orderly_domain::record::{Origin, UnitRecord};
use orderly_store::{self as store, Unit};
use std::sync::Arc;

/// Compares the units of one order, the oldest first, each with the unit before that set the notifications of the order.
pub(super) struct Attempts<Earlier> {
    /// The last unit that set them. `None`: no unit so far.
    last: Option<Arc<Unit>>,
    /// The units before the first one, the newest first. They are read only when one of them is needed.
    earlier: Earlier,
}

impl<Earlier: Iterator<Item = Result<Arc<Unit>, store::Error>>> Attempts<Earlier> {
    pub(super) const fn new(earlier: Earlier) -> Self {
        Self { last: None, earlier }
    }

    /// The delivery after the failed attempt that the next unit recorded, when the attempt is tried again. `None`: the unit
    /// recorded another thing, or the unit before was pruned and several deliveries may be meant.
    pub(super) fn retried(
        &mut self,
        unit: &Arc<Unit>,
        record: &UnitRecord,
    ) -> Result<Option<Delivery>, Error> {
        if !sets_notices(unit) {
            return Ok(None);
        }
        let retried = match record.origin {
            Origin::Notified(kind) if record.events.is_empty() => self.compare(unit, kind)?,
            _ => None,
        };
        self.last = Some(Arc::clone(unit));
        Ok(retried)
    }

    fn compare(&mut self, unit: &Unit, kind: NotificationKind) -> Result<Option<Delivery>, Error> {
        if self.last.is_none() {
            let earlier = &mut self.earlier;
            let is_wanted =
                |unit: &Result<Arc<Unit>, _>| unit.as_deref().map_or(true, sets_notices);
            self.last = earlier.find(is_wanted).transpose()?;
        }
        let before = match &self.last {
            Some(last) => journal_entry::state::<Notices>(last)?,
            None => None,
        };
        let after = journal_entry::state::<Notices>(unit)?;
        Ok(after.and_then(|after| changed(kind, before.as_deref(), &after)))
    }
}

fn sets_notices(unit: &Unit) -> bool {
    let mut puts = unit.puts.iter();
    puts.any(|put| (put.table, put.part) == (Notices::TABLE, Notices::PART))
}

/// The one delivery of such a notification that failed since and is tried again.
fn changed(kind: NotificationKind, before: Option<&Notices>, after: &Notices) -> Option<Delivery> {
    let mut changed = after.all.iter().filter(|notice| notice.kind == kind).flat_map(|notice| {
        let all = before.map_or(&[][..], |before| &before.all);
        let old = all.iter().find(|old| old.id == notice.id);
        let old = old.map_or(&[][..], |old| &old.deliveries);
        notice.deliveries.iter().filter(move |one| is_retried(one) && !old.contains(one))
    });
    let first = changed.next()?;
    changed.next().is_none().then(|| first.clone())
}

fn is_retried(delivery: &Delivery) -> bool {
    delivery.failures > 0 && matches!(delivery.progress, Progress::Pending { .. })
}
