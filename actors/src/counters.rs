//! The store's counters: what is counted over all units, by number. A number is stored, and stays
//! with what it counts for ever (`tests/stored_numbers.rs`).

use orderly_domain::order::Status;
use orderly_domain::verdict::Reason;
use orderly_store::View;

/// Callbacks that wait for their order.
pub const WAITING: u8 = 32;

/// Bytes kept of parked messages.
pub const PARKED_BYTES: u8 = 33;

/// Why messages are parked.
pub const PARKED_REASONS: [Reason; 10] = [
    Reason::Malformed,
    Reason::UnknownType,
    Reason::Validation,
    Reason::TooLarge,
    Reason::Deadline,
    Reason::ExpiredIdentity,
    Reason::Conflict,
    Reason::Failed,
    Reason::WaitingFull,
    Reason::OrderNeverCame,
];

/// The counter of the messages parked for `reason`; one that is none of
/// [`PARKED_REASONS`] counts as failed.
pub fn of_parked(reason: Reason) -> u8 {
    match reason {
        Reason::Malformed => 40,
        Reason::UnknownType => 41,
        Reason::Validation => 42,
        Reason::TooLarge => 43,
        Reason::Deadline => 44,
        Reason::ExpiredIdentity => 45,
        Reason::Conflict => 46,
        Reason::WaitingFull => 48,
        Reason::OrderNeverCame => 49,
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
        | Reason::RestockExceedsSold => 47,
    }
}

/// How many messages are parked for `reason`.
pub fn parked(view: &View, reason: Reason) -> u64 {
    count(view, of_parked(reason))
}

/// How many messages are parked, whatever the reason.
pub fn parked_in_all(view: &View) -> u64 {
    PARKED_REASONS.iter().map(|reason| parked(view, *reason)).sum()
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
