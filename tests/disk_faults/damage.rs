//! Files of a store that are damaged at a block of 4 KiB, or cut there.

use crate::look::{Finding, Sound};
use crate::most_places;
use crate::processor::Processor;
use crate::producer::{Producer, stock};
use crate::rabbit::{namespace, shared_url};
use crate::stores::{copy, files, story};
use orderly_demo::Random;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const BLOCK: usize = 4096;
const ORDERS: u32 = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    /// One bit is another one.
    Bit,
    /// The whole block is zeros, as of a write that was lost.
    Zeros,
    /// The file ends here.
    Cut,
}

/// A processor that was killed with some of everything in its store: pages and segments of checkpoints, and a tail of the journal.
async fn killed() -> Processor {
    let (url, namespace) = (shared_url(), namespace("damage"));
    let mut processor =
        Processor::new(&url, &namespace).with("ORDERLY_STORE__CHECKPOINT_EVERY", "1s");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.bind("notifications", "#").await;
    producer.publish(&[stock("tea", 10_000), stock("milk", 10_000)]).await;
    let wave = ORDERS / 3;
    for number in 0..3 {
        producer.publish(&story(number * wave..(number + 1) * wave)).await;
        let paid = f64::from((number + 1) * wave);
        processor.wait(|processor| {
            processor.metric("orderly_orders{", "status=\"paid\"") > paid - 0.5
                && processor.metric("orderly_outbox_pending", "") < 0.5
        });
        if number < 2 {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        }
    }
    processor.kill();
    processor
}

/// All places where the files of a store may be damaged.
fn places(store: &Path) -> Vec<(PathBuf, usize, Damage)> {
    let mut places = Vec::new();
    for file in files(store) {
        // what is in folders of sled is empty here
        let Ok(meta) = fs::metadata(&file) else { continue };
        if !meta.is_file() {
            continue;
        }
        let name = PathBuf::from(file.file_name().expect("a name"));
        let length = usize::try_from(meta.len()).expect("it fits in memory");
        for at in (0..length).step_by(BLOCK) {
            for damage in [Damage::Bit, Damage::Zeros, Damage::Cut] {
                places.push((name.clone(), at, damage));
            }
        }
    }
    places
}

/// Damages a file. `false`: it was so before.
fn apply(file: &Path, at: usize, damage: Damage, random: &mut Random) -> bool {
    let before = fs::read(file).expect("a file");
    let mut bytes = before.clone();
    let end = (at + BLOCK).min(bytes.len());
    match damage {
        Damage::Bit => {
            let offset = usize::try_from(random.below((end - at) as u64)).expect("small");
            bytes[at + offset] ^= 1 << random.below(8);
        }
        Damage::Zeros => bytes[at..end].fill(0),
        Damage::Cut => bytes.truncate(at),
    }
    fs::write(file, &bytes).expect("it is written");
    bytes != before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_told_or_does_no_harm() {
    // Given the store of a process that was killed
    let processor = killed().await;
    let store = processor.store();
    let here = processor.directory.path().to_owned();
    let pristine = here.join("pristine");
    copy(&store, &pristine);
    let sound = Sound::of(&processor, &store);
    let mut places = places(&pristine);
    let seed: u64 = 7;
    let mut random = Random::new(seed);
    let all = places.len();
    if let Some(few) = most_places() {
        let few = (0..few).map(|_| {
            let number = random.below(places.len() as u64);
            places[usize::try_from(number).expect("small")].clone()
        });
        places = few.collect();
    }
    eprintln!("damage: {} units, {} of {all} places", sound.units(), places.len());

    // When a block of a file is damaged, or the file is cut there
    let damaged = here.join("damaged");
    let mut found: BTreeMap<(PathBuf, Damage, Finding), u32> = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, at, damage) in places {
        let _ = fs::remove_dir_all(&damaged);
        copy(&pristine, &damaged);
        if !apply(&damaged.join(&name), at, damage, &mut random) {
            continue;
        }
        // Then the damage is told, or does no harm
        match sound.compare(&processor, &damaged) {
            Ok(finding) => *found.entry((name, damage, finding)).or_default() += 1,
            Err(fault) => faults.push(format!("{} {damage:?} at {at}: {fault}", name.display())),
        }
    }
    for ((name, damage, finding), count) in &found {
        let name = name.display();
        eprintln!(
            "damage: {:<24} {:<6} {:<11} {count}",
            name.to_string(),
            format!("{damage:?}"),
            format!("{finding:?}")
        );
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(found.keys().any(|(.., finding)| *finding == Finding::Told), "some damage is told");
}
