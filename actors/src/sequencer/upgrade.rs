//! Names the captures of a store that an earlier build wrote. Money counts for one order because the index names the order
//! of every capture; earlier builds gave captures no names.

use super::seal::UnitContext;
use super::state::Sequencer;
use super::step::{Error, Sealed};
use crate::changeset::Changeset;
use crate::counters;
use crate::outcome::Outcome;
use crate::payment::name_of_capture;
use crate::states::part;
use crate::tables;
use orderly_domain::payment::{CaptureIdentity, Payments};
use orderly_domain::record::Origin;
use orderly_domain::verdict::Verdict;
use orderly_store::{NameHash, Ordinal, Seq};
use std::collections::BTreeSet;

/// How many pages of orders are read for one unit.
const PAGES: usize = 16;

impl Sequencer {
    /// Whether nothing was ever written to the store.
    pub(super) fn is_new(&self) -> bool {
        self.view.borrow().next_seq() == Seq::FIRST
    }

    /// The first order whose captures may have no names. `None`: every capture has one.
    pub fn captures_to_name(&self) -> Option<Ordinal> {
        (!counters::captures_are_named(&self.view.borrow())).then_some(Ordinal(0))
    }

    /// Names the captures of some orders from `from` on, and gives the order at which to go on. A capture that was counted
    /// for two orders keeps the name of the first. When this is interrupted, it may begin anew.
    pub async fn name_captures(
        &mut self,
        from: Ordinal,
    ) -> Result<(Sealed, Option<Ordinal>), Error> {
        let mut changeset = Changeset::default();
        let mut named = BTreeSet::new();
        let mut next = Some(from);
        for _ in 0..PAGES {
            let Some(from) = next else { break };
            next = self.names_of_page(from, &mut named, &mut changeset)?;
        }
        changeset.captures_named = next.is_none();
        let context = UnitContext::new(Origin::Upgrade, None, self.now());
        let sealed = self.seal(context, Outcome::new(Verdict::Applied, changeset)).await?;
        Ok((sealed, next))
    }

    fn names_of_page(
        &self,
        from: Ordinal,
        named: &mut BTreeSet<NameHash>,
        changeset: &mut Changeset,
    ) -> Result<Option<Ordinal>, Error> {
        let view = self.view.borrow();
        let (entities, next) = view.page(tables::ORDERS, from)?;
        for entity in &entities {
            let payments = part::<Payments>(entity)?;
            for attempt in payments.iter().flat_map(|payments| &payments.attempts) {
                for capture in &attempt.captures {
                    let CaptureIdentity::Capture(id) = &capture.identity else { continue };
                    let name = name_of_capture(&attempt.provider, &attempt.id, id);
                    if view.find(tables::ORDERS, &name)?.is_none() && named.insert(name) {
                        changeset.names.push((tables::ORDERS, name, entity.ordinal));
                    }
                }
            }
        }
        Ok(next)
    }
}
