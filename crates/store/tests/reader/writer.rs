//! A store at work: random units, commits and checkpoints, and what every entity was after every unit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use orderly_store::sim::SimRng;
use orderly_store::{
    List, Log, NameHash, Opened, Ordinal, Posting, PostingChange, PostingChanges, Report, Seq,
    Table, Unit, View,
};

use crate::{model, name};

/// The number of entities of a table that are created and changed.
pub const ENTITIES: u64 = 12;

pub type Content = BTreeMap<u8, Bytes>;

/// The core and the store thread of a store, and what every entity was after every unit.
pub struct Writer {
    view: View,
    log: Log,
    rng: SimRng,
    /// Sealed, not committed.
    sealed: Vec<Arc<Unit>>,
    /// Complete checkpoints of which the view does not know yet.
    reports: Vec<Report>,
    pub units: usize,
    /// The contents of each entity, with the unit from which on it had them.
    entities: BTreeMap<(Table, Ordinal), Vec<(usize, Content)>>,
    /// The ordinal of each name, with the unit that gave it.
    pub names: BTreeMap<(Table, NameHash), (usize, Ordinal)>,
    /// The units in each entity's history, with the number of the unit.
    pub histories: BTreeMap<Ordinal, Vec<(usize, Seq)>>,
    /// The postings after the last unit.
    pub postings: BTreeSet<Posting>,
    /// What each unit did with postings.
    pub posted: Vec<PostingChanges>,
}

impl Writer {
    pub fn new(opened: Opened, seed: u64) -> Self {
        Self {
            view: opened.view,
            log: opened.log,
            rng: SimRng::new(seed),
            sealed: Vec::new(),
            reports: Vec::new(),
            units: 0,
            entities: BTreeMap::new(),
            names: BTreeMap::new(),
            histories: BTreeMap::new(),
            postings: BTreeSet::new(),
            posted: Vec::new(),
        }
    }

    /// Does one random step of a store: seals, commits, writes a part of a checkpoint, compacts, or frees memory.
    pub fn step(&mut self) {
        match self.rng.below(20) {
            0..=7 => self.seal(),
            8..=9 => self.commit(),
            10..=14 => {
                let report = self.log.checkpoint_step().expect("no fault is armed");
                self.reports.extend(report);
            }
            15 => self.tell_view(),
            16 => {
                self.log.compact().expect("no fault is armed");
            }
            17..=18 => {
                self.view.trim();
            }
            // all sealed units are written to the disk, and leave the memory
            _ => {
                self.commit();
                self.reports.push(self.log.checkpoint().expect("no fault is armed"));
                self.tell_view();
                while self.view.trim() {}
                // without it, each checkpoint leaves one more segment of postings to read
                while self.log.compact().expect("no fault is armed") {}
            }
        }
    }

    fn commit(&mut self) {
        let sealed = std::mem::take(&mut self.sealed);
        self.log.commit(&sealed).expect("no fault is armed");
    }

    /// Tells the view of the complete checkpoints.
    fn tell_view(&mut self) {
        for report in self.reports.drain(..) {
            self.view.checkpointed(&report);
        }
    }

    /// Makes a random unit that changes parts of one or two of few entities, so that each is changed often.
    fn unit(&mut self) -> Arc<Unit> {
        let (view, rng) = (&self.view, &mut self.rng);
        let mut builder = view.begin(0);
        let table = if rng.below(2) == 0 { model::LINKED } else { model::TABLES[3] };
        let used = view.next_ordinal(table);
        let ordinal = Ordinal(rng.below(ENTITIES).min(used.0));
        if ordinal == used {
            builder.name(table, name(ordinal.0), ordinal);
        }
        let goes = rng.below(8) == 0;
        for part in 0..3 {
            let length = if rng.below(20) == 0 { 70_000 } else { 9 };
            match rng.below(4) {
                _ if goes => builder.remove(table, ordinal, part),
                0 => builder.remove(table, ordinal, part),
                1..=2 => {
                    let mut value = view.next_seq().0.to_le_bytes().to_vec();
                    value.resize(length, part);
                    builder.put(table, ordinal, part, &value);
                }
                _ => {}
            }
        }
        if table == model::LINKED && rng.below(3) > 0 {
            let last = view.last_in_history(table, ordinal).expect("a read");
            builder.link_history(table, ordinal, last);
        }
        for rank in 0..i64::try_from(rng.below(3)).expect("small") {
            let posting = Posting { list: List(rng.below(3)), rank, ordinal };
            let change =
                if rng.below(2) == 0 { PostingChange::Added } else { PostingChange::Removed };
            builder.post(posting, change);
        }
        builder.seal(rng.below(3), b"")
    }

    fn seal(&mut self) {
        let unit = self.unit();
        self.units += 1;
        for name in &unit.names {
            self.names.entry((name.table, name.hash)).or_insert((self.units, name.ordinal));
        }
        for put in &unit.puts {
            let history = self.entities.entry((put.table, put.ordinal)).or_default();
            let mut content =
                history.last().map(|(_, content)| content.clone()).unwrap_or_default();
            match &put.value {
                Some(value) => drop(content.insert(put.part, value.clone())),
                None => drop(content.remove(&put.part)),
            }
            match history.last_mut().filter(|(unit, _)| *unit == self.units) {
                Some(last) => last.1 = content,
                None => history.push((self.units, content)),
            }
        }
        post(&mut self.postings, &unit.postings);
        self.posted.push(unit.postings.clone());
        if let Some(link) = unit.history {
            self.histories.entry(link.ordinal).or_default().push((self.units, unit.seq));
        }
        self.view.seal(Arc::clone(&unit));
        self.sealed.push(unit);
    }

    /// The contents of an entity after each unit from `since` on, `since` included.
    pub fn contents(&self, place: (Table, Ordinal), since: usize) -> Vec<Content> {
        let history = self.entities.get(&place).map_or(&[][..], Vec::as_slice);
        let first = history.iter().rfind(|(unit, _)| *unit <= since);
        let first = first.map(|(_, content)| content.clone()).unwrap_or_default();
        let later = history.iter().filter(|(unit, _)| *unit > since);
        std::iter::once(first).chain(later.map(|(_, content)| content.clone())).collect()
    }
}

/// Changes a set of postings as a unit does.
pub fn post(postings: &mut BTreeSet<Posting>, changes: &PostingChanges) {
    for (posting, change) in changes.iter() {
        match change {
            PostingChange::Removed => drop(postings.remove(&posting)),
            PostingChange::Added | PostingChange::New => drop(postings.insert(posting)),
        }
    }
}
