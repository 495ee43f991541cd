//! Writing the files of a backup to a folder. The folder is there only when the backup is complete.

use super::manifest::{self, MANIFEST, Manifest, SUMS, Sums};
use super::scratch::Scratch;
use super::{Error, File};
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// The folder of a backup that is being written.
#[derive(Debug)]
pub struct Folder {
    scratch: Scratch,
    /// The checksums of the files that came.
    came: Sums,
    /// The checksums that the backup names.
    named: Option<Sums>,
    manifest: Option<Manifest>,
}

impl Folder {
    /// Begins a backup at a place where nothing is, or an empty folder.
    pub fn create(place: &Path) -> Result<Self, Error> {
        let scratch = Scratch::beside(place, ".partial")?;
        Ok(Self { scratch, came: Sums::default(), named: None, manifest: None })
    }

    /// Writes a file. It is durable when this returns.
    pub fn write(&mut self, file: &File) -> Result<(), Error> {
        let File { name, content } = file;
        let path = self.scratch.folder().join(name);
        if name == SUMS {
            let sums = Sums::read(content).map_err(|what| Error::damaged(path.clone(), what))?;
            self.named = Some(sums);
        } else if manifest::is_name(name) {
            self.came.add(name, content);
        } else {
            return Err(Error::damaged(path, "has a name that no file of a backup has"));
        }
        if name == MANIFEST {
            let read = serde_json::from_slice(content);
            self.manifest = Some(read.map_err(|error| {
                Error::damaged(path.clone(), format!("cannot be read: {error}"))
            })?);
        }
        let written = fs::File::create_new(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.map_err(Error::io("write", &path))
    }

    /// The namespace that the store belongs to, once the manifest came.
    pub fn namespace(&self) -> Option<&str> {
        self.manifest.as_ref().map(|manifest| manifest.namespace.as_str())
    }

    /// Ends the backup: checks that every file came as it was sent, and moves the folder to its place.
    pub fn finish(self) -> Result<Manifest, Error> {
        let Self { scratch, came, named, manifest } = self;
        let (Some(named), Some(manifest)) = (named, manifest) else {
            return Err(Error::Incomplete(scratch.place().to_owned()));
        };
        if let Some(name) = came.difference(&named) {
            let path = scratch.folder().join(name);
            return Err(Error::damaged(path, "did not come as it was sent"));
        }
        scratch.finish()?;
        Ok(manifest)
    }
}
