//! What a complete checkpoint tells the reader.

use std::sync::Arc;

use crate::index::Catalog;
use crate::pages::PageId;
use crate::unit::Seq;

/// What a complete checkpoint holds; for `View::checkpointed`.
#[derive(Debug, Clone)]
pub struct Report {
    /// It holds every unit below this.
    pub covered: Seq,
    /// The bytes of views that were written.
    pub bytes: usize,
    /// Timers due before this are dealt with.
    pub(crate) fired: i64,
    pub(crate) pages: Vec<PageId>,
    pub(crate) catalog: Arc<Catalog>,
}
