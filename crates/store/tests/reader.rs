//! Reading beside the thread that writes.
#![allow(unreachable_pub, reason = "the modules of a test are seen by nobody else")]

#[path = "reader/busy_disk.rs"]
mod busy_disk;
#[path = "reader/consistency.rs"]
mod consistency;
#[path = "reader/cost.rs"]
mod cost;
mod model;
#[path = "reader/read_only.rs"]
mod read_only;
#[path = "reader/writer.rs"]
mod writer;

use std::sync::Arc;

use busy_disk::BusyDisk;
use orderly_store::disk::Disk;
use orderly_store::{Log, NameHash, Opened, Options, Ordinal, Table, View, open};

fn options() -> Options {
    Options { namespace: Some("test".to_owned()), ..Options::new(model::SCHEMA) }
}

fn shared(disk: &Arc<BusyDisk>) -> Arc<dyn Disk> {
    Arc::<BusyDisk>::clone(disk)
}

fn opened(disk: &Arc<BusyDisk>) -> Opened {
    open(&shared(disk), &options()).expect("a new store")
}

/// A store with this many entities, named by their ordinals, each with these parts.
fn filled(disk: &Arc<BusyDisk>, table: Table, many: u64, parts: &[(u8, &[u8])]) -> (View, Log) {
    let Opened { mut view, mut log, .. } = opened(disk);
    for ordinal in 0..many {
        let mut builder = view.begin(0);
        builder.name(table, name(ordinal), Ordinal(ordinal));
        for (part, value) in parts {
            builder.put(table, Ordinal(ordinal), *part, value);
        }
        let unit = builder.seal(0, b"");
        view.seal(Arc::clone(&unit));
        log.commit(&[unit]).expect("no fault is armed");
    }
    (view, log)
}

fn name(ordinal: u64) -> NameHash {
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    hash[8..].copy_from_slice(&ordinal.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).to_be_bytes());
    NameHash(hash)
}
