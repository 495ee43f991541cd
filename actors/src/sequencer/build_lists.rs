//! Puts the entities of a store that an earlier build wrote into their lists. Earlier builds had no lists.

use super::seal::UnitContext;
use super::state::Sequencer;
use super::step::{Error, Sealed};
use crate::changeset::Changeset;
use crate::counters;
use crate::lists::{LISTED, places};
use crate::outcome::Outcome;
use orderly_domain::record::Origin;
use orderly_domain::verdict::Verdict;
use orderly_store::{Ordinal, Table};

/// How many pages are read for one unit.
const PAGES: usize = 8;

/// How far the lists are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListsBuilt {
    /// The entity to go on with. `None`: all lists are built.
    pub next: Option<(Table, Ordinal)>,
    /// The entities that were looked at, and those that there are, in all tables.
    pub done: u64,
    /// See `done`.
    pub of: u64,
}

impl Sequencer {
    /// The first entity that may not be in its lists. `None`: every entity is.
    pub fn lists_to_build(&self) -> Option<(Table, Ordinal)> {
        let is_built = counters::lists_are_built(&self.view.borrow());
        (!is_built).then_some((LISTED[0], Ordinal(0)))
    }

    /// Puts some entities from `from` on into their lists. When this is interrupted, it may begin anew.
    pub async fn build_lists(
        &mut self,
        from: (Table, Ordinal),
    ) -> Result<(Sealed, ListsBuilt), Error> {
        let mut changeset = Changeset::default();
        let mut next = Some(from);
        for _ in 0..PAGES {
            let Some((table, ordinal)) = next else { break };
            next = self.places_of_page(table, ordinal, &mut changeset)?;
        }
        changeset.lists_built = next.is_none();
        let context = UnitContext::new(Origin::Upgrade, None, self.now());
        let sealed = self.seal(context, Outcome::new(Verdict::Applied, changeset)).await?;
        Ok((sealed, self.progress(next)))
    }

    fn places_of_page(
        &self,
        table: Table,
        from: Ordinal,
        changeset: &mut Changeset,
    ) -> Result<Option<(Table, Ordinal)>, Error> {
        let (entities, next) = self.view.borrow().page(table, from)?;
        for entity in &entities {
            let places = places(table, entity)?.into_iter();
            changeset.places.extend(places.map(|place| (entity.ordinal, place)));
        }
        let following = LISTED.into_iter().skip_while(|one| *one != table).nth(1);
        let next = next.map(|next| (table, next));
        Ok(next.or(following.map(|table| (table, Ordinal(0)))))
    }

    fn progress(&self, next: Option<(Table, Ordinal)>) -> ListsBuilt {
        let view = self.view.borrow();
        let count = |table| view.next_ordinal(table).0;
        let of = LISTED.into_iter().map(count).sum();
        let done = match next {
            Some((table, ordinal)) => {
                let before = LISTED.into_iter().take_while(|one| *one != table);
                before.map(count).sum::<u64>() + ordinal.0
            }
            None => of,
        };
        ListsBuilt { next, done, of }
    }
}
