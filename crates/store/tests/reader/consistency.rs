//! Whatever is written between two reads of the disk, each entity is answered as it was after one unit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orderly_store::sim::SimRng;
use orderly_store::{Entity, List, Opened, Ordinal, Parts, Posting, Reader, Table};

use crate::busy_disk::BusyDisk;
use crate::writer::{Content, ENTITIES, Writer, post};
use crate::{model, opened};

/// Does one random read. It begins after `since` units, and its answer is checked against the states from then on.
fn read_once(reader: &Reader, writer: &Mutex<Writer>, rng: &mut SimRng) {
    let lock = || writer.lock().expect("no panic");
    let since = lock().units;
    let table = if rng.below(2) == 0 { model::LINKED } else { model::TABLES[3] };
    let ordinal = Ordinal(rng.below(ENTITIES + 1));
    // postings are asked for seldom: the writer works whenever the disk is read, and they are in many segments
    match rng.below(40) {
        0..=9 => {
            let found = reader.entity(table, ordinal, Parts::ALL).expect("a read");
            check_entity(&lock(), table, since, &found);
        }
        10..=19 => {
            let limit = usize::try_from(rng.below(40)).expect("small") + 1;
            let (found, next) = reader.page(table, ordinal, limit, Parts::ALL).expect("a read");
            assert!(found.len() <= limit);
            let end = next.unwrap_or_else(|| reader.next_ordinal(table));
            let mut found = found.into_iter().peekable();
            for ordinal in (ordinal.0..end.0).map(Ordinal) {
                let none = Entity { ordinal, parts: Vec::new() };
                let entity = found.next_if(|found| found.ordinal == ordinal).unwrap_or(none);
                check_entity(&lock(), table, since, &entity);
            }
            assert_eq!(found.next(), None);
        }
        20..=29 => {
            let names: Vec<_> = lock().names.keys().copied().collect();
            if names.is_empty() {
                return;
            }
            let at = usize::try_from(rng.below(names.len() as u64)).expect("an index");
            let (table, hash) = names[at];
            let found = reader.find(table, &hash).expect("a read");
            assert_eq!(found, Some(lock().names[&(table, hash)].1));
        }
        30 => {
            let least = Posting { list: List(0), rank: i64::MIN, ordinal: Ordinal(0) };
            let mut wanted = lock().postings.clone();
            let snapshot = reader.postings();
            let until = lock().units;
            // a snapshot stays as it is, whatever is written meanwhile
            let found = snapshot.scan(least, usize::MAX).expect("a read");
            let later = lock().posted[since..until].to_vec();
            let mut later = later.into_iter();
            while !found.iter().eq(&wanted) {
                let unit = later.next().expect("the postings are those after some unit");
                post(&mut wanted, &unit);
            }
        }
        _ => {
            let mut last = reader.last_in_history(model::LINKED, ordinal).expect("a read");
            let writer = lock();
            let wanted = writer.histories.get(&ordinal).map_or(&[][..], Vec::as_slice);
            let newest = wanted.iter().rposition(|(_, seq)| Some(*seq) == last);
            let known_before = wanted.iter().rposition(|(unit, _)| *unit <= since);
            assert!(newest >= known_before, "{newest:?} {known_before:?}");
            let wanted = newest.map_or(&[][..], |newest| &wanted[..=newest]).to_vec();
            drop(writer);
            // only ten units, since the writer works between these reads as well
            for (_, seq) in wanted.iter().rev().take(10) {
                assert_eq!(last, Some(*seq));
                let unit = reader.unit(*seq).expect("a read").expect("nothing is pruned");
                last = unit.history.expect("it is in one").previous;
            }
            if wanted.len() <= 10 {
                assert_eq!(last, None);
            }
        }
    }
}

fn check_entity(writer: &Writer, table: Table, since: usize, found: &Entity) {
    let parts: Content = found.parts.iter().cloned().collect();
    let possible = writer.contents((table, found.ordinal), since);
    assert!(
        possible.contains(&parts),
        "{table:?} {:?} never had these parts: {:?}, after unit {since} it was one of {:?}",
        found.ordinal,
        parts.keys().collect::<Vec<_>>(),
        possible.iter().map(|parts| parts.keys().collect::<Vec<_>>()).collect::<Vec<_>>(),
    );
}

#[test]
fn a_read_gives_each_entity_as_it_was_after_one_unit_whatever_is_written_meanwhile() {
    for seed in 1..=20 {
        let disk = BusyDisk::new();
        let opened = opened(&disk);
        let reader = opened.view.reader();
        let writer = Arc::new(Mutex::new(Writer::new(opened, seed)));
        let mut rng = SimRng::new(seed + 1_000);
        let (busy, mut pace) = (Arc::clone(&writer), SimRng::new(seed + 2_000));
        *disk.between.lock().expect("no panic") = Some(Box::new(move || {
            // the writer holds the lock while it works, so its own reads cause no further work
            if let Ok(mut writer) = busy.try_lock() {
                let most = if pace.below(2) == 0 { 40 } else { 4 };
                for _ in 0..pace.below(most) {
                    writer.step();
                }
            }
        }));
        for _ in 0..200 {
            for _ in 0..rng.below(6) {
                writer.lock().expect("no panic").step();
            }
            read_once(&reader, &writer, &mut rng);
        }
    }
}

#[test]
fn readers_on_other_threads_see_each_entity_after_one_unit_too() {
    // Given a store whose one entity has two parts, which every unit gives the same value
    let disk = BusyDisk::new();
    let Opened { mut view, mut log, .. } = opened(&disk);
    let (place, stop) = ((model::LINKED, Ordinal(0)), AtomicU64::new(0));
    let reader = view.reader();
    std::thread::scope(|scope| {
        let check = || {
            let (mut last, mut reads) = (0, 0_u64);
            while stop.load(Ordering::Relaxed) == 0 {
                let found = reader.entity(place.0, place.1, Parts::ALL).expect("a read");
                let Some((_, value)) = found.parts.first() else { continue };
                assert!(
                    found.parts.iter().all(|(_, part)| part == value),
                    "the values of two units are mixed"
                );
                let value: [u8; 8] = value[..8].try_into().expect("eight bytes");
                let now = u64::from_le_bytes(value);
                // Then each read has the values of one unit, never an older one than the read before
                assert!(now >= last, "{now} was read after {last}");
                (last, reads) = (now, reads + 1);
            }
            assert!(reads > 0, "nothing was read meanwhile");
        };
        let readers = [scope.spawn(check), scope.spawn(check)];
        // When units are sealed, committed, checkpointed and forgotten meanwhile
        for round in 1..=400_u64 {
            let mut builder = view.begin(0);
            let mut value = round.to_le_bytes().to_vec();
            value.resize(if round % 7 == 0 { 70_000 } else { 100 }, 0);
            builder.put(place.0, place.1, 0, &value);
            builder.put(place.0, place.1, 1, &value);
            let unit = builder.seal(0, b"");
            view.seal(Arc::clone(&unit));
            log.commit(&[unit]).expect("no fault is armed");
            if round % 3 == 0 {
                view.checkpointed(&log.checkpoint().expect("no fault is armed"));
                view.trim();
            }
        }
        stop.store(1, Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("no reader panics");
        }
    });
}
