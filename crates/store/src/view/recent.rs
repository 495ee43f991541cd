//! Recent units, shared by the one thread that seals them and the many that read.
//!
//! Invariant: what is replaced together is replaced under one lock, so that a reader never sees a catalog without the
//! units that it does not hold, nor units forgotten that its catalog does not hold. Nobody reads a disk under the lock:
//! the core waits for a reader for as long as some look-ups in memory take.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::overlay::Overlay;
use crate::index::Catalog;

/// What is known up to the newest sealed unit and is not read from pages.
#[derive(Debug)]
pub(crate) struct Recent {
    /// What recent units say.
    pub(crate) overlay: Overlay,
    /// The valid segments: they hold every unit that the overlay has forgotten.
    pub(crate) catalog: Arc<Catalog>,
}

/// Shares it.
#[derive(Debug, Clone)]
pub(crate) struct SharedRecent(Arc<RwLock<Recent>>);

impl SharedRecent {
    pub(crate) fn new(overlay: Overlay, catalog: Arc<Catalog>) -> Self {
        Self(Arc::new(RwLock::new(Recent { overlay, catalog })))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Recent> {
        // only a bug in the overlay poisons it, which ends the core as well
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Recent> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
