//! Where a command finds a store: with a processor at work, or stopped.

use super::store::{Error, is_store};
use orderly_store::SledDisk;
use std::path::Path;

/// Where a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A processor has it open, and its admin API gives what is asked for.
    Running,
    /// Nobody has it open.
    Stopped,
}

impl Source {
    /// With the processor at `url`. Without it with the one that has `store` open, or in `store` itself.
    pub(super) fn find(store: &Path, url: Option<&str>) -> Result<Self, Error> {
        if url.is_some() {
            return Ok(Self::Running);
        }
        if !is_store(store) {
            return Err(Error::Missing(store.to_owned()));
        }
        let is_open = SledDisk::is_open(store).map_err(orderly_store::Error::from)?;
        Ok(if is_open { Self::Running } else { Self::Stopped })
    }
}
