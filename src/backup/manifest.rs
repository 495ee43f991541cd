//! The files `manifest.json` and `SHA256SUMS` of a backup.

use orderly_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The name of the file that says what the backup is.
pub(super) const MANIFEST: &str = "manifest.json";
/// The name of the file with the checksums.
pub(super) const SUMS: &str = "SHA256SUMS";
/// The version of the form of a backup that this build writes. A later build reads every earlier one.
pub(super) const VERSION: u32 = 1;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the form of the backup.
    pub version: u32,
    /// The version of the program that wrote it.
    pub orderly: String,
    /// The namespace that the store belongs to.
    pub namespace: String,
    /// The incarnation of the store when the backup was made.
    pub incarnation: String,
    /// The format of the store.
    pub store_format: String,
    /// The backup has every unit before this sequence, and none from it on.
    pub end_sequence: u64,
    /// When it was begun.
    pub began_at: Timestamp,
    /// When it was complete.
    pub ended_at: Timestamp,
    /// Its files, but for this one and the one with the checksums, in the order in which they are restored.
    pub files: Vec<Entry>,
}

impl Manifest {
    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The number of records in it.
    pub records: u64,
}

/// The checksum of a file, as `sha256sum` prints it.
pub(super) fn sum(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Checksums by the name of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sums(BTreeMap<String, String>);

impl Sums {
    pub(super) fn add(&mut self, name: &str, content: &[u8]) {
        self.0.insert(name.to_owned(), sum(content));
    }

    /// The lines of the file.
    pub(super) fn lines(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        lines.concat()
    }

    /// Reads the lines of the file, and nothing but those. The error says what is wrong.
    pub(super) fn read(lines: &[u8]) -> Result<Self, String> {
        let lines = std::str::from_utf8(lines).map_err(|_| "is not text".to_owned())?;
        let mut sums = BTreeMap::new();
        for (number, line) in (1..).zip(lines.split_inclusive('\n')) {
            let (sum, name) = line
                .strip_suffix('\n')
                .and_then(|line| line.split_once("  "))
                .filter(|(sum, name)| is_sum(sum) && is_name(name))
                .ok_or_else(|| format!("is not a list of checksums in line {number}"))?;
            sums.insert(name.to_owned(), sum.to_owned());
        }
        Ok(Self(sums))
    }

    /// The checksum of a file.
    pub(super) fn of(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of all files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The first file that is in only one of the two, or has another checksum there.
    pub(super) fn difference<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        self.names().chain(other.names()).find(|name| self.of(name) != other.of(name))
    }
}

fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether it is the name of a file in a backup; never a path that leads out of it.
pub(super) fn is_name(text: &str) -> bool {
    let is_letter = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    text == MANIFEST || (!text.is_empty() && text.bytes().all(is_letter))
}
