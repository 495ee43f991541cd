//! Downgrades a store to format 3, for tests of upgrades. No release wrote that format. In it every record has version
//! 3, and all bits after the version are inverted.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::codec::Undecodable;
use crate::disk::{Batch, Disk, Pair, Tree};
use crate::error::Error;
use crate::format::{Formats, Kind, STAMP, UNRELEASED, complement};
use crate::journal::{HEAD, Head};

/// Converts every record of a store from the newest format to format 3. The stamp keeps the format of the contents.
pub fn downgrade(disk: &dyn Disk) -> Result<(), Error> {
    for tree in Tree::ALL {
        let mut records = disk.scan(tree, &[], usize::MAX)?;
        if tree == Tree::Journal {
            records = downgrade_units(records)?;
        }
        for (key, record) in records {
            let is_stamp = tree == Tree::Meta && *key == *STAMP;
            if record.is_empty() || is_stamp {
                continue;
            }
            let mut batch = Batch::new(tree);
            batch.put(&key[..], [&[UNRELEASED], &complement(&record[1..])[..]].concat());
            disk.write(batch)?;
        }
    }
    if let Some(formats) = Formats::read(disk)? {
        let mut batch = Batch::new(Tree::Meta);
        Formats { store: u32::from(UNRELEASED), ..formats }.put(&mut batch);
        disk.write(batch)?;
    }
    disk.sync().map_err(Error::from)
}

/// Converts the units within the journal's chunks to format 3. A unit may extend over several parts of a chunk.
fn downgrade_units(records: Vec<Pair>) -> Result<Vec<Pair>, Error> {
    let mut chunks: BTreeMap<Bytes, Vec<Pair>> = BTreeMap::new();
    let mut first = Bytes::new();
    let mut done = Vec::new();
    for (key, record) in records {
        if record.is_empty() {
            done.push((key, record));
            continue;
        }
        if Head::read(&key, record.clone())?.0.part == 0 {
            first = key.clone();
        }
        chunks.entry(first.clone()).or_default().push((key, record));
    }
    for (key, parts) in chunks {
        let mut units: Vec<u8> =
            parts.iter().flat_map(|(_, record)| record[HEAD..].iter().copied()).collect();
        turn_units(&mut units).map_err(Error::undecodable(Kind::Chunk.name(), &key))?;
        let mut rest = &units[..];
        for (key, record) in parts {
            let (body, after) = rest.split_at(record.len() - HEAD);
            rest = after;
            done.push((key, [&record[..HEAD], body].concat().into()));
        }
    }
    Ok(done)
}

fn turn_units(mut units: &mut [u8]) -> Result<(), Undecodable> {
    while !units.is_empty() {
        let (len, rest) = units.split_at_mut_checked(4).ok_or(Undecodable)?;
        let len = u32::from_le_bytes((&*len).try_into().map_err(|_| Undecodable)?) as usize;
        let (unit, rest) = rest.split_at_mut_checked(len).ok_or(Undecodable)?;
        let (version, body) = unit.split_first_mut().ok_or(Undecodable)?;
        *version = UNRELEASED;
        for byte in body {
            *byte = !*byte;
        }
        units = rest;
    }
    Ok(())
}
