//! Bugs planted on purpose, to prove that the simulation sees them: a check that nothing can fail is worth nothing.
//!
//! The code that has a bug asks [`is_planted`] for it. Without the feature `bugs`, which only tests turn on, the answer is the
//! constant `false`, and the compiler drops the bug. With the feature a thread has the bug that [`with`] gives it, or the one
//! that the environment variable [`VARIABLE`] names; without either it has none.

#[cfg(feature = "bugs")]
use std::cell::Cell;

/// The environment variable that names the bug of a whole process, by its `snake_case` name.
#[cfg(feature = "bugs")]
pub const VARIABLE: &str = "ORDERLY_TEST_PLANTED_BUG";

/// A bug.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Bug {
    /// A command that comes again is applied again.
    DroppedDedupe,
    /// A delivery is acknowledged with later ones before its unit is durable.
    AckBeforeCommit,
    /// A group of units is called durable before the disk has synced it.
    CommitWithoutSync,
    /// The events of a unit are numbered in reverse.
    EventsOutOfOrder,
    /// A refund returns its goods to stock every time that it is asked for.
    DoubleRestock,
    /// A hold has no timer.
    ForgottenTimer,
    /// Only the first of the callbacks that wait for an order is applied when it is placed.
    LostWaitingCallback,
    /// The owners keep what they have in memory after a panic.
    CacheNotReloaded,
    /// The cursor of published events is ahead of the confirms.
    CursorAheadOfConfirm,
    /// A page that a checkpoint wrote anew stays in memory as it was.
    StaleReadAfterEviction,
    /// Recent units are forgotten before a checkpoint has them.
    ForgottenTooEarly,
    /// An order of an earlier build is read with another time of its hold.
    WrongUpgrade,
    /// An entity stays in a list after its state has changed.
    IndexBehindState,
    /// A capture counts for every order that it is told of.
    CaptureCountedTwice,
    /// A command that is refused leaves its changes to the next one.
    RefusalKeepsChanges,
    /// Identities are forgotten long before their retention ends.
    IdentityForgotten,
    /// Units count as durable when the broker confirms their record, not when it is read back.
    DurableAtConfirm,
    /// Units are accepted whatever their epoch is.
    NoEpochCheck,
    /// An opening record with the number of the epoch in force is taken.
    EqualEpochTaken,
    /// A member claims without reading to the end of the journal first.
    ClaimWithoutProbe,
    /// A member owns when it has appended its opening record, before it has read it back.
    OwnWithoutReading,
    /// Units behind a hole in the journal are accepted.
    HoleAccepted,
    /// A reader goes on behind a gap of offsets without looking whether records are missing there.
    GapIgnored,
    /// A follower applies units that were not accepted.
    AppliesIgnored,
    /// A fenced owner opens another epoch and appends again what it had sealed.
    ResendAfterForeignEpoch,
    /// A new owner does not know what was published before it.
    CursorNotCarried,
    /// A fenced owner reports its last units as durable.
    AckOnFenced,
}

impl Bug {
    /// Every bug.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Whether only several members that share a journal can have it.
    pub const fn is_of_members(self) -> bool {
        matches!(
            self,
            Self::DurableAtConfirm
                | Self::NoEpochCheck
                | Self::EqualEpochTaken
                | Self::ClaimWithoutProbe
                | Self::OwnWithoutReading
                | Self::HoleAccepted
                | Self::GapIgnored
                | Self::AppliesIgnored
                | Self::ResendAfterForeignEpoch
                | Self::CursorNotCarried
                | Self::AckOnFenced
        )
    }
}

/// Whether this thread has that bug.
#[cfg(not(feature = "bugs"))]
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the bug must leave nothing behind in a build without bugs"
)]
pub const fn is_planted(bug: Bug) -> bool {
    let _ = bug;
    false
}

#[cfg(feature = "bugs")]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = Cell::new(of_process());
}

/// The bug of the whole process.
#[cfg(feature = "bugs")]
fn of_process() -> Option<Bug> {
    let name = std::env::var(VARIABLE).ok()?;
    Some(name.parse().unwrap_or_else(|_| panic!("{VARIABLE}: there is no bug {name:?}")))
}

/// Whether this thread has that bug.
#[cfg(feature = "bugs")]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Gives this thread a bug while `run` runs.
#[cfg(feature = "bugs")]
pub fn with<T>(bug: Bug, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<Bug>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PLANTED.set(self.0);
        }
    }
    let _restore = Restore(PLANTED.replace(Some(bug)));
    run()
}
