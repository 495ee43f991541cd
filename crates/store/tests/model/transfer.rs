//! A store that is made of everything in another one, and the comparison with the expected contents.

use std::sync::Arc;

use orderly_store::sim::{Fault, SimDisk, SimRng};
use orderly_store::transfer::{About, Import, Item};
use orderly_store::{Disk, Error, Options, Seq, open_read_only};

use super::made_anew::{Expected, reopen};
use super::{Model, SCHEMA};

/// Exports the store on a disk, imports it on an empty one, and checks that the store there has the same, and goes on.
/// Identities of units before `expired` may be deleted, units before `pruned` too.
pub(crate) fn check(
    disk: &Arc<SimDisk>,
    model: &Model,
    pruned: Seq,
    expired: i64,
    options: &Options,
    rng: &mut SimRng,
) {
    let options = &Options { namespace: None, ..options.clone() };
    let (about, items) = export(&Arc::new(disk.copy()), options);
    let expected = Expected { model: model.clone(), pruned, expired, options };

    let broken = Arc::new(SimDisk::new(rng.below(1_000)));
    broken.fail_at(1 + rng.below(60), Fault::Crash);
    expected.check_interrupted(&broken, &import(&broken, &about, &items));

    let other = Arc::new(SimDisk::new(rng.below(1_000)));
    import(&other, &about, &items).expect("no fault is armed");
    let other: Arc<SimDisk> = Arc::new(other.crash());
    // what is exported of the new store is the same, but for the order of names and of identities
    let sorted = |items: &[Item]| {
        let mut items: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
        items.sort();
        items.dedup();
        items
    };
    let (about_again, items_again) = export(&other, options);
    assert_eq!(about_again, about);
    assert!(sorted(&without_replaced(&items_again)) == sorted(&without_replaced(&items)));
    let store = reopen(&other, options);
    assert_eq!(store.recovery.replayed, 0);
    expected.check(&other, store, rng);
}

fn export(disk: &Arc<SimDisk>, options: &Options) -> (About, Vec<Item>) {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    let whole = Options { replay_bytes: usize::MAX, ..options.clone() };
    let store = open_read_only(&disk, &whole).expect("no fault is armed");
    let mut export = store.export().expect("a read").expect("the journal is replayed to its end");
    let mut items = Vec::new();
    while let Some(item) = export.next_item().expect("a read") {
        items.push(item);
    }
    (export.about().clone(), items)
}

fn import(disk: &Arc<SimDisk>, about: &About, items: &[Item]) -> Result<(), Error> {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    let mut import = Import::begin(disk, about.clone(), &SCHEMA)?;
    items.iter().try_for_each(|item| import.put(item.clone()))?;
    import.finish()
}

/// Without identities that a later one with the same hash replaced, and with no trace of when a bucket began.
fn without_replaced(items: &[Item]) -> Vec<Item> {
    let mut newest = std::collections::BTreeMap::new();
    let mut rest = Vec::new();
    for item in items {
        match item {
            Item::Identity { hash, data, seq, .. } => drop(newest.insert(*hash, (*data, *seq))),
            other => rest.push(other.clone()),
        }
    }
    rest.extend(newest.into_iter().map(|(hash, (data, seq))| Item::Identity {
        hash,
        data,
        seq,
        since: 0,
    }));
    rest
}
