//! Recent units, shared by the one thread that seals them and the many that read.
//!
//! Invariant: whenever a reader takes the lock, the overlay has each sealed unit, or the catalog has the names and
//! identities of that unit. Therefore both are behind one lock. Nobody reads the disk while holding the lock, so the core
//! waits for a reader only as long as some look-ups in memory take.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::overlay::Overlay;
use crate::index::Catalog;

/// The recent units and the valid segments.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The changes of recent units.
    pub(crate) overlay: Overlay,
    /// The valid segments. They hold the names and identities of every unit that the overlay has forgotten.
    pub(crate) catalog: Arc<Catalog>,
}

/// Shares [`Recent`] between threads.
#[derive(Debug, Clone)]
pub(crate) struct SharedRecent(Arc<RwLock<Recent>>);

impl SharedRecent {
    pub(crate) fn new(overlay: Overlay, catalog: Arc<Catalog>) -> Self {
        Self(Arc::new(RwLock::new(Recent { overlay, catalog })))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Recent> {
        // only a panic in the overlay poisons the lock, and that panic ends the process anyway
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Recent> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
