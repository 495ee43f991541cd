//! Faults on purpose. The simulation must find each of them.

/// A fault in the protocol. With the feature `planted-faults` a test can plant one; no other build has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Units count as durable when the broker confirms them, not when they are read back.
    DurableAtConfirm,
    /// Units are accepted whatever their epoch is.
    NoEpochCheck,
    /// An opening record with the number of the epoch in force is taken.
    EqualEpochTaken,
    /// A member claims without reading to the end first.
    ClaimWithoutProbe,
    /// A member owns when it has appended its opening record, before it has read it back.
    OwnWithoutReading,
    /// Units behind a hole are accepted.
    HoleAccepted,
    /// A follower applies units that were not accepted.
    AppliesIgnored,
    /// A fenced owner opens another epoch and appends again what it had sealed.
    ResendAfterForeignEpoch,
    /// A new owner does not know what was published before it.
    CursorNotCarried,
    /// A fenced owner reports its last units as durable.
    AckOnFenced,
}

/// The fault that is planted, if any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planted {
    #[cfg(feature = "planted-faults")]
    fault: Option<Fault>,
}

impl Planted {
    /// No fault.
    pub(crate) const NONE: Self = Self {
        #[cfg(feature = "planted-faults")]
        fault: None,
    };

    #[cfg(feature = "planted-faults")]
    pub(crate) const fn one(fault: Fault) -> Self {
        Self { fault: Some(fault) }
    }

    /// Whether `fault` is planted.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn has(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether `fault` is planted.
    #[cfg(not(feature = "planted-faults"))]
    #[allow(clippy::unused_self, reason = "as with the feature")]
    pub(crate) const fn has(self, _fault: Fault) -> bool {
        false
    }
}
