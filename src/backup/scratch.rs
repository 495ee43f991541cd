//! A folder that is made beside its place, and moved there when it is whole.

use super::Error;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// What is made is in a folder of this name, in the folder beside the place.
const NEW: &str = "new";
/// What was in the place before is in a folder of this name, until what is new has proved itself.
const OLD: &str = "old";
/// A process that is at work has a lock on this file.
const LOCK: &str = "lock";

/// A folder beside the place of what is made. It is removed when it is dropped. What a process left that died is removed by
/// the next one with the same place.
#[derive(Debug)]
pub(crate) struct Scratch {
    place: PathBuf,
    beside: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes the folder. Nothing, or an empty folder, may be at `place`, and the folder that it is in must be there: it may be
    /// on a disk that is not mounted. `suffix` is added to the name of the folder beside.
    pub(crate) fn beside(place: &Path, suffix: &str) -> Result<Self, Error> {
        check_free(place)?;
        Self::make(place, suffix)
    }

    /// The same for what will replace the folder at `place`, with [`replace`](Self::replace).
    pub(crate) fn instead(place: &Path, suffix: &str) -> Result<Self, Error> {
        if place.is_dir() && is_mounted(place) {
            return Err(Error::Mounted(place.to_owned()));
        }
        restore_replaced(place, suffix)?;
        Self::make(place, suffix)
    }

    fn make(place: &Path, suffix: &str) -> Result<Self, Error> {
        let (place, beside) = places(place, suffix)?;
        match place.parent() {
            Some(parent) if !parent.is_dir() => return Err(Error::NoParent(parent.to_owned())),
            Some(_) | None => {}
        }
        // only the owner may read what it is made of: it has the data of customers
        match DirBuilder::new().mode(0o700).create(&beside) {
            // a process that died left it, or another one is at work
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(Error::io("make", &beside))?,
        }
        let lock = beside.join(LOCK);
        let file = File::create(&lock).map_err(|error| {
            let _ = fs::remove_dir(&beside); // best effort: it is empty, unless a process left something
            Error::io("make", &lock)(error)
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(place)),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &lock)(error)),
        }
        let scratch = Self { place, beside, _lock: file };
        let new = scratch.folder();
        // what was replaced is of no use any more where its place is taken
        for left in [new.clone(), scratch.beside.join(OLD)] {
            match fs::remove_dir_all(&left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &left)(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        DirBuilder::new().mode(0o700).create(&new).map_err(Error::io("make", &new))?;
        Ok(scratch)
    }

    /// Where it will be.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The folder to make it in.
    pub(crate) fn folder(&self) -> PathBuf {
        self.beside.join(NEW)
    }

    /// Moves what was made to its place. It is durable when this returns, if its files are.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let new = self.folder();
        sync(&new)?;
        check_free(&self.place)?;
        fs::rename(&new, &self.place).map_err(Error::io("move the new folder to", &self.place))?;
        self.place.parent().map_or(Ok(()), sync)
    }
}

impl Scratch {
    /// Puts what was made in the place of the folder there. A crash on the way leaves the one or the other, and
    /// [`tidy`] puts it in its place. What was replaced is removed when the scratch folder is dropped.
    pub(crate) fn replace(&self) -> Result<(), Error> {
        let (new, old) = (self.folder(), self.beside.join(OLD));
        sync(&new)?;
        if self.place.exists() {
            fs::rename(&self.place, &old)
                .map_err(Error::io("move away the folder", &self.place))?;
        }
        fs::rename(&new, &self.place).map_err(Error::io("move the new folder to", &self.place))?;
        self.place.parent().map_or(Ok(()), sync)
    }
}

/// Puts back what was at `place`, if a process died while it replaced it, and removes the folder beside. To be called before the
/// place is used.
pub(crate) fn tidy(place: &Path, suffix: &str) -> Result<(), Error> {
    restore_replaced(place, suffix)?;
    let (_, beside) = places(place, suffix)?;
    if beside.is_dir() {
        drop(Scratch::make(place, suffix)?);
    }
    Ok(())
}

/// Puts back what was at `place`, if a process died while it replaced it.
fn restore_replaced(place: &Path, suffix: &str) -> Result<(), Error> {
    let (place, beside) = places(place, suffix)?;
    let old = beside.join(OLD);
    if !place.exists() && old.is_dir() {
        fs::rename(&old, &place).map_err(Error::io("move back the folder to", &place))?;
        place.parent().map_or(Ok(()), sync)?;
    }
    Ok(())
}

/// The absolute path of a place, and of the folder beside it.
fn places(place: &Path, suffix: &str) -> Result<(PathBuf, PathBuf), Error> {
    let place = std::path::absolute(place).map_err(Error::io("find", place))?;
    // without a slash at the end
    let place: PathBuf = place.components().collect();
    let mut beside = place.clone().into_os_string();
    beside.push(suffix);
    Ok((place, PathBuf::from(beside)))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let old = self.beside.join(OLD);
        if !self.place.exists() && old.is_dir() && fs::rename(&old, &self.place).is_err() {
            return; // it is all that there is: the next start puts it back
        }
        // best effort: what is left is removed by the next one with this place
        let _ = fs::remove_dir_all(&self.beside);
    }
}

/// Checks that nothing is at a place, or an empty folder.
fn check_free(place: &Path) -> Result<(), Error> {
    match fs::read_dir(place).map(|mut entries| entries.next().is_none()) {
        Ok(true) if is_mounted(place) => Err(Error::Mounted(place.to_owned())),
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(false) => Err(Error::Taken(place.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(Error::Taken(place.to_owned()))
        }
        Err(error) => Err(Error::io("read", place)(error)),
    }
}

/// Whether a folder is on another file system than the one that it is in.
pub(super) fn is_mounted(folder: &Path) -> bool {
    let device = |folder: &Path| fs::metadata(folder).map(|found| found.dev()).ok();
    device(folder) != device(&folder.join(".."))
}

/// Makes the names in a folder durable.
fn sync(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(Error::io("sync", folder))
}
