//! Lines to a store.

use super::line::{Stored, VERSION};
use super::{Error, Share};

pub(super) use super::line::Meaning;
use crate::backup::Scratch;
use orderly_actors::audit::{self, Audit};
use orderly_actors::tables::SCHEMA;
use orderly_store::transfer::Import;
use orderly_store::{Disk, Opened, Options, Partition, SledDisk, open_read_only};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of pages that sled may cache.
const SLED_CACHE: u64 = 16 << 20;
/// The longest line that is read, in bytes. A unit has a few values of at most 2 MiB each.
const LONGEST: usize = 256 << 20;

/// What an import reads of a line; the rest is for people.
#[derive(Deserialize)]
struct Line {
    stored: Stored,
}

/// A store that was imported.
#[derive(Debug)]
pub struct Imported {
    /// The namespace that it belongs to.
    pub namespace: String,
    /// The part of the namespace that it has.
    pub partition: Partition,
    /// The incarnation that it began.
    pub incarnation: Uuid,
    /// The sequence of its next unit.
    pub next_sequence: u64,
    /// The check of all its states.
    pub audit: Audit,
}

/// Makes a store of the lines of an export, or of a share of them, at `place`, where nothing is, or an empty folder. The store is
/// there only when it is whole and was checked. `progress` is told the number of bytes that were read since the last time.
pub fn import(
    lines: impl BufRead,
    place: &Path,
    share: Option<&Share>,
    options: &Options,
    progress: impl FnMut(u64),
) -> Result<Imported, Error> {
    let scratch = Scratch::beside(place, ".importing")?;
    let folder = scratch.folder();
    let imported = {
        let disk = SledDisk::open(&folder, SLED_CACHE).map_err(orderly_store::Error::from)?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        read(lines, share, &disk, progress)?.finish()?;
        let mut store = open_read_only(&disk, options)?.begin_writing()?;
        let incarnation = store.begin_incarnation()?;
        let Opened { view, recovery, .. } = &store;
        Imported {
            namespace: recovery.namespace.clone(),
            partition: recovery.partition,
            incarnation,
            next_sequence: view.next_seq().0,
            audit: audit::verify(view)?,
        }
    };
    SledDisk::wait_until_closed(&folder).map_err(orderly_store::Error::from)?;
    scratch.finish()?;
    Ok(imported)
}

/// Whether bytes are a line of an export, whatever the lines around it are; or what is wrong with them.
pub fn check_line(bytes: &[u8]) -> Result<(), String> {
    meaning(bytes).map(drop)
}

fn meaning(bytes: &[u8]) -> Result<Meaning, String> {
    let line: Line = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Meaning::try_from(line.stored)
}

/// Reads all lines.
fn read(
    lines: impl BufRead,
    share: Option<&Share>,
    disk: &Arc<dyn Disk>,
    progress: impl FnMut(u64),
) -> Result<Import, Error> {
    let mut import: Option<Import> = None;
    each_line(lines, progress, |meaning| {
        match (meaning, &mut import) {
            (Meaning::Store { about, .. }, _) => {
                let about = match share {
                    Some(share) => share.about(about),
                    None => about,
                };
                import = Some(Import::begin(Arc::clone(disk), about, &SCHEMA)?);
            }
            (Meaning::Item(item), Some(import)) => {
                if share.is_none_or(|share| share.has_item(&item)) {
                    import.put(item)?;
                }
            }
            (Meaning::Item(_) | Meaning::End { .. }, _) => {}
        }
        Ok(true)
    })?;
    import.ok_or(Error::Incomplete)
}

/// Gives what each line means, the line with the store first and the checked end last, until no more is wanted: `false`.
pub(super) fn each_line(
    mut lines: impl BufRead,
    mut progress: impl FnMut(u64),
    mut take: impl FnMut(Meaning) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut is_begun = false;
    let mut sum = Sha256::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let mut limited = std::io::Read::take(&mut lines, LONGEST as u64);
        limited.read_until(b'\n', &mut bytes).map_err(Error::Read)?;
        if bytes.is_empty() {
            break;
        }
        progress(bytes.len() as u64);
        let wrong = |what: String| Error::Line { number, what };
        let first = || wrong("the first line is not of kind \"store\"".to_owned());
        let meaning = meaning(&bytes).map_err(wrong)?;
        match &meaning {
            Meaning::Store { version, .. } if *version > VERSION => {
                return Err(Error::Newer { found: *version, known: VERSION });
            }
            Meaning::Store { .. } if is_begun => {
                return Err(wrong("the store is described twice".to_owned()));
            }
            Meaning::Store { .. } => is_begun = true,
            Meaning::Item(_) | Meaning::End { .. } if !is_begun => return Err(first()),
            Meaning::Item(_) => {}
            Meaning::End { lines: before, sha256 } => {
                if *before != number - 1 || *sha256 != hex::encode(sum.finalize()) {
                    return Err(Error::Changed);
                }
                return take(meaning).map(drop);
            }
        }
        if !take(meaning)? {
            return Ok(());
        }
        sum.update(&bytes);
    }
    Err(Error::Incomplete)
}
