//! A backup in a folder.

use super::Error;
use super::files::tree_of;
use super::manifest::{self, Entry, MANIFEST, Manifest, SUMS, Sums};
use bytes::Bytes;
use orderly_store::backup;
use orderly_store::disk::Tree;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A complete backup in a folder.
#[derive(Debug)]
pub struct Backup {
    folder: PathBuf,
    manifest: Manifest,
    sums: Sums,
}

impl Backup {
    /// Opens a backup, and checks its manifest. The files of records are checked when they are read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::Missing(folder.to_owned()));
        }
        let path = folder.join(SUMS);
        let sums = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Incomplete(folder.to_owned()));
            }
            read => read.map_err(Error::io("read", &path))?,
        };
        let sums = Sums::read(&sums).map_err(|what| Error::damaged(path, what))?;
        let content = read(folder, &sums, MANIFEST)?;
        let unreadable = |error: serde_json::Error| {
            Error::damaged(folder.join(MANIFEST), format!("cannot be read: {error}"))
        };
        let value: serde_json::Value = serde_json::from_slice(&content).map_err(unreadable)?;
        if let Some(found) =
            value["version"].as_u64().filter(|version| *version > manifest::VERSION.into())
        {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(Error::Newer { found, known: manifest::VERSION });
        }
        let manifest: Manifest = serde_json::from_value(value).map_err(unreadable)?;
        let named: BTreeSet<_> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        if let Some(name) = sums.names().find(|name| *name != MANIFEST && !named.contains(name)) {
            return Err(Error::damaged(folder.join(name), format!("is not named by {MANIFEST}")));
        }
        Ok(Self { folder: folder.to_owned(), manifest, sums })
    }

    /// What the backup is.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The records of a file, and the tree that they are of. They are as they were written.
    pub(super) fn read(&self, entry: &Entry) -> Result<(Tree, Bytes), Error> {
        let path = || self.folder.join(&entry.name);
        let tree = tree_of(&entry.name)
            .ok_or_else(|| Error::damaged(path(), "has a name that no file of records has"))?;
        let content = read(&self.folder, &self.sums, &entry.name)?;
        let records = backup::count(content.clone())
            .map_err(|source| Error::Records { path: path(), source })?;
        if (content.len() as u64, records) != (entry.bytes, entry.records) {
            let what = format!("does not have the bytes and records that {MANIFEST} names");
            return Err(Error::damaged(path(), what));
        }
        Ok((tree, content))
    }

    /// Checks every file, without making a store. `progress` is told the number of bytes that were checked since the last
    /// time. Returns the number of records.
    pub fn verify(&self, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
        let mut records = 0;
        for entry in &self.manifest.files {
            self.read(entry)?;
            records += entry.records;
            progress(entry.bytes);
        }
        Ok(records)
    }
}

/// Reads a file, and compares it with its checksum.
fn read(folder: &Path, sums: &Sums, name: &str) -> Result<Bytes, Error> {
    let path = folder.join(name);
    let Some(sum) = sums.of(name) else {
        return Err(Error::damaged(path, format!("has no checksum in {SUMS}")));
    };
    let content = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::damaged(path, "is missing"));
        }
        read => read.map_err(Error::io("read", &path))?,
    };
    if manifest::sum(&content) == sum {
        Ok(content.into())
    } else {
        Err(Error::damaged(path, format!("does not have the checksum that {SUMS} names")))
    }
}
