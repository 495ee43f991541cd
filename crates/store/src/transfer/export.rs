//! Reading the items of a store.

use std::collections::VecDeque;
use std::sync::Arc;

use super::item::{About, Item};
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::index::{Cursor, Entry, IDENTITIES, Segment};
use crate::journal::Units;
use crate::log::Log;
use crate::meta::bucket_span;
use crate::open::Recovery;
use crate::postings::Postings;
use crate::schema::Table;
use crate::timers;
use crate::unit::{IdentityHash, List, Name, NameHash, Ordinal, Posting, Seq};
use crate::view::View;

/// The first posting that there may be.
const FIRST_POSTING: Posting = Posting { list: List(0), rank: i64::MIN, ordinal: Ordinal(0) };
/// The number of postings that are read at once.
const POSTINGS_AT_ONCE: usize = 4096;

/// What is read next.
#[derive(Debug)]
enum Stage {
    Entities {
        table: Table,
        from: Ordinal,
    },
    /// Names by table, then identities: the segments that are left, and the one that is read. Later ones are newer.
    Segments {
        left: VecDeque<Segment>,
        cursor: Option<Cursor>,
    },
    Postings {
        all: Box<Postings>,
        /// `None`: these were all.
        from: Option<Posting>,
    },
    Timers {
        from: Vec<u8>,
    },
    Units(Units),
    End,
}

/// Reads the items of a store: entities, names, identities, postings, timers, units.
#[derive(Debug)]
pub struct Export<'a> {
    disk: &'a Arc<dyn Disk>,
    view: &'a View,
    log: &'a Log,
    about: About,
    stage: Stage,
    /// Items that were read and not given yet.
    ready: VecDeque<Item>,
}

impl<'a> Export<'a> {
    pub(crate) fn new(
        disk: &'a Arc<dyn Disk>,
        view: &'a View,
        log: &'a Log,
        recovery: &Recovery,
    ) -> Result<Self, Error> {
        let totals = &log.pending.totals;
        let mut formats = recovery.formats;
        // entities and bodies are given as they are stored
        formats.contents = recovery.upgraded_from.unwrap_or(formats).contents;
        let about = About {
            namespace: recovery.namespace.clone(),
            partition: recovery.partition,
            incarnations: recovery.incarnations.clone(),
            formats,
            bucket_span: bucket_span::read(&**disk)?,
            next: totals.next,
            clock: totals.clock,
            fired: totals.fired,
            cursor: recovery.cursor.min(totals.next),
            ordinals: totals.ordinals.to_vec(),
            counters: totals.counters.to_vec(),
        };
        let stage = Stage::Entities { table: Table::new(0), from: Ordinal(0) };
        Ok(Self { disk, view, log, about, stage, ready: VecDeque::new() })
    }

    /// What the store is as a whole.
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// The next item. `None`: these were all.
    pub fn next_item(&mut self) -> Result<Option<Item>, Error> {
        while self.ready.is_empty() {
            self.stage = match std::mem::replace(&mut self.stage, Stage::End) {
                Stage::Entities { table, from } => self.entities(table, from)?,
                Stage::Segments { left, cursor } => self.segment(left, cursor)?,
                Stage::Postings { all, from: Some(from) } => self.postings(all, from)?,
                Stage::Postings { from: None, .. } => Stage::Timers { from: Vec::new() },
                Stage::Timers { from } => self.timers(&from)?,
                Stage::Units(mut units) => match units.next().transpose()? {
                    Some(unit) => {
                        self.ready.push_back(Item::Unit(Box::new(unit)));
                        Stage::Units(units)
                    }
                    None => Stage::End,
                },
                Stage::End => return Ok(None),
            };
        }
        Ok(self.ready.pop_front())
    }

    fn entities(&mut self, table: Table, from: Ordinal) -> Result<Stage, Error> {
        let mut next = None;
        if self.log.has(table) {
            let (found, more) = self.view.page_with_history(table, from)?;
            self.ready.extend(found.into_iter().map(|(entity, history)| Item::Entity {
                table,
                ordinal: entity.ordinal,
                history,
                parts: entity.parts,
            }));
            next = more;
        }
        if let Some(from) = next {
            return Ok(Stage::Entities { table, from });
        }
        if let Some(table) = Table::all().find(|other| *other > table) {
            return Ok(Stage::Entities { table, from: Ordinal(0) });
        }
        // within a list the newest is the first
        let catalog = self.log.compaction.catalog();
        let lists = (0..=IDENTITIES).flat_map(|index| catalog.of(index).rev().cloned());
        Ok(Stage::Segments { left: lists.collect(), cursor: None })
    }

    fn segment(
        &mut self,
        mut left: VecDeque<Segment>,
        cursor: Option<Cursor>,
    ) -> Result<Stage, Error> {
        let Some(mut cursor) = cursor.or_else(|| left.pop_front().map(Cursor::new)) else {
            self.recent();
            let all = Box::new(self.view.reader().postings());
            return Ok(Stage::Postings { all, from: Some(FIRST_POSTING) });
        };
        let Some(Entry { hash, words: [first, second] }) = cursor.next(&**self.disk)? else {
            return Ok(Stage::Segments { left, cursor: None });
        };
        let Segment { index, bucket, .. } = cursor.segment;
        self.ready.push_back(if index == IDENTITIES {
            let since = bucket.saturating_mul(self.about.bucket_span);
            Item::Identity { hash: IdentityHash(hash), data: first, seq: Seq(second), since }
        } else {
            let table = Table::new(u8::try_from(index).unwrap_or(u8::MAX));
            Item::Name(Name { table, hash: NameHash(hash), ordinal: Ordinal(first) })
        });
        Ok(Stage::Segments { left, cursor: Some(cursor) })
    }

    /// Names, identities and timers of the units that no checkpoint has written.
    fn recent(&mut self) {
        for unit in &self.log.pending.units {
            self.ready.extend(unit.names.iter().copied().map(Item::Name));
            self.ready.extend(unit.identity.map(|identity| Item::Identity {
                hash: identity.hash,
                data: identity.data,
                seq: unit.seq,
                since: unit.at,
            }));
        }
        self.ready.extend(self.log.pending.timers().into_iter().map(Item::Timer));
    }

    fn postings(&mut self, all: Box<Postings>, from: Posting) -> Result<Stage, Error> {
        let found = all.scan(from, POSTINGS_AT_ONCE)?;
        let last = found.get(POSTINGS_AT_ONCE - 1);
        // no ordinal is the largest number
        let next = last.map(|last| Posting { ordinal: Ordinal(last.ordinal.0 + 1), ..*last });
        self.ready.extend(found.into_iter().map(Item::Posting));
        Ok(Stage::Postings { all, from: next })
    }

    fn timers(&mut self, from: &[u8]) -> Result<Stage, Error> {
        let Some((key, record)) = self.disk.scan(Tree::Timers, from, 1)?.pop() else {
            let units = self.view.history().units(Seq::FIRST);
            return Ok(Stage::Units(units));
        };
        let open = timers::decode(record, &key)?.into_iter();
        let open = open.filter(|timer| timer.due >= self.about.fired);
        self.ready.extend(open.map(Item::Timer));
        Ok(Stage::Timers { from: [&key[..], &[0]].concat() })
    }
}
