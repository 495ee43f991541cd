//! The share that a partition has of a store which is divided into several.
//!
//! A number of partitions that is a multiple of the number before divides each store by itself: what is in partition 1 of 4 is in
//! partition 1 or 5 of 8. Numbers that a store gave (ordinals, sequences) stay, so a share has gaps where the others have something.
//! What belongs to no key is in all shares: units of the journal, identities of messages, ids of orders that an early build deleted.
//! Messages that name no order, and events that are not published yet, are in the share with the number of the divided store.

use super::Error;
use super::reader::{Meaning, each_line};
use orderly_actors::states::{self, part};
use orderly_actors::{counters, lists, parked, tables};
use orderly_domain::cart::Cart;
use orderly_domain::inventory::Stock;
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::parked::ParkedOfOrder;
use orderly_domain::partition::Partitions;
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_store::transfer::{About, Item};
use orderly_store::{Entity, Ordinal, Partition, Table};
use std::collections::BTreeSet;
use std::io::BufRead;
use std::num::NonZeroU16;

/// What of an export belongs to a partition.
#[derive(Debug)]
pub struct Share {
    wanted: Partition,
    partitions: Partitions,
    /// The share has what belongs to no key in particular, but must be in one share only.
    is_first: bool,
    /// What the other shares have, by table.
    dropped: Vec<Ordinals>,
    /// Orders of which no more is known than that parked messages name them.
    unknown: BTreeSet<u64>,
    /// What the counters of the share have less.
    less: Vec<i64>,
}

/// A set of ordinals, a bit each.
#[derive(Debug, Default)]
struct Ordinals(Vec<u64>);

impl Ordinals {
    fn insert(&mut self, Ordinal(ordinal): Ordinal) {
        let word = usize::try_from(ordinal / 64).unwrap_or(usize::MAX);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (ordinal % 64);
    }

    fn contains(&self, Ordinal(ordinal): Ordinal) -> bool {
        let word = usize::try_from(ordinal / 64).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|word| word & (1 << (ordinal % 64)) != 0)
    }
}

/// Whether the store of a partition is divided into several of which `wanted` is one.
fn divides(found: Partition, wanted: Partition) -> bool {
    wanted.of.is_multiple_of(found.of) && wanted.number % found.of == found.number
}

impl Share {
    /// The share that a partition has of an export. `None`: the export is of that partition, and all of it is imported. Reads all
    /// lines.
    ///
    /// # Errors
    /// [`Error::Undivided`] when the export is of a partition that has nothing of the wanted one, or only a part of it.
    pub fn of(lines: impl BufRead, wanted: Partition) -> Result<Option<Self>, Error> {
        let mut share = None;
        let mut is_all = false;
        each_line(
            lines,
            |_| {},
            |meaning| {
                match meaning {
                    Meaning::Store { about, .. } if about.partition == wanted => is_all = true,
                    Meaning::Store { about, .. } => share = Some(Self::new(&about, wanted)?),
                    Meaning::Item(item) => {
                        if let Some(share) = &mut share {
                            share.look(&item)?;
                        }
                    }
                    Meaning::End { .. } => {}
                }
                Ok(!is_all)
            },
        )?;
        Ok(share)
    }

    fn new(about: &About, wanted: Partition) -> Result<Self, Error> {
        let found = about.partition;
        let partitions = NonZeroU16::new(wanted.of).filter(|_| divides(found, wanted));
        let partitions = partitions.ok_or(Error::Undivided { found, wanted })?;
        Ok(Self {
            wanted,
            partitions: Partitions(partitions),
            is_first: wanted.number == found.number,
            dropped: tables::ALL.iter().map(|_| Ordinals::default()).collect(),
            unknown: BTreeSet::new(),
            less: vec![0; about.counters.len()],
        })
    }

    fn is_own(&self, id: &str) -> bool {
        self.partitions.of_id(id) == self.wanted.number
    }

    /// Looks at an item, in the order of the export: orders come before what belongs to them.
    fn look(&mut self, item: &Item) -> Result<(), Error> {
        let Item::Entity { table, ordinal, parts, .. } = item else { return Ok(()) };
        let entity = Entity { ordinal: *ordinal, parts: parts.clone() };
        let is_own = match *table {
            tables::ORDERS => self.order(&entity)?,
            tables::CARTS => {
                part::<Cart>(&entity)?.is_none_or(|cart| self.is_own(cart.id.as_str()))
            }
            tables::SKUS => {
                part::<Stock>(&entity)?.is_none_or(|stock| self.is_own(stock.sku.as_str()))
            }
            tables::PARKED => self.parked(&entity)?,
            tables::FOLDED => {
                let item = part::<FoldedItem>(&entity)?;
                item.is_none_or(|item| self.has(tables::ORDERS, Ordinal(item.order)))
            }
            _ => true,
        };
        if !is_own {
            self.drop(*table, *ordinal);
        }
        Ok(())
    }

    fn order(&mut self, entity: &Entity) -> Result<bool, states::Error> {
        let order = part::<Order>(entity)?;
        let waiting =
            part::<Payments>(entity)?.map(|payments| payments.waiting).unwrap_or_default();
        let id = match (&order, waiting.first()) {
            (Some(order), _) => Some(order.id.clone()),
            (None, Some(first)) => Some(first.callback.order_id.clone()),
            (None, None) => part::<Tombstone>(entity)?.and_then(|tombstone| tombstone.id),
        };
        let Some(id) = id else {
            if part::<ParkedOfOrder>(entity)?.is_some() {
                self.unknown.insert(entity.ordinal.0);
            }
            return Ok(true);
        };
        let is_own = self.is_own(id.as_str());
        if !is_own {
            if let Some(order) = order {
                self.less(counters::of_status(order.status), 1);
            }
            self.less(counters::WAITING, i64::try_from(waiting.len()).unwrap_or(i64::MAX));
        }
        Ok(is_own)
    }

    fn parked(&mut self, entity: &Entity) -> Result<bool, states::Error> {
        let stored = |wanted| entity.parts.iter().find(|(part, _)| *part == wanted);
        let Some((_, about)) = stored(parked::ABOUT) else { return Ok(true) };
        let about = parked::decode(entity.ordinal, about)?;
        let is_own = about.order_id.as_deref().map_or(self.is_first, |order| self.is_own(order));
        if is_own {
            return Ok(true);
        }
        if let Some(link) = about.link.filter(|link| self.unknown.remove(&link.order)) {
            self.drop(tables::ORDERS, Ordinal(link.order));
        }
        let bytes = stored(parked::BODY).map_or(0, |(_, body)| body.len());
        self.less(counters::of_parked(about.reason.into()), 1);
        self.less(counters::PARKED_BYTES, i64::try_from(bytes).unwrap_or(i64::MAX));
        Ok(false)
    }

    fn less(&mut self, counter: u8, by: i64) {
        if let Some(less) = self.less.get_mut(usize::from(counter)) {
            *less += by;
        }
    }

    fn drop(&mut self, table: Table, ordinal: Ordinal) {
        if let Some(dropped) = self.dropped.get_mut(usize::from(table.number())) {
            dropped.insert(ordinal);
        }
    }

    fn has(&self, table: Table, ordinal: Ordinal) -> bool {
        let dropped = self.dropped.get(usize::from(table.number()));
        !dropped.is_some_and(|dropped| dropped.contains(ordinal))
    }

    /// Whether an item is in the share.
    pub(super) fn has_item(&self, item: &Item) -> bool {
        match item {
            Item::Entity { table, ordinal, .. } => self.has(*table, *ordinal),
            Item::Name(name) => self.has(name.table, name.ordinal),
            Item::Timer(timer) => self.has(timer.table, timer.ordinal),
            Item::Posting(posting) => {
                let table = lists::table_of_list(posting.list);
                table.is_none_or(|table| self.has(table, posting.ordinal))
            }
            Item::Identity { .. } | Item::Unit(_) => true,
        }
    }

    /// What the share is as a whole.
    pub(super) fn about(&self, mut about: About) -> About {
        about.partition = self.wanted;
        for (counter, less) in about.counters.iter_mut().zip(&self.less) {
            *counter -= less;
        }
        if !self.is_first {
            about.cursor = about.next;
        }
        about
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiple_of_the_number_divides_each_partition_by_itself() {
        let of = |number, of| Partition { number, of };
        for (found, wanted, is_part) in [
            (of(0, 1), of(5, 8), true),
            (of(1, 4), of(1, 8), true),
            (of(1, 4), of(5, 8), true),
            (of(1, 4), of(2, 8), false),
            (of(1, 4), of(1, 6), false),
            (of(1, 4), of(0, 1), false),
            (of(1, 8), of(1, 4), false),
        ] {
            assert_eq!(divides(found, wanted), is_part, "{found} and {wanted}");
        }
        // as the numbers of keys do
        let partitions = |count| Partitions(NonZeroU16::new(count).expect("not zero"));
        for shop in 0..200 {
            let id = format!("shop-{shop}:o-1");
            assert_eq!(partitions(8).of_id(&id) % 4, partitions(4).of_id(&id));
        }
    }

    #[test]
    fn ordinals_are_a_set() {
        let mut set = Ordinals::default();
        for ordinal in [0, 63, 64, 1000] {
            assert!(!set.contains(Ordinal(ordinal)));
            set.insert(Ordinal(ordinal));
            assert!(set.contains(Ordinal(ordinal)));
        }
        assert!(!set.contains(Ordinal(65)) && !set.contains(Ordinal(100_000)));
    }
}
