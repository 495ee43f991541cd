//! The counters of the store. Each has a number, which is stored: a number never changes its meaning
//! (`tests/stored_numbers.rs`).

use orderly_domain::order::Status;
use orderly_domain::verdict::Reason;
use orderly_store::View;

/// Callbacks that wait for their order.
pub const WAITING: u8 = 32;

/// Bytes kept of parked messages.
pub const PARKED_BYTES: u8 = 33;

/// Why messages are parked. The number is that of the counter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
#[repr(u8)]
pub enum ParkedReason {
    /// No JSON, or no envelope.
    Malformed = 40,
    /// No such type of command.
    UnknownType = 41,
    /// The data breaks a rule.
    Validation = 42,
    /// More bytes than `intake.max_command_size`.
    TooLarge = 43,
    /// Past its own deadline.
    Deadline = 44,
    /// Older than identities are kept.
    ExpiredIdentity = 45,
    /// Its identity was seen before with other data.
    Conflict = 46,
    /// Still failing after every retry, for whatever reason.
    Failed = 47,
    /// No room for another waiting callback.
    WaitingFull = 48,
    /// A callback whose order never came.
    OrderNeverCame = 49,
}

impl ParkedReason {
    /// Every reason, in the order of the numbers.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in metrics and in the admin API: that of the [`Reason`].
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl From<Reason> for ParkedReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Malformed => Self::Malformed,
            Reason::UnknownType => Self::UnknownType,
            Reason::Validation => Self::Validation,
            Reason::TooLarge => Self::TooLarge,
            Reason::Deadline => Self::Deadline,
            Reason::ExpiredIdentity => Self::ExpiredIdentity,
            Reason::Conflict => Self::Conflict,
            Reason::WaitingFull => Self::WaitingFull,
            Reason::OrderNeverCame => Self::OrderNeverCame,
            // rules refuse for the others: a command that failed may have met one of them last
            Reason::Failed
            | Reason::OutOfStock
            | Reason::UnknownSku
            | Reason::BelowHeld
            | Reason::CartNotFound
            | Reason::CartEmpty
            | Reason::CartClosed
            | Reason::VersionMismatch
            | Reason::TotalMismatch
            | Reason::CurrencyMismatch
            | Reason::OrderExists
            | Reason::OrderNotFound
            | Reason::NotAllowed
            | Reason::RefundExceedsPaid
            | Reason::RefundExists
            | Reason::RestockExceedsSold => Self::Failed,
        }
    }
}

/// The counter of the messages parked for `reason`.
pub fn of_parked(reason: ParkedReason) -> u8 {
    reason as u8
}

/// How many messages are parked for `reason`.
pub fn parked(view: &View, reason: ParkedReason) -> u64 {
    count(view, of_parked(reason))
}

/// How many messages are parked, whatever the reason.
pub fn parked_in_all(view: &View) -> u64 {
    ParkedReason::ALL.iter().map(|reason| parked(view, *reason)).sum()
}

/// How many bytes are kept of parked messages.
pub fn parked_bytes(view: &View) -> u64 {
    count(view, PARKED_BYTES)
}

/// The counter of the orders in `status`.
pub fn of_status(status: Status) -> u8 {
    match status {
        Status::Rejected => 0,
        Status::AwaitingPayment => 1,
        Status::PartiallyPaid => 2,
        Status::UnderReview => 3,
        Status::Paid => 4,
        Status::Completed => 5,
        Status::Expired => 6,
        Status::Cancelled => 7,
        Status::RefundDue => 8,
        Status::PartiallyRefunded => 9,
        Status::Refunded => 10,
    }
}

/// How many orders have `status`.
pub fn orders(view: &View, status: Status) -> u64 {
    count(view, of_status(status))
}

/// How many callbacks wait for their order.
pub fn waiting(view: &View) -> u64 {
    count(view, WAITING)
}

fn count(view: &View, index: u8) -> u64 {
    u64::try_from(view.counters()[usize::from(index)]).unwrap_or(0)
}
