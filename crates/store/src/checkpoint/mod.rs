//! Checkpoints: write the changes of committed units into the views, step by step.
//!
//! | file | has |
//! |---|---|
//! | `pending` | the committed units that no checkpoint has written |
//! | `steps` | the steps of a checkpoint |
//! | `manifest` | which views are valid, and up to which unit |
//! | `report` | the result of a checkpoint, for the view |

mod manifest;
mod pending;
mod report;
mod steps;

pub(crate) use self::manifest::Manifest;
pub(crate) use self::pending::PendingUnits;
pub use self::report::Report;
pub(crate) use self::steps::Checkpoint;
