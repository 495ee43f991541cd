//! Reading a store into the files of a backup.

use super::manifest::{self, Entry, MANIFEST, Manifest, SUMS, Sums};
use crate::config::ByteSize;
use bytes::Bytes;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_store::Error;
use orderly_store::backup::{Copied, Source};
use orderly_store::disk::Tree;
use std::thread;
use std::time::Duration;

/// A file ends when it has this many bytes. It is held in memory as a whole.
const FILE: usize = 4 << 20;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its bytes, about 5 MiB at most.
    pub content: Bytes,
}

/// Reads a store into the files of a backup. The thread that asks for them sleeps in between, so that no more than the
/// given number of bytes is read in a second.
#[derive(Debug)]
pub struct Files {
    source: Source,
    /// The largest number of bytes in a second.
    rate: u64,
    clock: SystemClock,
    began: Duration,
    /// The bytes that were read so far.
    read: u64,
    manifest: Manifest,
    sums: Sums,
    /// The records that are in no file yet, and the tree that they are of.
    part: Vec<u8>,
    records: u64,
    tree: Option<Tree>,
    /// The files of this tree so far.
    number: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Records,
    Manifest,
    Sums,
    End,
}

impl Files {
    /// Begins a backup.
    pub fn new(source: Source, rate: ByteSize) -> Self {
        let clock = SystemClock::default();
        let store = source.description();
        let manifest = Manifest {
            version: manifest::VERSION,
            orderly: env!("CARGO_PKG_VERSION").to_owned(),
            namespace: store.namespace.clone(),
            incarnation: store.incarnation.to_string(),
            store_format: store.formats.to_string(),
            end_sequence: source.end().0,
            began_at: clock.now(),
            ended_at: clock.now(),
            files: Vec::new(),
        };
        Self {
            source,
            rate: rate.bytes().max(1),
            began: clock.monotonic(),
            clock,
            read: 0,
            manifest,
            sums: Sums::default(),
            part: Vec::new(),
            records: 0,
            tree: None,
            number: 0,
            stage: Stage::Records,
        }
    }

    /// About how many bytes the store takes on its disk.
    pub fn store_bytes(&self) -> Result<u64, Error> {
        self.source.bytes()
    }

    /// Whether there is no further file.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::End
    }

    /// What is known of the backup so far; all of it when there is no further file.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next file. `None`: the backup is complete.
    pub fn next_file(&mut self) -> Result<Option<File>, Error> {
        match self.stage {
            Stage::Records => {
                if let Some(file) = self.records()? {
                    return Ok(Some(file));
                }
                self.stage = Stage::Manifest;
                self.next_file()
            }
            Stage::Manifest => {
                self.stage = Stage::Sums;
                self.manifest.end_sequence = self.source.end().0;
                self.manifest.ended_at = self.clock.now();
                let mut content = serde_json::to_vec_pretty(&self.manifest).unwrap_or_default();
                content.push(b'\n');
                self.sums.add(MANIFEST, &content);
                Ok(Some(File { name: MANIFEST.to_owned(), content: content.into() }))
            }
            Stage::Sums => {
                self.stage = Stage::End;
                let content = self.sums.lines().into_bytes().into();
                Ok(Some(File { name: SUMS.to_owned(), content }))
            }
            Stage::End => Ok(None),
        }
    }

    /// The next file of records. `None`: all records are in files.
    fn records(&mut self) -> Result<Option<File>, Error> {
        let mut step = Vec::new();
        while let Some(Copied { tree, records }) = self.source.step(&mut step)? {
            self.pace(step.len());
            let ends = (self.tree != Some(tree) || self.part.len() >= FILE).then(|| self.end());
            if self.tree != Some(tree) {
                (self.tree, self.number) = (Some(tree), 0);
            }
            self.part.append(&mut step);
            self.records += records as u64;
            if let Some(file) = ends.flatten() {
                return Ok(Some(file));
            }
        }
        Ok(self.end())
    }

    /// Makes a file of the records so far. `None`: there are none.
    fn end(&mut self) -> Option<File> {
        let tree = self.tree.filter(|_| !self.part.is_empty())?;
        self.number += 1;
        let name = format!("{tree}-{:06}", self.number);
        let content = std::mem::take(&mut self.part);
        self.sums.add(&name, &content);
        self.manifest.files.push(Entry {
            name: name.clone(),
            bytes: content.len() as u64,
            records: std::mem::take(&mut self.records),
        });
        Some(File { name, content: content.into() })
    }

    /// Sleeps until as many bytes may have been read.
    fn pace(&mut self, bytes: usize) {
        self.read += bytes as u64;
        let due = Duration::from_secs_f64(self.read as f64 / self.rate as f64);
        let elapsed = self.clock.monotonic().saturating_sub(self.began);
        thread::sleep(due.saturating_sub(elapsed));
    }
}

/// The tree whose records a file has.
pub(super) fn tree_of(name: &str) -> Option<Tree> {
    let (tree, number) = name.rsplit_once('-')?;
    number.parse::<u32>().ok()?;
    Tree::ALL.into_iter().find(|one| one.name() == tree)
}
