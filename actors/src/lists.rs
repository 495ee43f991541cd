//! The lists in which entities are, by all of their states together; and the check that the store has them so.
//!
//! Which state is in which list is in `orderly_domain::lists`. A unit adds and removes what its states change
//! (`sequencer::listing`), so the lists in the store always are those of the states.

use crate::parked;
use crate::states::{self, part};
use crate::tables;
use orderly_domain::inventory::Reservation;
use orderly_domain::lists::{self, Kind, Listed};
use orderly_domain::order::Order;
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_store::{Entity, List, Ordinal, Posting, Postings, Table, View};

/// The tables whose entities are in lists.
pub const LISTED: [Table; 3] = [tables::ORDERS, tables::FOLDED, tables::PARKED];

/// The kind of a list. `None`: there is no list with that number.
fn kind_of(list: List) -> Option<Kind> {
    let number = list.0.to_be_bytes()[0];
    Kind::ALL.iter().find(|kind| **kind as u8 == number).copied()
}

/// The table of the entities in lists of a kind. `None`: units are in them.
const fn table_of(kind: Kind) -> Option<Table> {
    Some(match kind {
        Kind::Status
        | Kind::Customer
        | Kind::Email
        | Kind::Sku
        | Kind::Disputed
        | Kind::RefundPending
        | Kind::Attention
        | Kind::Hold
        | Kind::Waiting
        | Kind::Reference => tables::ORDERS,
        Kind::FoldedReference => tables::FOLDED,
        Kind::ParkedCommand | Kind::ParkedEvent => tables::PARKED,
        Kind::Message | Kind::Event => return None,
    })
}

/// The table of the entities in a list. `None`: units are in it, or there is no list with that number.
pub fn table_of_list(list: List) -> Option<Table> {
    kind_of(list).and_then(table_of)
}

/// The places in lists that an entity has.
pub fn places(table: Table, entity: &Entity) -> Result<Vec<Listed>, states::Error> {
    let mut places = Vec::new();
    if table == tables::ORDERS {
        let (order, payments) = (part::<Order>(entity)?, part::<Payments>(entity)?);
        places.extend(order.iter().flat_map(lists::of_order));
        places.extend(part::<Reservation>(entity)?.iter().flat_map(lists::of_reservation));
        places.extend(payments.iter().flat_map(lists::of_payments));
        if let (Some(order), Some(payments)) = (order, payments) {
            places.extend(lists::of_money(&order, &payments));
        }
    } else if table == tables::FOLDED {
        places.extend(part::<FoldedItem>(entity)?.iter().flat_map(lists::of_folded_item));
    } else if table == tables::PARKED {
        let about = entity.parts.iter().find(|(part, _)| *part == parked::ABOUT);
        if let Some((_, about)) = about {
            places.extend(lists::of_parked(&parked::decode(entity.ordinal, about)?));
        }
    }
    Ok(places)
}

/// How many entities or postings are read at once.
const AT_ONCE: usize = 512;
/// How many differences are described.
const DESCRIBED: usize = 100;

/// Compares all lists with all states, both ways. Returns the differences in words: the first [`DESCRIBED`], and how many
/// more there are. Takes memory for these alone. For offline work.
pub fn check(view: &View) -> Result<Vec<String>, states::Error> {
    let postings = view.reader().postings();
    if of_postings(&postings)? == of_states(view)? {
        return Ok(Vec::new());
    }
    let mut found = Differences::default();
    postings_without_state(&postings, view, &mut found)?;
    states_without_posting(&postings, view, &mut found)?;
    Ok(found.close())
}

/// A number of places, and the sum of their hashes: whatever their order, equal sums mean equal sets.
type Sum = (u64, u128);

fn add(sum: &mut Sum, posting: Posting) {
    let Posting { list: List(list), rank, ordinal: Ordinal(ordinal) } = posting;
    let mut hash = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128;
    for word in [list, rank.cast_unsigned(), ordinal] {
        hash = (hash ^ u128::from(word)).wrapping_mul(0xda94_2042_e4dd_58b5_0000_0000_0000_01b3);
        hash ^= hash >> 61;
    }
    sum.0 += 1;
    sum.1 = sum.1.wrapping_add(hash);
}

const LEAST: Posting = Posting { list: List(0), rank: i64::MIN, ordinal: Ordinal(0) };

/// Goes through all postings of entities, in order. Those of units come with their units and expire: no state has them.
fn each_posting(
    postings: &Postings,
    mut visit: impl FnMut(Posting) -> Result<(), states::Error>,
) -> Result<(), states::Error> {
    let mut from = Some(LEAST);
    while let Some(first) = from {
        let mut some = postings.scan(first, AT_ONCE + 1)?;
        from = if some.len() > AT_ONCE { some.pop() } else { None };
        let mut of_entities = some.into_iter().filter(|posting| {
            let kind = kind_of(posting.list);
            kind.is_none_or(|kind| table_of(kind).is_some())
        });
        of_entities.try_for_each(&mut visit)?;
    }
    Ok(())
}

/// Goes through the places of all entities.
fn each_place(
    view: &View,
    mut visit: impl FnMut(Posting) -> Result<(), states::Error>,
) -> Result<(), states::Error> {
    for table in LISTED {
        let mut next = Some(Ordinal(0)).filter(|_| view.next_ordinal(table) > Ordinal(0));
        while let Some(from) = next {
            let (entities, behind) = view.page(table, from)?;
            for entity in &entities {
                for Listed { list, rank } in places(table, entity)? {
                    visit(Posting { list: List(list), rank, ordinal: entity.ordinal })?;
                }
            }
            next = behind;
        }
    }
    Ok(())
}

fn of_postings(postings: &Postings) -> Result<Sum, states::Error> {
    let mut sum = Sum::default();
    each_posting(postings, |posting| {
        add(&mut sum, posting);
        Ok(())
    })?;
    Ok(sum)
}

fn of_states(view: &View) -> Result<Sum, states::Error> {
    let mut sum = Sum::default();
    each_place(view, |posting| {
        add(&mut sum, posting);
        Ok(())
    })?;
    Ok(sum)
}

/// Differences in words, the first ones.
#[derive(Default)]
struct Differences {
    described: Vec<String>,
    more: u64,
}

impl Differences {
    fn add(&mut self, posting: Posting, what: &str) {
        if self.described.len() == DESCRIBED {
            self.more += 1;
            return;
        }
        let Posting { list, rank, ordinal } = posting;
        let kind = kind_of(list);
        let kind = kind.map_or_else(|| "unknown".to_owned(), |kind| format!("{kind:?}"));
        let list = list.0;
        self.described.push(format!(
            "{ordinal:?} {what} in list {list:016x} (of kind {kind}) at rank {rank}"
        ));
    }

    fn close(mut self) -> Vec<String> {
        if self.more > 0 {
            self.described.push(format!("and {} more", self.more));
        }
        self.described
    }
}

fn postings_without_state(
    postings: &Postings,
    view: &View,
    found: &mut Differences,
) -> Result<(), states::Error> {
    each_posting(postings, |posting| {
        let Posting { list, rank, ordinal } = posting;
        let listed = Listed { list: list.0, rank };
        let has = match kind_of(list).and_then(table_of) {
            Some(table) if ordinal < view.next_ordinal(table) => {
                places(table, &view.entity(table, ordinal)?)?.contains(&listed)
            }
            Some(_) | None => false,
        };
        if !has {
            found.add(posting, "is, and should not be,");
        }
        Ok(())
    })
}

fn states_without_posting(
    postings: &Postings,
    view: &View,
    found: &mut Differences,
) -> Result<(), states::Error> {
    each_place(view, |posting| {
        if postings.scan(posting, 1)?.first() != Some(&posting) {
            found.add(posting, "is not, and should be,");
        }
        Ok(())
    })
}
