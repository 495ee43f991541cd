//! The result of a checkpoint, for the view.

use std::sync::Arc;

use crate::index::Catalog;
use crate::pages::PageId;
use crate::position::Position;
use crate::unit::Seq;

/// The result of a complete checkpoint. The core thread passes it to `View::checkpointed`.
#[derive(Debug, Clone)]
pub struct Report {
    /// The views on disk hold every unit below this.
    pub covered: Seq,
    /// The newest position of these units.
    pub(crate) position: Option<Position>,
    /// The number of bytes that were written to the views.
    pub bytes: usize,
    /// Timers due before this have fired. Microseconds since the epoch.
    pub(crate) fired: i64,
    pub(crate) pages: Vec<PageId>,
    pub(crate) catalog: Arc<Catalog>,
}
